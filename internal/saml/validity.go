package saml

import (
	"fmt"
	"strings"
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
			return &Error{Message: fmt.Sprintf("has the validUntil %q in its %s %s, which is not a date and time like 2036-06-15T03:03:01Z; "+
				"correct it, %s", clip(value, maxQuoted), e.name, e.at, orValues)}
		case until.Year() == 1: // The zero time of Go and .NET: it was not set.
		case !until.After(now):
			return &Error{Message: fmt.Sprintf("expired on %s (validUntil of its %s %s); get the current one from the identity provider, %s",
				until.UTC().Format(time.DateOnly), e.name, e.at, orValues)}
		}
	}
	return nil
}

// parseDateTime parses an xs:dateTime. Without a zone it is in UTC, as SAML wants all of them.
// A zone without its colon is no xs:dateTime, but cannot be misunderstood.
func parseDateTime(value string) (time.Time, bool) {
	year, rest, _ := strings.Cut(value, "-")
	if len(year) > len("9999") && !strings.ContainsFunc(year, func(r rune) bool { return r < '0' || r > '9' }) {
		value = "9999-" + rest // Java's largest time, for instance.
	}
	day, clock, _ := strings.Cut(value, "T")
	midnight, ends := strings.CutPrefix(clock, "24:00:00") // The end of a day.
	if ends {
		value = day + "T00:00:00" + midnight
	}
	for _, layout := range []string{time.RFC3339, "2006-01-02T15:04:05Z0700", "2006-01-02T15:04:05Z07", "2006-01-02T15:04:05"} {
		if t, err := time.Parse(layout, value); err == nil {
			if ends {
				t = t.AddDate(0, 0, 1)
			}
			return t, true
		}
	}
	return time.Time{}, false
}
