package logintest

import (
	"time"

	"github.com/beevik/etree"
	"github.com/stretchr/testify/require"

	"sendgrid-sso-integration/sendgrid/sendgridtest"
)

// Element is an element of a response.
type Element = etree.Element

// forgery changes a response, and the assertion in it.
type forgery = func(response, assertion *Element)

func asItIs(_, _ *etree.Element) {}

// Tamper returns the response of the right identity provider, changed after it was signed.
func (w *World) Tamper(change forgery) []byte {
	w.t.Helper()
	return w.edit(w.Respond(w.Right), change)
}

// Unsigned returns the response of the right identity provider, changed, without a signature.
func (w *World) Unsigned(change forgery) []byte {
	w.t.Helper()
	return w.Tamper(func(response, assertion *etree.Element) {
		strip(response, "Signature")
		strip(assertion, "Signature")
		change(response, assertion)
	})
}

// Forge returns a response, changed, of which an identity provider signs only the assertion, as most
// of them do.
func (w *World) Forge(idp *sendgridtest.IDP, change forgery) []byte {
	w.t.Helper()
	return w.edit(w.Unsigned(change), func(response, assertion *etree.Element) {
		signed, err := idp.Sign(assertion)
		require.NoError(w.t, err)
		response.RemoveChild(assertion)
		response.AddChild(signed)
	})
}

// edit changes a response that has an assertion.
func (w *World) edit(response []byte, change forgery) []byte {
	w.t.Helper()
	document := etree.NewDocument()
	require.NoError(w.t, document.ReadFromBytes(response))
	assertion := document.FindElement("./Response/Assertion")
	require.NotNil(w.t, assertion)
	change(document.Root(), assertion)
	text, err := document.WriteToBytes()
	require.NoError(w.t, err)
	return text
}

// strip removes the child elements with a name, whatever their namespace.
func strip(element *etree.Element, name string) {
	for _, child := range element.SelectElements(name) {
		element.RemoveChild(child)
	}
}

// shift moves every time in an attribute with a name, in an element and all that is in it.
func shift(element *etree.Element, name string, by time.Duration) {
	for _, each := range append(element.FindElements(".//*"), element) {
		if old, err := time.Parse(time.RFC3339, each.SelectAttrValue(name, "")); err == nil {
			each.CreateAttr(name, old.Add(by).UTC().Format("2006-01-02T15:04:05.000Z"))
		}
	}
}
