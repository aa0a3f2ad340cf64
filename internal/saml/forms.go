package saml

import (
	"bytes"
	"html"
	"strings"
	"unicode"
)

// marks are what a byte order mark becomes where UTF-8 was read as Windows-1252 (also twice),
// the code pages 437, 850 and 866, Windows-1251, Mac Roman, and ASCII.
var marks = []string{"\u00ef\u00bb\u00bf", "\u00c3\u00af\u00c2\u00bb\u00c2\u00bf", "\u2229\u2557\u2510", "\u00b4\u2557\u2510", "\u044f\u2557\u2510", "\u043f\u00bb\u0457", "\u00d4\u00aa\u00f8", "\ufffd\ufffd\ufffd"}

// CutMark cuts off the byte order mark that a text begins with, right or decoded wrongly. It
// means nothing.
func CutMark(text []byte) []byte {
	for _, mark := range append([]string{"\uFEFF"}, marks...) {
		text = bytes.TrimPrefix(text, []byte(mark))
	}
	return text
}

// trimMarks cuts off what means nothing before a text: byte order marks, right or decoded
// wrongly, white space, and characters of no width.
func trimMarks(data []byte) []byte {
	for {
		trimmed := bytes.TrimLeftFunc(data, func(r rune) bool { return unicode.IsSpace(r) || unicode.Is(unicode.Cf, r) })
		trimmed = CutMark(trimmed)
		if len(trimmed) == len(data) {
			return trimmed
		}
		data = trimmed
	}
}

// withoutFormat returns text without format characters, such as byte order marks, soft hyphens
// and spaces of no width: they come from web pages and mean nothing in PEM and base64.
func withoutFormat(text string) string {
	return strings.Map(func(r rune) rune {
		if unicode.Is(unicode.Cf, r) {
			return -1
		}
		return r
	}, text)
}

// IsXML reports whether data starts as an XML document does. JSON never does.
func IsXML(data []byte) bool { return bytes.HasPrefix(trimMarks(data), []byte("<")) }

// unwrap returns the XML in a document that was escaped for HTML, or encoded in base64, once;
// any other as it is. Neither can be mistaken for XML, which begins with <.
func unwrap(document []byte) []byte {
	text := trimMarks(document)
	switch {
	case bytes.HasPrefix(text, []byte("&lt;")):
		return []byte(html.UnescapeString(string(text)))
	case len(text) == 0, text[0] == '<':
		return document
	}
	if data, wrong := decodeBase64(withoutFormat(string(text))); wrong == nil && (IsXML(data) || IsUTF16(data, '<')) {
		return data
	}
	return document
}

// IsUTF16 reports whether data begins as a text in UTF-16 does whose first character is first.
func IsUTF16(data []byte, first byte) bool {
	for _, start := range []string{"\xfe\xff", "\xff\xfe", string([]byte{first, 0}), string([]byte{0, first})} {
		if bytes.HasPrefix(data, []byte(start)) {
			return true
		}
	}
	return false
}
