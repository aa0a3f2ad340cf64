package refusal

import (
	"cmp"
	"fmt"
	"strings"
	"time"

	"sendgrid-sso-integration/internal/cut"
	"sendgrid-sso-integration/sendgrid"
)

// quote quotes a text that came from outside, and which may be long or have any character in it.
func quote(text string) string {
	const most = 200
	return fmt.Sprintf("%q", cut.Runes(text, most))
}

// label names an integration.
func label(i sendgrid.Integration) string {
	return fmt.Sprintf("%s (%s)", quote(i.Name), cmp.Or(i.ID, "no id"))
}

func moment(t time.Time) string { return t.UTC().Format(time.RFC3339) }

// long says how long something is.
func long(d time.Duration) string {
	const day = 24 * time.Hour
	if d = d.Abs(); d >= 2*day {
		return fmt.Sprintf("%d days", d/day)
	}
	return d.Round(time.Second).String()
}

// almost says whether two values that differ look the same to people.
func almost(a, b string) string {
	plain := func(s string) string { return strings.TrimRight(strings.ToLower(strings.TrimSpace(s)), "/") }
	if a != b && plain(a) == plain(b) {
		return " (they differ only in upper and lower case, white space or a slash at the end)"
	}
	return ""
}
