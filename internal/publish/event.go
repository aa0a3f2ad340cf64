package publish

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"sendgrid-sso-integration/internal/delivery"
	"sendgrid-sso-integration/internal/problem"
	"sendgrid-sso-integration/internal/protocol"
	"sendgrid-sso-integration/internal/provision"
	"sendgrid-sso-integration/internal/request"
	"sendgrid-sso-integration/sendgrid"
)

// Source is the source of the events, by which rules match them.
const Source = "sendgrid.sso"

// version is the version of an event's detail, which events/results/schema.json describes. A
// change that readers have to know of needs another.
const version = "1"

// detail is the detail of an event. It always fits into an event, because each of its fields
// is bounded where it comes from: the request by its rules, what SendGrid returned by the
// client, the ids by the decoder of the trigger.
type detail struct {
	Version      string                  `json:"version"`
	Outcome      protocol.Outcome        `json:"outcome"`
	Integration  *sendgrid.Integration   `json:"integration,omitempty"`
	Teammate     *provision.Teammate     `json:"teammate,omitempty"`
	Certificates []provision.Certificate `json:"certificates,omitempty"`
	DaysLeft     *int                    `json:"days_left,omitempty"`
	Warnings     []provision.Warning     `json:"warnings,omitempty"`
	Changes      []problem.Change        `json:"changes,omitempty"`
	// Integrations are all that a request ended, where there are several, and DeleteAfter is from when on an
	// audit deletes what it ended.
	Integrations []sendgrid.Integration `json:"integrations,omitempty"`
	DeleteAfter  *time.Time             `json:"delete_after,omitempty"`
	// IntegrationID is that of an integration that was deleted.
	IntegrationID string   `json:"integration_id,omitempty"`
	Error         *failure `json:"error,omitempty"`
	// Request is a *sendgrid.IntegrationRequest or a *request.Teammate. In place of one that could not be read,
	// or asks for nothing, there is EntityID or Email.
	Request    any               `json:"request,omitempty"`
	EntityID   string            `json:"entity_id,omitempty"`
	Email      string            `json:"email,omitempty"`
	Metadata   map[string]string `json:"metadata,omitempty"`
	Origin     origin            `json:"origin"`
	DurationMS int64             `json:"duration_ms"`
}

// failure is an error as a caller sees it.
type failure struct {
	Code      problem.Code         `json:"code"`
	Message   string               `json:"message"`
	Retryable bool                 `json:"retryable"`
	Errors    []problem.FieldError `json:"errors,omitempty"`
}

// origin names what delivered a request, and every id under which the delivery is known.
type origin struct {
	Trigger          string `json:"trigger"`
	Caller           string `json:"caller,omitempty"`
	RequestID        string `json:"request_id,omitempty"`
	TraceID          string `json:"trace_id,omitempty"`
	GatewayRequestID string `json:"gateway_request_id,omitempty"`
	EventID          string `json:"event_id,omitempty"`
	MessageID        string `json:"message_id,omitempty"`
}

func originOf(d *delivery.Delivery) origin {
	return origin{
		Trigger: d.Trigger, Caller: d.Who(), RequestID: d.RequestID, TraceID: d.TraceID,
		GatewayRequestID: d.GatewayRequestID, EventID: d.EventID, MessageID: d.MessageID,
	}
}

// kind is what a request is about, as it is named in detail types.
type kind string

const (
	integration kind = "SSO Integration "
	teammate    kind = "SSO Teammate "
)

// detailTypes are the ends of the detail types, by outcome. A dry run is not published.
var detailTypes = map[protocol.Outcome]string{
	protocol.OutcomeCreated:    "Created",
	protocol.OutcomeUpdated:    "Updated",
	protocol.OutcomeUnchanged:  "Unchanged",
	protocol.OutcomeSuperseded: "Superseded",
	protocol.OutcomeDisabled:   "Disabled",
	protocol.OutcomeDeleted:    "Deleted",
	protocol.OutcomeRejected:   "Rejected",
	protocol.OutcomeFailed:     "Failed",
}

// detailType returns the detail type of an outcome.
func (k kind) detailType(outcome protocol.Outcome) string { return string(k) + detailTypes[outcome] }

// kindOf returns what the request of a delivery is about.
func kindOf(d *delivery.Delivery) kind {
	if d.IsForTeammate() {
		return teammate
	}
	return integration
}

// encode returns the detail type and the detail of the event about a delivery.
func encode(d *delivery.Delivery) (detailType, body string, err error) {
	out := detail{
		Version:    version,
		Outcome:    d.Outcome(),
		Metadata:   d.Metadata(),
		DurationMS: d.Duration.Milliseconds(),
		Changes:    fitting(d.Changes()[:min(len(d.Changes()), maxChanges)], maxChangesBytes),
		Origin:     originOf(d),
	}
	switch r := d.Request; {
	case r == nil || r.Kind != request.Present:
		out.EntityID, out.Email = d.EntityID(), d.Email()
	case r.Teammate != nil:
		out.Request = r.Teammate
	default:
		asked := r.Integration()
		out.Request = &asked
	}
	if d.Result != nil {
		out.Teammate = shown(d.Result.Teammate)
		if d.Result.Integration.AudienceURL != "" { // Else there is none, or its URLs are not known.
			out.Integration = &d.Result.Integration
		}
		out.Integrations, out.DeleteAfter = fitting(d.Result.Integrations, maxIntegrationsBytes), d.Result.DeleteAfter
		out.Certificates, out.DaysLeft, out.Warnings = d.Result.Certificates, d.Result.DaysLeft, d.Result.Warnings
	}
	if e := d.Failure; e != nil {
		out.Error = &failure{Code: e.Code, Message: e.Message, Retryable: e.Retryable(), Errors: e.Fields}
	}
	var text strings.Builder
	encoder := json.NewEncoder(&text)
	encoder.SetEscapeHTML(false) // It would take six bytes for a character.
	if err := encoder.Encode(out); err != nil {
		return "", "", fmt.Errorf("encode the event: %w", err)
	}
	return kindOf(d).detailType(out.Outcome), strings.TrimSpace(text.String()), nil
}

// These bound the JSON of lists that may be longer than an event. In practice they fit.
const (
	maxIntegrationsBytes = 64 << 10 // A hundred.
	maxChangesBytes      = 48 << 10
	maxScopesBytes       = 16 << 10
	maxAccessBytes       = 16 << 10
)

// fitting returns the first of the items, those whose JSON fits into so many bytes.
func fitting[T any](items []T, bytes int) []T {
	for at, item := range items {
		text, err := json.Marshal(item)
		if bytes -= len(text) + len(","); err != nil || bytes < 0 {
			return items[:at]
		}
	}
	return items
}

// shown returns a teammate with what fits into an event.
func shown(t *provision.Teammate) *provision.Teammate {
	if t == nil {
		return nil
	}
	some := *t
	some.Scopes, some.SubuserAccess = fitting(t.Scopes, maxScopesBytes), fitting(t.SubuserAccess, maxAccessBytes)
	return &some
}
