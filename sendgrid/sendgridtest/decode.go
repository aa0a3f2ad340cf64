package sendgridtest

import (
	"encoding/json"

	"sendgrid-sso-integration/sendgrid"
)

// problem is one entry of the documented error answer.
type problem struct {
	Message string  `json:"message"`
	Field   *string `json:"field"` // null where the error is about no field
	ErrorID string  `json:"error_id"`
}

// decodeRequest reads the body of a create request and reports every field that is
// missing or of the wrong type. Fields that are not documented are ignored.
func decodeRequest(body []byte) (sendgrid.IntegrationRequest, []problem) {
	var in sendgrid.IntegrationRequest
	var fields map[string]json.RawMessage
	if err := json.Unmarshal(body, &fields); err != nil || fields == nil {
		return in, []problem{{Message: "the request body is not a JSON object", ErrorID: newID()}}
	}

	var problems []problem
	report := func(field, message string) {
		problems = append(problems, problem{Message: message, Field: &field, ErrorID: newID()})
	}
	read := func(field, wrongType string, into any) {
		raw := fields[field]
		switch {
		case raw == nil || string(raw) == "null":
			report(field, "this field is required")
		case json.Unmarshal(raw, into) != nil:
			report(field, wrongType)
		}
	}
	read("name", "must be a string", &in.Name)
	read("enabled", "must be a boolean", &in.Enabled)
	read("signin_url", "must be a string", &in.SigninURL)
	read("signout_url", "must be a string", &in.SignoutURL)
	read("entity_id", "must be a string", &in.EntityID)
	if _, given := fields["completed_integration"]; given {
		var completed bool
		read("completed_integration", "must be a boolean", &completed)
		in.CompletedIntegration = &completed
	}
	return in, problems
}
