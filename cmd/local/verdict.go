package main

import (
	"fmt"
	"io"
	"time"

	"sendgrid-sso-integration/internal/refusal"
)

// printVerdict prints why a response is refused, or that it is right. The error is the exit status.
func printVerdict(out io.Writer, asked refusal.Question, v refusal.Verdict) error {
	fmt.Fprintf(out, "The integration %s, with the response judged at %s%s.\n", label(asked.Integration), v.At.UTC().Format(time.RFC3339), describeTime(asked, v))
	for _, r := range v.Reasons {
		fmt.Fprintf(out, "\n%s\n  %s\n  → %s\n", r.Code, r.Wrong, r.Do)
	}
	if len(v.Reasons) > 0 {
		return fmt.Errorf("SendGrid refuses the response: %d reason(s)", len(v.Reasons))
	}
	fmt.Fprintf(out, "\nThe response is right: it logs in %q.\n", v.NameID)
	for _, note := range v.Notes {
		fmt.Fprintf(out, "  - %s\n", note)
	}
	return nil
}

// describeTime describes the time at which a response is judged, unless a person gave it.
func describeTime(asked refusal.Question, v refusal.Verdict) string {
	switch {
	case !asked.At.IsZero():
		return ""
	case v.At.Equal(asked.Now):
		return ", which is now"
	}
	return ", when it was issued; -now judges it at another time"
}
