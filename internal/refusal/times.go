package refusal

import (
	"fmt"
	"strings"
	"time"

	"github.com/crewjam/saml"
)

// setTimes sets the times at which the response is judged. One that says that it was issued in the
// future is judged now, as SendGrid does.
func (q *inquiry) setTimes() {
	q.at, q.latest = q.At, q.At
	if !q.At.IsZero() {
		return
	}
	q.at, q.latest = q.Now, q.Now
	issued := time.Time(q.form.IssueInstant)
	if a := q.form.assertion(); a != nil && issued.IsZero() {
		issued = time.Time(a.IssueInstant)
	}
	if !issued.IsZero() && issued.Before(q.Now) {
		q.at = issued
	}
}

// times compares the times of the response with the one at which it is judged. SendGrid does not say
// which skew of clocks it tolerates; that of the library is taken.
func (q *inquiry) times() {
	a := q.form.assertion()
	over := ends{at: q.at}
	over.issued("response", q.form.IssueInstant)
	over.issued("assertion", a.IssueInstant)
	for _, c := range a.Confirmations {
		if c.Data != nil {
			over.ended("SubjectConfirmationData", c.Data.NotOnOrAfter)
		}
	}
	if a.Conditions != nil {
		q.notYet(time.Time(a.Conditions.NotBefore))
		over.ended("Conditions", a.Conditions.NotOnOrAfter)
	}
	if len(over.found) > 0 {
		q.find(ResponseExpired,
			fmt.Sprintf("At %s the response was not valid any more: %s.", moment(q.at), strings.Join(over.found, "; ")),
			"Log in again, and at once; if that fails, correct the clock of the identity provider and the lifetime of its assertions.")
	}
}

// notYet looks at the time before which the assertion is not valid.
func (q *inquiry) notYet(from time.Time) {
	if !from.Add(-saml.MaxClockSkew).After(q.at) {
		return
	}
	wrong := fmt.Sprintf("The response is valid only from %s, which is %s after %s", moment(from), long(from.Sub(q.at)), moment(q.at))
	if issued := time.Time(q.form.IssueInstant); issued.After(q.at) {
		wrong += fmt.Sprintf(": the clock of the identity provider is ahead by about %s, if that time is right", long(issued.Sub(q.at)))
	}
	q.find(ResponseNotYetValid, wrong+".", "Correct the clock of the identity provider, or NotBefore in its assertions.")
}

// ends collects what ended before a time.
type ends struct {
	at    time.Time
	found []string
}

func (e *ends) issued(what string, at saml.RelaxedTime) {
	switch issued := time.Time(at); {
	case issued.IsZero():
		e.found = append(e.found, "the "+what+" has no IssueInstant")
	case issued.Add(saml.MaxIssueDelay).Before(e.at):
		e.found = append(e.found, fmt.Sprintf("the %s was issued at %s, %s before", what, moment(issued), long(e.at.Sub(issued))))
	}
}

func (e *ends) ended(what string, at saml.RelaxedTime) {
	switch end := time.Time(at); {
	case end.IsZero():
		e.found = append(e.found, what+" has no NotOnOrAfter")
	case end.Add(saml.MaxClockSkew).Before(e.at):
		e.found = append(e.found, fmt.Sprintf("%s ended at %s, %s before", what, moment(end), long(e.at.Sub(end))))
	}
}
