package logintest

import (
	"time"

	"github.com/beevik/etree"
)

// ofTheTime are those that depend on when they are used.
func ofTheTime() map[string]Case {
	by := func(name string, by time.Duration) func(*World) []byte {
		return forged(func(_, assertion *etree.Element) { shift(assertion, name, by) })
	}
	clock := func(ahead time.Duration) func(*World) []byte {
		return forged(func(response, _ *etree.Element) {
			for _, name := range []string{"IssueInstant", "NotBefore", "NotOnOrAfter"} {
				shift(response, name, ahead)
			}
		})
	}
	return map[string]Case{
		"a clock that is a minute ahead": {Respond: clock(time.Minute)},
		"a clock that is an hour ahead":  {Respond: clock(time.Hour), Refusal: "assertion Conditions is not yet valid"},
		"valid only later":               {Respond: by("NotBefore", time.Hour), Refusal: "assertion Conditions is not yet valid"},
		"not valid any more":             {Respond: by("NotOnOrAfter", -time.Hour), Refusal: "expired"},
		"an assertion from before":       {Respond: by("IssueInstant", -time.Hour), Refusal: "expired on"},
		"an assertion without its issue": {Respond: forged(func(_, assertion *etree.Element) { assertion.RemoveAttr("IssueInstant") }), Refusal: "expired on"},
		"without an end":                 {Respond: forged(func(_, assertion *etree.Element) { assertion.SelectElement("Conditions").RemoveAttr("NotOnOrAfter") }), Refusal: "assertion Conditions is expired"},
		"without a beginning":            {Respond: forged(func(_, assertion *etree.Element) { assertion.SelectElement("Conditions").RemoveAttr("NotBefore") })},
		"a time that cannot be read":     {Respond: forged(func(_, assertion *etree.Element) { assertion.CreateAttr("IssueInstant", "today") }), Refusal: "cannot be read"},
		"a response without its issue":   {Respond: forged(func(response, _ *etree.Element) { response.RemoveAttr("IssueInstant") }), Refusal: "IssueInstant expired"},
		"a confirmation that has expired": {Respond: forged(func(_, assertion *etree.Element) {
			shift(assertion.SelectElement("Subject"), "NotOnOrAfter", -time.Hour)
		}), Refusal: "SubjectConfirmationData is expired"},
	}
}
