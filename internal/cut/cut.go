// Package cut shortens texts from outside before they are passed on.
package cut

import (
	"strings"
	"unicode/utf8"
)

const ellipsis = "…"

// maxID is the number of bytes that an id may have. Those that AWS assigns have at most 100.
const maxID = 256

// ID returns an id, or nothing if it is longer than any that AWS assigns. A shortened id would no
// longer identify anything.
func ID(id string) string {
	if len(id) > maxID {
		return ""
	}
	return id
}

// Bytes returns the text in at most so many bytes, which must have room for the ellipsis. It
// keeps only whole characters.
func Bytes(text string, most int) string {
	if len(text) > most {
		text = text[:most-len(ellipsis)] + ellipsis
	}
	return strings.ToValidUTF8(text, "")
}

// Runes returns at most so many characters of the text. The ellipsis is one more.
func Runes(text string, most int) string {
	if utf8.RuneCountInString(text) <= most {
		return text
	}
	return string([]rune(text)[:most]) + ellipsis
}
