package saml

import (
	"fmt"
	"time"
)

// checkValidity returns an error if validUntil of one of the elements is not after now.
func checkValidity(elements []*element, now time.Time) error {
	for _, e := range elements {
		value := e.attr("validUntil")
		if value == "" {
			continue
		}
		until, ok := parseDateTime(value)
		switch {
		case !ok:
			return &Error{fmt.Sprintf("has the validUntil %q in its %s %s, which is not a date and time like 2036-06-15T03:03:01Z; "+
				"correct it, %s", clip(value, maxQuoted), e.name, e.at, orValues)}
		case !until.After(now):
			return &Error{fmt.Sprintf("expired on %s (validUntil of its %s %s); get the current one from the identity provider, %s",
				until.UTC().Format(time.DateOnly), e.name, e.at, orValues)}
		}
	}
	return nil
}

// parseDateTime parses an xs:dateTime. Without a zone it is in UTC, as SAML wants all of them.
func parseDateTime(value string) (time.Time, bool) {
	for _, layout := range []string{time.RFC3339, "2006-01-02T15:04:05"} {
		if t, err := time.Parse(layout, value); err == nil {
			return t, true
		}
	}
	return time.Time{}, false
}
