// Package delivery holds the one record of a delivery: the arrival of a request. The
// decoder of a trigger creates it, the pipeline fills it, and the observers (publish,
// metrics, log) and the encoder read it. It is passed as a parameter, never in a context;
// only its Effort is, because the calls below report to it.
package delivery

import (
	"cmp"
	"net/http"
	"time"

	"sendgrid-sso-integration/internal/audit"
	"sendgrid-sso-integration/internal/problem"
	"sendgrid-sso-integration/internal/protocol"
	"sendgrid-sso-integration/internal/provision"
	"sendgrid-sso-integration/internal/request"
	"sendgrid-sso-integration/internal/status"
)

// Caller is how a caller was authenticated.
type Caller string

// The ways to authenticate a caller.
const (
	// Unauthenticated is the zero value.
	Unauthenticated Caller = ""
	// AWS authenticated who invoked the function or sent the message, by IAM.
	AWS Caller = "aws"
	// Gateway authenticated the caller: IAM, JWT or a Lambda authorizer.
	Gateway Caller = "gateway"
	// WebhookSecret means that the request carries a webhook secret or a signature made with
	// one, and that nothing else is known of the caller.
	WebhookSecret Caller = "webhook-secret"
)

// Delivery is the record of one delivery.
type Delivery struct {
	// Trigger is the name of what invoked the function.
	Trigger string
	IDs
	// Receives is how often SQS has delivered the message, this time included; 0 if unknown.
	Receives  int
	ColdStart bool
	// Responds reports whether the sender gets the response.
	Responds bool
	// Arrived is when the function got the event.
	Arrived time.Time
	// Sent is when the request was sent, by its sender's clock: the time of the EventBridge event.
	// It is zero where nobody says that.
	Sent time.Time
	// Queued is when SQS got the message, zero if the delivery came another way.
	Queued time.Time
	// MaxWait bounds how long the delivery may wait for others, 0 if only its deadline does.
	MaxWait time.Duration
	// SenderID is the id under which the sender of a webhook delivers it again.
	SenderID string
	// Message is the body of an SQS message as it was received.
	Message string

	// Header holds the headers of an HTTP request; it is nil for the other triggers.
	Header http.Header
	// Body is the JSON of the request.
	Body   []byte
	Caller Caller
	// CallerID names the caller as AWS or the gateway does: an ARN, the subject of a token, the
	// source and account of an event, or the sender of a message. It is empty where they do not.
	CallerID string
	// ForTeammates and ForConnections report that the path of an HTTP request takes nothing but that kind of request,
	// so that a permission for one route grants no other. Elsewhere the request decides.
	ForTeammates, ForConnections bool
	// Scheme is how the request carries the webhook secret, empty if it carries none.
	Scheme string
	// Accepted reports whether the caller is authenticated and sent what is to be read as a
	// request, well-formed or not. Only the outcome of an accepted delivery is published.
	Accepted bool

	// Request is nil until Body is parsed, and if it cannot be parsed.
	Request *request.Request
	// Trace is what could be read of a request that cannot be parsed, as [request.Parse] returns it.
	Trace request.Request
	// Result or Failure is set once the outcome is known.
	Result  *provision.Result
	Failure *problem.Error
	// Published reports whether the event bus took the outcome.
	Published bool
	// DeadLettered reports whether the message was moved to the dead-letter queue, and Dropped
	// whether it is gone: nothing of it may be kept, or another one will come.
	DeadLettered, Dropped bool

	// IsAudit reports whether the delivery starts an audit and has no request. Then Audit is its
	// report, nil if it failed.
	IsAudit bool
	Audit   *audit.Report
	// IsStatus reports whether the delivery reads the status, and has no request. Then Status is the report.
	IsStatus bool
	Status   *status.Report
	// Task is the audit of one connection, nil for every other delivery. Connection is what it found,
	// nil if it failed, or if the connection was audited before.
	Task       *audit.Task
	Connection *audit.Connection

	// Duration is the time from the arrival to the outcome.
	Duration time.Duration
	Effort   *Effort
}

// IDs are the ids under which a delivery is known. Those that do not apply are empty.
type IDs struct {
	// RequestID is Lambda's id of the invocation.
	RequestID string
	// TraceHeader is the X-Ray header of the invocation, and TraceID the id in it.
	TraceHeader, TraceID string
	// GatewayRequestID is API Gateway's id of the HTTP request.
	GatewayRequestID string
	// EventID is the id of the EventBridge event.
	EventID string
	// MessageID is the id of the SQS message.
	MessageID string
}

// Order returns the place of the request among those for the same integration.
func (d *Delivery) Order() protocol.Order {
	received := d.Arrived
	if !d.Queued.IsZero() {
		received = d.Queued
	}
	return protocol.NewOrder(d.Sent, received)
}

// RepeatedIDs returns the ids that a repeated delivery of the same request has again: that of its
// sender, of the EventBridge event, or of the message. A message only carries the event in it.
func (d *Delivery) RepeatedIDs() []string {
	for _, id := range []struct{ kind, value string }{
		{"sender", d.SenderID}, {"event", d.EventID}, {"message", d.MessageID},
	} {
		if id.value != "" {
			return []string{id.kind + ":" + id.value}
		}
	}
	return nil
}

// Fail records that the delivery failed, whatever came before.
func (d *Delivery) Fail(err error) {
	d.Result, d.Audit, d.Connection, d.Status, d.Failure = nil, nil, nil, nil, problem.From(err)
}

// Audits reports whether the delivery is one of an audit. It has no request and no result.
func (d *Delivery) Audits() bool { return d.IsAudit || d.Task != nil }

// HasRequest reports whether the delivery brings a request, whatever its outcome.
func (d *Delivery) HasRequest() bool { return !d.Audits() && !d.IsStatus }

// Outcome returns the outcome of the request. It may be called once Result or Failure is set.
func (d *Delivery) Outcome() protocol.Outcome {
	if d.Failure != nil {
		return provision.OutcomeOf(d.Failure)
	}
	return d.Result.Outcome
}

// Who returns who sent the request: the caller's id or, where a webhook secret is all that is known,
// its scheme.
func (d *Delivery) Who() string { return cmp.Or(d.CallerID, d.Scheme) }

// IsDryRun reports whether the request only asks what it would do.
func (d *Delivery) IsDryRun() bool { return d.Request != nil && d.Request.DryRun }

// Changes returns what the request changed, or would change.
func (d *Delivery) Changes() []problem.Change {
	switch {
	case d.Result != nil:
		return d.Result.Changes
	case d.Failure != nil:
		return d.Failure.Changes
	}
	return nil
}

// EntityID returns the entity id of the request, empty while none is known.
func (d *Delivery) EntityID() string {
	switch {
	case d.Task != nil:
		return d.Task.EntityID
	case d.Request == nil:
		return d.Trace.EntityID
	}
	return d.Request.EntityID
}

// IsForTeammate reports whether the request is about a teammate. One that could not be read is if it came by the
// path of those.
func (d *Delivery) IsForTeammate() bool {
	if d.Request == nil {
		return d.Trace.Teammate != nil || d.ForTeammates
	}
	return d.Request.Teammate != nil
}

// Email returns the email of the teammate that the request is about, empty while none is known.
func (d *Delivery) Email() string {
	teammate := d.Trace.Teammate
	if d.Request != nil {
		teammate = d.Request.Teammate
	}
	if teammate == nil {
		return ""
	}
	return teammate.Email
}

// Metadata returns the metadata of the request, nil while none is known.
func (d *Delivery) Metadata() map[string]string {
	if d.Request == nil {
		return d.Trace.Metadata
	}
	return d.Request.Metadata
}

// IntegrationID returns the id of the integration that the outcome is about, empty if there
// is none.
func (d *Delivery) IntegrationID() string {
	switch {
	case d.Result != nil:
		return cmp.Or(d.Result.Integration.ID, d.Result.GoneID)
	case d.Connection != nil:
		return d.Connection.IntegrationID
	case d.Failure != nil:
		return d.Failure.IntegrationID
	}
	return ""
}
