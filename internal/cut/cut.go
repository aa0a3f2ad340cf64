// Package cut cuts texts that came from outside to what is worth passing on.
package cut

import (
	"strings"
	"unicode/utf8"
)

const ellipsis = "…"

// Bytes returns the text in at most so many bytes, which must have room for the ellipsis. It
// keeps only whole characters.
func Bytes(text string, most int) string {
	if len(text) > most {
		text = text[:most-len(ellipsis)] + ellipsis
	}
	return strings.ToValidUTF8(text, "")
}

// Runes returns the text, of which it keeps at most so many characters. The ellipsis is one more.
func Runes(text string, most int) string {
	if utf8.RuneCountInString(text) <= most {
		return text
	}
	return string([]rune(text)[:most]) + ellipsis
}
