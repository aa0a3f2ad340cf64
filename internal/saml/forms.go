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

// trimMarks cuts off what means nothing before a text: byte order marks, right or decoded
// wrongly, white space, and characters of no width.
func trimMarks(data []byte) []byte {
	for {
		trimmed := bytes.TrimLeftFunc(data, func(r rune) bool { return unicode.IsSpace(r) || unicode.Is(unicode.Cf, r) })
		for _, mark := range marks {
			trimmed = bytes.TrimPrefix(trimmed, []byte(mark))
		}
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
	if data, wrong := decodeBase64(withoutFormat(string(text))); wrong == nil && (IsXML(data) || isUTF16(data)) {
		return data
	}
	return document
}

// isUTF16 reports whether data begins as XML in UTF-16 does.
func isUTF16(data []byte) bool {
	for _, start := range []string{"\xfe\xff", "\xff\xfe", "<\x00", "\x00<"} {
		if bytes.HasPrefix(data, []byte(start)) {
			return true
		}
	}
	return false
}
