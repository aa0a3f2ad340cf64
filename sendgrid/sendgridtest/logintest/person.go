package logintest

import "github.com/beevik/etree"

// ofThePerson are those that depend on whom they name.
func ofThePerson() map[string]Case {
	named := func(text string) func(*World) []byte {
		return forged(func(_, assertion *etree.Element) { assertion.FindElement("./Subject/NameID").SetText(text) })
	}
	return map[string]Case{
		"no name id": {
			Respond: forged(func(_, assertion *etree.Element) { strip(assertion.SelectElement("Subject"), "NameID") }),
			Refusal: "the assertion lacks its name id",
		},
		"an empty name id":                   {Respond: named(""), Refusal: "the assertion lacks its name id"},
		"a name id that is no email address": {Respond: named("ada"), NameID: "ada"},
		"a comment in the name id": {
			Respond: tampered(func(_, assertion *etree.Element) { assertion.FindElement("./Subject/NameID").CreateComment("x") }),
		},
	}
}
