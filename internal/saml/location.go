package saml

import (
	"fmt"
	"net/url"
	"strings"
)

// maxURLBytes bounds a URL.
const maxURLBytes = 2048

// location returns the URL of the first endpoint with the binding HTTP-POST, else with
// HTTP-Redirect, else empty. ResponseLocation is not read: it is for answers to a logout
// that someone else started.
func location(endpoints []endpoint, element string) (string, error) {
	for _, binding := range []string{bindingPOST, bindingRedirect} {
		for _, e := range endpoints {
			if e.attr("Binding") != binding {
				continue
			}
			text := e.attr("Location")
			if _, problem := parseURL(text); problem != "" {
				return "", &Error{fmt.Sprintf("has a %s whose Location %s", element, problem)}
			}
			return text, nil
		}
	}
	return "", nil
}

// parseURL parses an absolute https URL, or returns what is wrong with text.
func parseURL(text string) (u *url.URL, problem string) {
	u, err := url.Parse(text)
	switch {
	case text == "":
		return nil, "must not be empty"
	case len(text) > maxURLBytes:
		return nil, fmt.Sprintf("must have at most %d bytes", maxURLBytes)
	case strings.ContainsFunc(text, isSpaceOrControl):
		return nil, "must not contain white space or control characters"
	case err != nil: // The parser's own words would repeat the text.
		return nil, "must be an absolute https URL"
	case u.Scheme != "https":
		return nil, "must begin with https://"
	case u.Hostname() == "":
		return nil, "must name a host"
	case u.User != nil:
		return nil, "must not contain a user name or password"
	}
	return u, ""
}
