package provision

import (
	"encoding/json"
	"strings"

	"sendgrid-sso-integration/sendgrid"
)

// field is one field of a request. The parser, the hints for unknown names, the comparison
// with SendGrid and the fingerprint all go by the one list of them.
type field struct {
	name     string
	required bool
	// read takes the value from its JSON into r, and returns what is wrong with its type.
	read func(value json.RawMessage, r *Request) (wrong string)
	// check returns the rule that the value breaks; nil where every value is good.
	check func(r Request) (broken string)
	// requested and current return the value that is asked for, and the one that SendGrid
	// has. They are nil where the two are not compared.
	requested func(Request) any
	current   func(sendgrid.Integration) any
}

// fields lists the fields of a request, in the order in which problems are reported.
var fields = []field{
	{
		name: "name", required: true,
		read: func(value json.RawMessage, r *Request) string {
			wrong := readString(value, &r.Name)
			r.Name = strings.TrimSpace(r.Name)
			return wrong
		},
		check:     func(r Request) string { return checkName(r.Name) },
		requested: func(r Request) any { return r.Name },
		current:   func(i sendgrid.Integration) any { return i.Name },
	},
	{
		name: "enabled", required: true,
		read:      func(value json.RawMessage, r *Request) string { return readBool(value, &r.Enabled) },
		requested: func(r Request) any { return r.Enabled },
		current:   func(i sendgrid.Integration) any { return i.Enabled },
	},
	{
		name: "signin_url", required: true,
		read:      func(value json.RawMessage, r *Request) string { return readString(value, &r.SigninURL) },
		check:     func(r Request) string { return checkURL(r.SigninURL) },
		requested: func(r Request) any { return r.SigninURL },
		current:   func(i sendgrid.Integration) any { return i.SigninURL },
	},
	{
		name: "signout_url", required: true,
		read:      func(value json.RawMessage, r *Request) string { return readString(value, &r.SignoutURL) },
		check:     func(r Request) string { return checkOptionalURL(r.SignoutURL) },
		requested: func(r Request) any { return r.SignoutURL },
		current:   func(i sendgrid.Integration) any { return i.SignoutURL },
	},
	{
		name: "entity_id", required: true,
		read:      func(value json.RawMessage, r *Request) string { return readString(value, &r.EntityID) },
		check:     func(r Request) string { return checkEntityID(r.EntityID) },
		requested: func(r Request) any { return r.EntityID },
		current:   func(i sendgrid.Integration) any { return i.EntityID },
	},
	{
		// SendGrid changes it by itself, so it is not compared.
		name: "completed_integration",
		read: func(value json.RawMessage, r *Request) string {
			r.CompletedIntegration = new(bool)
			return readBool(value, r.CompletedIntegration)
		},
	},
	{
		name:  "metadata",
		read:  func(value json.RawMessage, r *Request) string { return readStringMap(value, &r.Metadata) },
		check: func(r Request) string { return checkMetadata(r.Metadata) },
	},
}

// FieldNames returns the names of a request's fields, and those of the required ones, in
// the order in which problems are reported.
func FieldNames() (all, required []string) {
	for _, f := range fields {
		all = append(all, f.name)
		if f.required {
			required = append(required, f.name)
		}
	}
	return all, required
}

// Difference is a field in which an integration is not what a request asks for.
type Difference struct {
	Field              string
	Current, Requested any
}

// differences returns the compared fields in which an integration is not as requested.
func (r Request) differences(i sendgrid.Integration) []Difference {
	var found []Difference
	for _, f := range fields {
		if f.requested == nil {
			continue
		}
		if current, requested := f.current(i), f.requested(r); current != requested {
			found = append(found, Difference{Field: f.name, Current: current, Requested: requested})
		}
	}
	return found
}

// matches reports whether an integration is as requested.
func (r Request) matches(i sendgrid.Integration) bool { return len(r.differences(i)) == 0 }
