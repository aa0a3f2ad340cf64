package refusal

import (
	"fmt"
	"time"

	"sendgrid-sso-integration/sendgrid"
)

// notes are what SendGrid may still refuse, or what a person should look at.
func (q *inquiry) notes() []string {
	notes := []string{
		"SendGrid still refuses a person who is no SSO teammate with this email address, unless just-in-time provisioning is on (Settings → SSO Settings).",
		"SendGrid does not report whether a certificate is enabled; if it refuses everybody, look there.",
	}
	if a := q.form.assertion(); a.Conditions != nil {
		notes = append(notes, fmt.Sprintf("The response can be used until %s, and no more after that.", moment(time.Time(a.Conditions.NotOnOrAfter))))
	}
	if set := q.Integration.CompletedIntegration; set != nil && !*set {
		notes = append(notes, "SendGrid reports that the setup of the integration is not finished; somebody has to finish it in SendGrid's SSO settings.")
	}
	if twin := q.other(func(i sendgrid.Integration) bool { return i.EntityID == q.Integration.EntityID }); twin != nil {
		notes = append(notes, "The integration "+label(*twin)+" has the same entity_id, so that login may fail; delete one of them in SendGrid's SSO settings.")
	}
	return notes
}
