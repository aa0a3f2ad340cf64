// Package saml reads what an identity provider (IdP) publishes about its SAML 2.0 sign-in:
// signing certificates and SAML metadata, from text or from an allowed URL.
//
// It is liberal in form and strict in meaning: what means nothing, such as a byte order mark
// or text around a PEM block, is skipped; what could mean something else is refused by name.
package saml

import (
	"unicode/utf8"
)

// Error reports input that is not valid. Message is a predicate without a full stop, such
// as "must not be empty": it continues "the certificate", "the SAML metadata" or the name of
// a field. It is safe to show to anyone. It never repeats a certificate or a key, and of
// entity ids at most the beginning.
type Error struct {
	Message string
	// PrivateKey reports that the input contains a private key. Nothing of the input may be kept.
	PrivateKey bool
	// Another reports that the SAML metadata describes other identity providers than the one that was
	// named.
	Another bool
}

func (e *Error) Error() string { return e.Message }

// maxQuoted bounds what an error repeats of a name or a value, in characters.
const maxQuoted = 64

// clip shortens text to at most limit characters.
func clip(text string, limit int) string {
	if utf8.RuneCountInString(text) <= limit {
		return text
	}
	return string([]rune(text)[:limit]) + "…"
}
