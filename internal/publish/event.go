package publish

import (
	"encoding/json"
	"fmt"

	"sendgrid-sso-integration/internal/provision"
	"sendgrid-sso-integration/sendgrid"
)

// Source is the source of the events, by which rules match them.
const Source = "sendgrid.sso"

// version is the version of an event's detail: events/results/schema.json describes it. A
// change that readers have to know of makes another.
const version = "1"

// maxDetail bounds the JSON of an event's detail. EventBridge takes entries of 256 KiB;
// this leaves room for what goes around the detail.
const maxDetail = 240 << 10

// Event is what became of one request.
type Event struct {
	// Result or Failure is set.
	Result  *provision.Result
	Failure *provision.Error
	// Request is nil where what came could not be read as a request.
	Request *provision.Request
	Origin  Origin
	// DurationMS is the time that the request took, in milliseconds.
	DurationMS int64
}

// Origin says what brought a request, with every id under which it is known.
type Origin struct {
	Trigger          string `json:"trigger"`
	RequestID        string `json:"request_id,omitempty"`
	TraceID          string `json:"trace_id,omitempty"`
	GatewayRequestID string `json:"gateway_request_id,omitempty"`
	EventID          string `json:"event_id,omitempty"`
	MessageID        string `json:"message_id,omitempty"`
}

// detail is the body of an event.
type detail struct {
	Version     string                       `json:"version"`
	Outcome     provision.Outcome            `json:"outcome"`
	Integration *sendgrid.Integration        `json:"integration,omitempty"`
	Error       *failure                     `json:"error,omitempty"`
	Request     *sendgrid.IntegrationRequest `json:"request,omitempty"`
	Metadata    map[string]string            `json:"metadata,omitempty"`
	Origin      Origin                       `json:"origin"`
	DurationMS  int64                        `json:"duration_ms"`
	Truncated   bool                         `json:"truncated,omitempty"`
}

// failure is an error as a caller sees it.
type failure struct {
	Code      provision.Code         `json:"code"`
	Message   string                 `json:"message"`
	Retryable bool                   `json:"retryable"`
	Errors    []provision.FieldError `json:"errors,omitempty"`
}

// The detail types, by outcome.
var detailTypes = map[provision.Outcome]string{
	provision.OutcomeCreated:   "SSO Integration Created",
	provision.OutcomeUnchanged: "SSO Integration Unchanged",
	provision.OutcomeRejected:  "SSO Integration Rejected",
	provision.OutcomeFailed:    "SSO Integration Failed",
}

// encode returns the detail type and the detail of an event.
func (e Event) encode() (detailType, body string, err error) {
	d := detail{Version: version, Origin: e.Origin, DurationMS: e.DurationMS}
	if r := e.Request; r != nil {
		integration := r.Integration()
		d.Request, d.Metadata = &integration, r.Metadata
	}
	if e.Failure != nil {
		d.Outcome = e.Failure.Outcome()
		d.Error = &failure{
			Code: e.Failure.Code, Message: e.Failure.Message,
			Retryable: e.Failure.Retryable(), Errors: e.Failure.Fields,
		}
	} else {
		d.Outcome = e.Result.Outcome
		d.Integration = &e.Result.Integration
	}
	text, err := d.fit()
	return detailTypes[d.Outcome], text, err
}

// fit encodes the detail so that it fits. A request is bounded to 64 KiB and what SendGrid
// says of errors to some 10 KiB, so only an integration that someone edited into something
// very long can be too large; then its id has to do, by which the rest can be read.
func (d detail) fit() (string, error) {
	text, err := json.Marshal(d)
	if err == nil && len(text) > maxDetail && d.Integration != nil {
		d.Truncated = true
		d.Integration = &sendgrid.Integration{
			ID: d.Integration.ID, Enabled: d.Integration.Enabled, EntityID: d.Request.EntityID,
			SingleSignOnURL: d.Integration.SingleSignOnURL, AudienceURL: d.Integration.AudienceURL,
		}
		text, err = json.Marshal(d)
	}
	if err != nil {
		return "", fmt.Errorf("encode the event: %w", err)
	}
	return string(text), nil
}
