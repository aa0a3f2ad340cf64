package logintest

import (
	"maps"
	"testing"
	"time"

	"github.com/beevik/etree"

	"sendgrid-sso-integration/sendgrid"
)

// Case is a SAML response, and what the simulator says about it.
type Case struct {
	// Set changes the account before the person logs in.
	Set func(*World)
	// Respond returns the response; if it is nil, that of the right identity provider.
	Respond func(*World) []byte
	// Refusal is a part of the simulator's reason; it is empty where the person is logged in.
	Refusal string
	// NameID is the name id of who is logged in; if it is empty, Person.
	NameID string
}

// Make makes the world and the response in it.
func (c Case) Make(t *testing.T) (w *World, response []byte) {
	t.Helper()
	w = New(t)
	if c.Set != nil {
		c.Set(w)
	}
	if c.Respond == nil {
		return w, w.Respond(w.Right)
	}
	return w, c.Respond(w)
}

// Cases returns all of them, by name.
func Cases() map[string]Case {
	all := map[string]Case{"much of it": muchOfIt()}
	for _, some := range []map[string]Case{accepted(), ofTheAccount(), ofTheForm(), ofTheParties(), ofTheSignature(), ofThePerson(), ofTheTime()} {
		maps.Copy(all, some)
	}
	return all
}

func text(response string) func(*World) []byte {
	return func(*World) []byte { return []byte(response) }
}

func forged(change forgery) func(*World) []byte {
	return func(w *World) []byte { return w.Forge(w.Right, change) }
}

func tampered(change forgery) func(*World) []byte {
	return func(w *World) []byte { return w.Tamper(change) }
}

// muchOfIt is wrong in many ways.
func muchOfIt() Case {
	return Case{
		Set: func(w *World) {
			w.Server.Edit(w.Integration.ID, func(i *sendgrid.Integration) {
				i.Enabled, i.EntityID, i.SingleSignOnURL, i.AudienceURL = false, "urn:other", i.SingleSignOnURL+"0", i.AudienceURL+"0"
			})
		},
		Respond: func(w *World) []byte {
			return w.edit(w.Forge(w.Stranger, asItIs), func(_, assertion *etree.Element) {
				assertion.FindElement("./Subject/NameID").SetText("ada")
				shift(assertion, "NotOnOrAfter", -time.Hour)
			})
		},
		Refusal: "the integration is disabled",
	}
}

func byStranger(w *World) []byte { return w.Respond(w.Stranger) }
