package refusal

import (
	"net/mail"
)

// person looks at whom the assertion names.
func (q *inquiry) person() {
	const do = "Set the name id of the identity provider's application to the person's email address."
	nameID := q.form.assertion().NameID
	if nameID == nil || *nameID == "" {
		q.find(NoNameID, "The assertion has no NameID, so it does not say who logs in.", do)
		return
	}
	if address, err := mail.ParseAddress(*nameID); err != nil || address.Address != *nameID {
		q.find(NameIDNotEmail, "The NameID is "+quote(*nameID)+", which is no email address, and SendGrid knows people by their email address.", do)
	}
}
