package refusal

import (
	"slices"
	"strings"
)

// content looks for one assertion with all its parts.
func (q *inquiry) content() {
	switch plain, encrypted := len(q.form.Assertions), len(q.form.Encrypted); {
	case plain+encrypted > 1:
		q.find(SeveralAssertions, "The response has more than one assertion.", "Let the identity provider send one assertion about one person, and not encrypt it.")
	case encrypted == 1:
		q.find(AssertionEncrypted, "The assertion is encrypted, and SendGrid does not decrypt it.", "Switch the encryption of assertions off in the identity provider's application.")
	case plain == 0 && q.form.succeeded():
		q.find(NoAssertion, "The response has no assertion.", template)
	}
	a := q.form.assertion()
	if a == nil {
		return
	}
	var lacks []string
	if len(a.Confirmations) == 0 {
		lacks = append(lacks, "SubjectConfirmation")
	}
	if slices.ContainsFunc(a.Confirmations, func(c confirmation) bool { return c.Data == nil }) {
		lacks = append(lacks, "SubjectConfirmationData")
	}
	if a.Conditions == nil {
		lacks = append(lacks, "Conditions")
	}
	if len(lacks) > 0 {
		q.find(AssertionIncomplete, "The assertion lacks "+strings.Join(lacks, " and ")+".", template)
	}
}
