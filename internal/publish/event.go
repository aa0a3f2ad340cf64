package publish

import (
	"encoding/json"
	"fmt"
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
// is bounded where it comes from: the request by its rules, what SendGrid answered by the
// client, the ids by the decoder of the trigger.
type detail struct {
	Version      string                  `json:"version"`
	Outcome      protocol.Outcome        `json:"outcome"`
	Integration  *sendgrid.Integration   `json:"integration,omitempty"`
	Certificates []provision.Certificate `json:"certificates,omitempty"`
	DaysLeft     *int                    `json:"days_left,omitempty"`
	Warnings     []provision.Warning     `json:"warnings,omitempty"`
	Changes      []problem.Change        `json:"changes,omitempty"`
	// Integrations are all that a request ended, where there are several, and DeleteAfter is from when on an
	// audit deletes what it ended.
	Integrations []sendgrid.Integration `json:"integrations,omitempty"`
	DeleteAfter  *time.Time             `json:"delete_after,omitempty"`
	// IntegrationID is that of an integration that was deleted.
	IntegrationID string                       `json:"integration_id,omitempty"`
	Error         *failure                     `json:"error,omitempty"`
	Request       *sendgrid.IntegrationRequest `json:"request,omitempty"`
	EntityID      string                       `json:"entity_id,omitempty"` // In place of a request that could not be read, or asks for no connection.
	Metadata      map[string]string            `json:"metadata,omitempty"`
	Origin        origin                       `json:"origin"`
	DurationMS    int64                        `json:"duration_ms"`
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

// detailTypes are the detail types, by outcome.
var detailTypes = map[protocol.Outcome]string{
	protocol.OutcomeCreated:    "SSO Integration Created",
	protocol.OutcomeUpdated:    "SSO Integration Updated",
	protocol.OutcomeUnchanged:  "SSO Integration Unchanged",
	protocol.OutcomeSuperseded: "SSO Integration Superseded",
	protocol.OutcomeDisabled:   "SSO Integration Disabled",
	protocol.OutcomeDeleted:    "SSO Integration Deleted",
	protocol.OutcomeRejected:   "SSO Integration Rejected",
	protocol.OutcomeFailed:     "SSO Integration Failed",
}

// encode returns the detail type and the detail of the event about a delivery.
func encode(d *delivery.Delivery) (detailType, body string, err error) {
	out := detail{
		Version:    version,
		Outcome:    d.Outcome(),
		EntityID:   d.Trace.EntityID,
		Metadata:   d.Metadata(),
		DurationMS: d.Duration.Milliseconds(),
		Changes:    d.Changes()[:min(len(d.Changes()), maxChanges)],
		Origin:     originOf(d),
	}
	switch {
	case d.Request == nil:
	case d.Request.Kind == request.Present:
		asked := d.Request.Integration()
		out.Request = &asked
	default:
		out.EntityID = d.Request.EntityID
	}
	if d.Result != nil {
		if d.Result.Integration.AudienceURL != "" { // Else it was deleted.
			out.Integration = &d.Result.Integration
		}
		out.Integrations, out.DeleteAfter = fitting(d.Result.Integrations), d.Result.DeleteAfter
		out.Certificates, out.DaysLeft, out.Warnings = d.Result.Certificates, d.Result.DaysLeft, d.Result.Warnings
	}
	if e := d.Failure; e != nil {
		out.Error = &failure{Code: e.Code, Message: e.Message, Retryable: e.Retryable(), Errors: e.Fields}
	}
	text, err := json.Marshal(out)
	if err != nil {
		return "", "", fmt.Errorf("encode the event: %w", err)
	}
	return detailTypes[out.Outcome], string(text), nil
}

// maxIntegrationsBytes bounds the JSON of the integrations that a request ended. A hundred fit, as they are in
// practice.
const maxIntegrationsBytes = 64 << 10

// fitting returns the integrations that fit into an event.
func fitting(integrations []sendgrid.Integration) []sendgrid.Integration {
	size := 0
	for at, i := range integrations {
		text, err := json.Marshal(i)
		if size += len(text) + len(","); err != nil || size > maxIntegrationsBytes {
			return integrations[:at]
		}
	}
	return integrations
}
