// Package handler handles the events that invoke the function. Every event is
// processed in the same way: a trigger decodes it into deliveries, the pipeline authenticates, provisions and
// observes each of them, and the trigger encodes the outcome as its sender expects it.
package handler

import (
	"context"
	"log/slog"
	"net/http"
	"strings"
	"sync/atomic"
	"time"

	"github.com/aws/aws-lambda-go/lambdacontext"

	"sendgrid-sso-integration/internal/audit"
	"sendgrid-sso-integration/internal/cut"
	"sendgrid-sso-integration/internal/delivery"
	"sendgrid-sso-integration/internal/invocation"
	"sendgrid-sso-integration/internal/provision"
	"sendgrid-sso-integration/internal/request"
)

// Provisioner makes the SSO connection that a request describes exist. Its errors are of
// type *problem.Error.
type Provisioner interface {
	Ensure(context.Context, request.Resolved, provision.Delivery) (*provision.Result, error)
}

// Verifier authenticates HTTP requests by a webhook secret. Authenticate returns the scheme,
// an *auth.CredentialsError if a request carries no proof of a secret, and another error if
// the secrets cannot be read.
type Verifier interface {
	Authenticate(ctx context.Context, header http.Header, body []byte) (scheme string, err error)
}

// Publisher publishes the outcome of a delivery.
type Publisher interface {
	Publish(context.Context, *delivery.Delivery) error
	// PublishAudit publishes what the audit of a delivery found about a connection.
	PublishAudit(context.Context, *delivery.Delivery, audit.Notice) error
}

// DeadLetters is the dead-letter queue of the SQS trigger.
type DeadLetters interface {
	// Send moves the message of a rejected delivery there.
	Send(context.Context, *delivery.Delivery) error
}

// Observer gets the deliveries of an invocation once all have their outcome.
type Observer interface {
	Observe(context.Context, []*delivery.Delivery)
}

// Handler handles every event; it is the lambda.Handler of the function. Set its fields
// before the first event. Invoke may be called concurrently.
type Handler struct {
	Provisioner Provisioner
	// SAMLMetadata fetches saml_metadata_url; if it is nil, the field is refused.
	SAMLMetadata request.Fetcher
	Auditor      Auditor
	Reporter     Reporter
	// Verifier is nil if no webhook secret is configured: then HTTP callers have to be
	// authenticated by the gateway.
	Verifier Verifier
	// IntegrationURL returns the URL of an integration, for the Location header.
	IntegrationURL func(id string) string
	// TeammateURL returns that of a teammate.
	TeammateURL func(email string) string
	// WebhookMayUpdate reports whether a caller that is authenticated by a webhook secret alone
	// may update integrations.
	WebhookMayUpdate bool
	// DeadLetters is nil if no dead-letter queue is configured: then a rejected message is
	// delivered again until SQS moves it.
	DeadLetters DeadLetters
	// Publisher is nil if no event bus is configured.
	Publisher Publisher
	// Observers write the log line of each delivery and the metrics. Command local has its own.
	Observers []Observer
	Logger    *slog.Logger

	warm atomic.Bool
}

// Invoke handles one event. An HTTP event always gets an HTTP response. The errors of the
// other triggers are of type messages.InvokeResponse_Error; their type is the code, so that
// Step Functions can match it.
func (h *Handler) Invoke(ctx context.Context, payload []byte) ([]byte, error) {
	payload = fromPipe(payload)
	trigger, ids, arrived, coldStart := recognise(payload), invocationIDs(ctx), time.Now(), !h.warm.Swap(true)
	ctx, cancel := invocation.Encode.Keep(ctx)
	defer cancel()

	deliveries := trigger.decode(payload)
	for _, d := range deliveries {
		d.Trigger, d.Responds, d.Arrived, d.ColdStart = trigger.name, trigger.responds, arrived, coldStart
		d.Effort = &delivery.Effort{}
		d.RequestID, d.TraceHeader, d.TraceID = ids.RequestID, ids.TraceHeader, ids.TraceID
	}
	h.processAll(ctx, deliveries, trigger)
	for _, o := range h.Observers {
		o.Observe(ctx, deliveries)
	}
	return trigger.encode(h, deliveries)
}

// invocationIDs returns the ids of the invocation, which all its deliveries share.
func invocationIDs(ctx context.Context) delivery.IDs {
	var ids delivery.IDs
	if lc, ok := lambdacontext.FromContext(ctx); ok {
		ids.RequestID = lc.AwsRequestID
	}
	ids.TraceHeader, _ = ctx.Value("x-amzn-trace-id").(string) // This is where aws-lambda-go puts it.
	for part := range strings.SplitSeq(ids.TraceHeader, ";") { // "Root=1-…;Parent=…;Sampled=1"
		if id, ok := strings.CutPrefix(strings.TrimSpace(part), "Root="); ok {
			ids.TraceID = cut.ID(id)
			break
		}
	}
	return ids
}
