package refusal

import (
	"strings"
)

const template = "Correct the template of the response in the identity provider's application."

// advice says what to do about the status codes that a person can do something about.
var advice = map[string]string{
	"AuthnFailed":         "The person has to sign in there again; the log of the identity provider has the reason.",
	"RequestDenied":       "Assign the person to the application in the identity provider.",
	"NoAuthnContext":      "Let the identity provider accept the way to sign in that SendGrid asks for.",
	"InvalidNameIDPolicy": "Set the name id format of the identity provider's application to the email address.",
	"UnknownPrincipal":    "Assign the person to the application in the identity provider.",
}

// status looks at what the identity provider says about its own part.
func (q *inquiry) status() {
	if q.form.succeeded() {
		return
	}
	const prefix = "urn:oasis:names:tc:SAML:2.0:status:"
	said := q.form.Status
	outer, inner := strings.TrimPrefix(said.Code.Value, prefix), strings.TrimPrefix(said.Code.Inner.Value, prefix)
	if outer == "" {
		q.find(StatusNotSuccess, "The response has no status.", template)
		return
	}
	wrong := "The identity provider itself refused to log the person in, with the status " + quote(outer)
	if inner != "" {
		wrong += " and " + quote(inner)
	}
	if message := strings.TrimSpace(said.Message); message != "" {
		wrong += " and the message " + quote(message)
	}
	do, known := advice[inner]
	if !known {
		do = "Look for this login in the log of the identity provider; SendGrid has no part in it."
	}
	q.find(StatusNotSuccess, wrong+".", do)
}
