package saml

import (
	"strings"
	"unicode"
)

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
