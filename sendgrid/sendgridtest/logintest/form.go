package logintest

import "github.com/beevik/etree"

// ofTheForm are those that are refused for what they are made of.
func ofTheForm() map[string]Case {
	const notOne, lacks = "the response has not exactly one assertion in plain text", "the assertion lacks its name id, subject confirmation or conditions"
	const empty = `xmlns="urn:oasis:names:tc:SAML:2.0:assertion"/></Response>`
	return map[string]Case{
		"nothing":            {Respond: text(""), Refusal: "the response cannot be read: EOF"},
		"no XML":             {Respond: text("x"), Refusal: "the response cannot be read: EOF"},
		"half of it":         {Respond: func(w *World) []byte { all := w.Respond(w.Right); return all[:len(all)/2] }, Refusal: "the response cannot be read"},
		"a request":          {Respond: text(`<samlp:AuthnRequest xmlns:samlp="urn:oasis:names:tc:SAML:2.0:protocol"/>`), Refusal: notOne},
		"no assertion":       {Respond: text("<Response/>"), Refusal: notOne},
		"an empty assertion": {Respond: text("<Response><Assertion " + empty), Refusal: lacks},
		"no assertion, and success": {
			Respond: tampered(func(response, assertion *etree.Element) {
				response.RemoveChild(assertion)
				strip(response, "Signature")
			}), Refusal: notOne,
		},
		"encrypted": {
			Respond: tampered(func(response, assertion *etree.Element) {
				assertion.Tag = "EncryptedAssertion"
				strip(response, "Signature")
			}), Refusal: notOne,
		},
		"two assertions": {
			Respond: tampered(func(response, assertion *etree.Element) { response.AddChild(assertion.Copy()) }), Refusal: notOne,
		},
		"the login failed at the identity provider": {Respond: tampered(failed), Refusal: notOne},
		"a failure beside an assertion": {
			Respond: forged(func(response, _ *etree.Element) { status(response) }), Refusal: "urn:oasis:names:tc:SAML:2.0:status:Responder",
		},
		"no conditions":   {Respond: forged(func(_, assertion *etree.Element) { strip(assertion, "Conditions") }), Refusal: lacks},
		"no confirmation": {Respond: forged(func(_, assertion *etree.Element) { strip(assertion.SelectElement("Subject"), "SubjectConfirmation") }), Refusal: lacks},
		"an empty confirmation": {
			Respond: forged(func(_, assertion *etree.Element) {
				strip(assertion.FindElement("./Subject/SubjectConfirmation"), "SubjectConfirmationData")
			}),
			Refusal: "the assertion's subject confirmation has no data",
		},
	}
}

// failed makes a response that of an identity provider which did not let the person in.
func failed(response, assertion *etree.Element) {
	strip(response, "Signature")
	response.RemoveChild(assertion)
	status(response)
}

func status(response *etree.Element) {
	element := response.SelectElement("Status")
	code := element.SelectElement("StatusCode")
	code.CreateAttr("Value", "urn:oasis:names:tc:SAML:2.0:status:Responder")
	code.CreateElement("samlp:StatusCode").CreateAttr("Value", "urn:oasis:names:tc:SAML:2.0:status:RequestDenied")
	element.CreateElement("samlp:StatusMessage").SetText("The person is not assigned.")
}
