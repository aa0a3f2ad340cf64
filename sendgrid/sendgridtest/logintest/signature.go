package logintest

import (
	"strings"

	"github.com/beevik/etree"
)

// ofTheSignature are those that depend on how they are signed.
func ofTheSignature() map[string]Case {
	const altered = "Signature could not be verified"
	withoutKeyInfo := func(_, assertion *etree.Element) { strip(assertion.SelectElement("Signature"), "KeyInfo") }
	return map[string]Case{
		"not signed": {Respond: func(w *World) []byte { return w.Unsigned(asItIs) }, Refusal: "signature element not present"},
		"changed after it was signed": {
			Respond: func(w *World) []byte {
				return []byte(strings.ReplaceAll(string(w.Respond(w.Right)), Person, "eve@example.com"))
			},
			Refusal: altered,
		},
		"formatted after it was signed": {
			Respond: tampered(func(response, _ *etree.Element) { response.CreateText("\n  ") }), Refusal: altered,
		},
		"the response changed, and not the assertion": {
			Respond: tampered(func(response, _ *etree.Element) { response.CreateAttr("InResponseTo", "id-other") }), Refusal: altered,
		},
		"the certificate, and the signature of another key": {
			Respond: func(w *World) []byte {
				return w.edit(w.Forge(w.Stranger, asItIs), func(_, assertion *etree.Element) {
					right := etree.NewDocument()
					_ = right.ReadFromBytes(w.Forge(w.Right, asItIs)) // Else there is nothing to find in it.
					const path = "./Signature/KeyInfo/X509Data/X509Certificate"
					assertion.FindElement(path).SetText(right.FindElement("./Response/Assertion" + path[1:]).Text())
				})
			},
			Refusal: "verification error",
		},
		"without its certificate": {
			Respond: func(w *World) []byte { return w.edit(w.Forge(w.Right, asItIs), withoutKeyInfo) },
		},
		"without its certificate, and another key": {
			Respond: func(w *World) []byte { return w.edit(w.Forge(w.Stranger, asItIs), withoutKeyInfo) }, Refusal: "verification error",
		},
		"a certificate that cannot be read": {
			Respond: func(w *World) []byte {
				return w.edit(w.Forge(w.Right, asItIs), func(_, assertion *etree.Element) {
					assertion.FindElement("./Signature/KeyInfo/X509Data/X509Certificate").SetText("AAAA")
				})
			},
			Refusal: "x509: malformed certificate",
		},
		"two signatures": {
			Respond: func(w *World) []byte {
				return w.edit(w.Forge(w.Right, asItIs), func(_, assertion *etree.Element) {
					assertion.AddChild(assertion.SelectElement("Signature").Copy())
				})
			},
			Refusal: "expected at most one",
		},
		"an assertion wrapped around the one that is signed": {
			Respond: func(w *World) []byte {
				return w.edit(w.Forge(w.Right, asItIs), wrapped)
			},
			Refusal: "signature element not present",
		},
	}
}

// wrapped puts a signed assertion into one about somebody else that is not signed.
func wrapped(response, assertion *etree.Element) {
	outer := assertion.Copy()
	strip(outer, "Signature")
	outer.CreateAttr("ID", "id-outer")
	outer.FindElement("./Subject/NameID").SetText("eve@example.com")
	response.RemoveChild(assertion)
	outer.AddChild(assertion)
	response.AddChild(outer)
}
