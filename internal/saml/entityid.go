package saml

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// maxEntityID is SAML's own limit, in characters (saml-core-2.0-os, section 8.3.6).
const maxEntityID = 1024

// EntityIDProblem returns the rule that an entity id breaks, as a predicate like the Message of
// an [Error]; empty if it breaks none. Spaces in it are allowed, because real ones have them. The
// entity id of a request and that in SAML metadata have this one rule.
func EntityIDProblem(id string) string {
	switch length := utf8.RuneCountInString(id); {
	case id == "":
		return "must not be empty"
	case length > maxEntityID:
		return fmt.Sprintf("must have at most %d characters, has %d", maxEntityID, length)
	case strings.ContainsFunc(id, isControl):
		return "must not contain control characters"
	}
	return ""
}

// isControl includes the replacement character that a decoder puts where the text was not
// Unicode: two different texts must not become equal.
func isControl(r rune) bool { return unicode.IsControl(r) || r == utf8.RuneError }
