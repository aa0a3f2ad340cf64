package saml

import (
	"bytes"
	"strings"
	"unicode"
)

var byteOrderMark = []byte("\uFEFF")

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
func IsXML(data []byte) bool {
	return bytes.HasPrefix(bytes.TrimSpace(bytes.TrimPrefix(data, byteOrderMark)), []byte("<"))
}
