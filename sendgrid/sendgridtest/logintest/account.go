package logintest

import (
	"sendgrid-sso-integration/sendgrid"
	"sendgrid-sso-integration/sendgrid/sendgridtest"
)

// accepted are those that log the person in.
func accepted() map[string]Case {
	return map[string]Case{
		"accepted": {},
		"a rotated key, while the former one is still there": {
			Set:     func(w *World) { w.Trust(w.Integration, w.Stranger) },
			Respond: byStranger,
		},
		"the former key, after the next one was added": {Set: func(w *World) { w.Trust(w.Integration, w.Stranger) }},
		"the current key, beside an expired one":       {Set: func(w *World) { w.Trust(w.Integration, w.Expired) }},
		"something after the response":                 {Respond: func(w *World) []byte { return append(w.Respond(w.Right), "<x/>"...) }},
		"only the assertion is signed":                 {Respond: forged(asItIs)},
		"set up by half": {Set: func(w *World) {
			incomplete := false
			w.Server.Edit(w.Integration.ID, func(i *sendgrid.Integration) { i.CompletedIntegration = &incomplete })
		}},
		"an entity id that another integration has, too": {Set: func(w *World) { w.Add("Twin", EntityID) }},
	}
}

// ofTheAccount are those that are refused for what SendGrid has.
func ofTheAccount() map[string]Case {
	// certificate changes that of the integration.
	certificate := func(change func(*World, *sendgridtest.Certificate)) func(*World) {
		return func(w *World) {
			w.Server.EditCertificate(w.Certificate.ID, func(c *sendgridtest.Certificate) { change(w, c) })
		}
	}
	return map[string]Case{
		"another key": {Respond: byStranger, Refusal: "Could not verify certificate against trusted certs"},
		"a key of another integration": {
			Set:     func(w *World) { w.Trust(w.Add("Entra", "urn:entra"), w.Stranger) },
			Respond: byStranger, Refusal: "Could not verify certificate against trusted certs",
		},
		"disabled integration": {
			Set: func(w *World) {
				w.Server.Edit(w.Integration.ID, func(i *sendgrid.Integration) { i.Enabled = false })
			},
			Refusal: "the integration is disabled",
		},
		"missing certificate": {
			Set:     func(w *World) { w.Server.DeleteCertificate(w.Certificate.ID) },
			Refusal: "the integration has no certificate, and no other",
		},
		DisabledCertificate: {
			Set:     certificate(func(_ *World, c *sendgridtest.Certificate) { c.Enabled = false }),
			Refusal: "the integration has a certificate that is disabled, and no other",
		},
		"unreadable certificate": {
			Set:     certificate(func(_ *World, c *sendgridtest.Certificate) { c.PublicCertificate = "x" }),
			Refusal: "the integration has a certificate that cannot be read, and no other",
		},
		"the certificate replaced by an expired one": {
			Set:     certificate(func(w *World, c *sendgridtest.Certificate) { c.PublicCertificate = w.Expired.PEM() }),
			Refusal: "the integration has a certificate that is not valid now, and no other",
		},
		"expired certificate": {
			Set:     func(w *World) { w.Trust(w.Integration, w.Expired) },
			Respond: func(w *World) []byte { return w.Respond(w.Expired) }, Refusal: "Could not verify certificate against trusted certs",
		},
		"a certificate that is not valid yet": {
			Set:     func(w *World) { w.Trust(w.Integration, w.Early) },
			Respond: func(w *World) []byte { return w.Respond(w.Early) }, Refusal: "Could not verify certificate against trusted certs",
		},
	}
}

// DisabledCertificate is the case that nobody can tell from outside: SendGrid does not report whether a
// certificate is enabled.
const DisabledCertificate = "disabled certificate"
