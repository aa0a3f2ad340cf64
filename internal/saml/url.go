package saml

import (
	"fmt"
	"net/url"
	"strings"
	"unicode"
)

// maxURLBytes bounds a URL.
const maxURLBytes = 2048

// URLProblem returns the rule of an absolute https URL that text breaks, as a predicate like
// the Message of an [Error]; empty if it breaks none. The URLs in SAML metadata, those of a
// request and those that are fetched have this one rule.
func URLProblem(text string) string {
	_, problem := parseURL(text)
	return problem
}

// parseURL parses an absolute https URL, or returns what is wrong with text.
func parseURL(text string) (u *url.URL, problem string) {
	u, err := url.Parse(text)
	switch {
	case text == "":
		return nil, "must not be empty"
	case len(text) > maxURLBytes:
		return nil, fmt.Sprintf("must have at most %d bytes, has %d", maxURLBytes, len(text))
	case strings.ContainsFunc(text, isSpaceOrControl):
		return nil, "must not contain white space or control characters"
	case err != nil: // The parser's own words would repeat the text.
		return nil, "must be an absolute https URL"
	case u.Scheme != "https":
		return nil, "must be an absolute URL that begins with https://"
	case u.Hostname() == "":
		return nil, "must name a host"
	case u.User != nil:
		return nil, "must not contain a user name or password"
	}
	return u, ""
}

func isSpaceOrControl(r rune) bool { return unicode.IsSpace(r) || isControl(r) }
