package logintest

import (
	"github.com/beevik/etree"

	"sendgrid-sso-integration/sendgrid"
)

// ofTheParties are those that are refused for whom they are from, or for.
func ofTheParties() map[string]Case {
	const elsewhere = "https://elsewhere.example"
	return map[string]Case{
		"another issuer": {
			Set: func(w *World) {
				w.Server.Edit(w.Integration.ID, func(i *sendgrid.Integration) { i.EntityID = "urn:other" })
			},
			Refusal: `response Issuer does not match the IDP metadata (expected "urn:other")`,
		},
		"another issuer of the assertion alone": {
			Respond: forged(func(_, assertion *etree.Element) { assertion.SelectElement("Issuer").SetText("urn:other") }),
			Refusal: `issuer is not "https://idp.example/metadata"`,
		},
		"no issuer": {
			Respond: forged(func(response, assertion *etree.Element) { strip(response, "Issuer"); strip(assertion, "Issuer") }),
			Refusal: `issuer is not "https://idp.example/metadata"`,
		},
		"another audience": {
			Respond: func(w *World) []byte { return w.RespondTo(elsewhere, w.Integration.SingleSignOnURL, w.Right) },
			Refusal: `the audience is "https://elsewhere.example"`,
		},
		"no audience": {
			Respond: forged(func(_, assertion *etree.Element) { strip(assertion.SelectElement("Conditions"), "AudienceRestriction") }),
			Refusal: "there is no audience",
		},
		"another recipient": {
			Respond: func(w *World) []byte { return w.RespondTo(w.Integration.AudienceURL, elsewhere, w.Right) },
			Refusal: "`Destination` does not match",
		},
		"another recipient of the assertion alone": {
			Respond: forged(func(_, assertion *etree.Element) {
				assertion.FindElement("./Subject/SubjectConfirmation/SubjectConfirmationData").CreateAttr("Recipient", elsewhere)
			}),
			Refusal: "assertion SubjectConfirmation Recipient is not",
		},
		"the URLs of an integration that was deleted": {
			Respond: func(w *World) []byte {
				old := w.Add("Okta", EntityID)
				w.Server.Delete(old.ID)
				return w.RespondTo(old.AudienceURL, old.SingleSignOnURL, w.Right)
			},
			Refusal: "`Destination` does not match",
		},
		"a URL that the library escapes": {
			Set: func(w *World) {
				w.Server.Edit(w.Integration.ID, func(i *sendgrid.Integration) { i.SingleSignOnURL += "é" })
				w.Integration.SingleSignOnURL += "é"
			},
			Refusal: "`Destination` does not match",
		},
		"the URLs of another integration": {
			Respond: func(w *World) []byte {
				other := w.Add("Entra", "urn:entra")
				return w.RespondTo(other.AudienceURL, other.SingleSignOnURL, w.Right)
			},
			Refusal: "`Destination` does not match",
		},
	}
}
