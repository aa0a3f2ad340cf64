package sendgridtest

import "encoding/json"

// problem is one entry of the documented error response.
type problem struct {
	Message string  `json:"message"`
	Field   *string `json:"field"` // null where the error is about no field
	ErrorID string  `json:"error_id"`
}

// decoder reads the body of a request and reports every field that is missing or of the
// wrong type. Fields that are not documented are ignored.
type decoder struct {
	fields   map[string]json.RawMessage
	problems []problem
}

func newDecoder(body []byte) *decoder {
	d := &decoder{}
	if err := json.Unmarshal(body, &d.fields); err != nil || d.fields == nil {
		d.problems = []problem{{Message: "the request body is not a JSON object", ErrorID: newID()}}
	}
	return d
}

// require reads a *string or a *bool that must be there.
func (d *decoder) require(field string, into any) {
	if d.fields != nil && !d.has(field) {
		d.report(field, "this field is required")
	}
	d.accept(field, into)
}

// accept reads a *string, a *bool or a slice, and reports whether the field is there and valid.
func (d *decoder) accept(field string, into any) bool {
	if !d.has(field) {
		return false
	}
	if json.Unmarshal(d.fields[field], into) == nil {
		return true
	}
	switch into.(type) {
	case *string:
		d.report(field, "must be a string")
	case *bool:
		d.report(field, "must be a boolean")
	default:
		d.report(field, "must be an array")
	}
	return false
}

// has reports whether a field is there. A null counts as missing.
func (d *decoder) has(field string) bool {
	raw := d.fields[field]
	return raw != nil && string(raw) != "null"
}

func (d *decoder) report(field, message string) {
	d.problems = append(d.problems, problem{Message: message, Field: &field, ErrorID: newID()})
}
