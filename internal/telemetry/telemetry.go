// Package telemetry keeps a record of each request, from which its log line is written, and
// adds up each invocation, from which its metrics are. What happens far below the handler
// is noted through the context, so that nobody has to hand counters up.
package telemetry

import (
	"context"
	"log/slog"
	"net/http"
	"sync/atomic"
	"time"

	"sendgrid-sso-integration/internal/problem"

	"sendgrid-sso-integration/internal/provision"
	"sendgrid-sso-integration/sendgrid"
)

// Origin says where a request came from, with every id under which it is known.
type Origin struct {
	Trigger   string
	ColdStart bool
	// TraceID is that of X-Ray.
	TraceID string
	// GatewayRequestID is API Gateway's id of an HTTP request.
	GatewayRequestID string
	// EventID is EventBridge's id of an event.
	EventID string
	// MessageID is the id of the SQS message that brought the request.
	MessageID string
	// Redelivered tells that this message was received before.
	Redelivered bool
}

// Record is what is known of one request.
type Record struct {
	Origin
	EntityID string
	Metadata map[string]string

	start         time.Time
	upstreamCalls atomic.Int64
}

type contextKey struct{}

// Begin returns a new record, and a context that carries it. The request's time begins now.
func Begin(ctx context.Context, origin Origin) (context.Context, *Record) {
	r := &Record{Origin: origin, start: time.Now()}
	return context.WithValue(ctx, contextKey{}, r), r
}

// CountCall notes a request to SendGrid in the record and the tally that ctx carries; it
// is made to be a client's OnCall.
func CountCall(ctx context.Context, call sendgrid.Call) {
	if r, ok := ctx.Value(contextKey{}).(*Record); ok {
		r.upstreamCalls.Add(1)
	}
	tallyOf(ctx).call(call)
}

// Duration returns how long the request has taken so far.
func (r *Record) Duration() time.Duration { return time.Since(r.start) }

// Log writes the one line of a request, and counts what it came to. What the caller has to
// mend is a warning, because they have been told; what is not their fault is an error,
// because somebody may have to do something about it.
func (r *Record) Log(ctx context.Context, logger *slog.Logger, result *provision.Result, failure *problem.Error) {
	tallyOf(ctx).outcome(r, result, failure)
	attrs := make([]slog.Attr, 0, 16)
	attrs = append(attrs,
		slog.String("trigger", r.Trigger),
		slog.String("entity_id", r.EntityID),
		slog.Int64("duration_ms", r.Duration().Milliseconds()),
		slog.Int64("upstream_calls", r.upstreamCalls.Load()),
		slog.Bool("cold_start", r.ColdStart))
	attrs = append(attrs, r.correlation()...)
	if failure == nil {
		attrs = append(attrs,
			slog.String("outcome", string(result.Outcome)),
			slog.String("integration_id", result.Integration.ID),
			slog.Bool("adopted", result.Adopted))
		logger.LogAttrs(ctx, slog.LevelInfo, "request answered", attrs...)
		return
	}
	level := slog.LevelWarn
	if failure.Retryable() || failure.Code.Status() >= http.StatusInternalServerError {
		level = slog.LevelError
	}
	attrs = append(attrs,
		slog.String("outcome", string(provision.OutcomeOf(failure))),
		slog.String("code", string(failure.Code)),
		slog.String("error", failure.Error()))
	logger.LogAttrs(ctx, level, "request "+string(provision.OutcomeOf(failure)), attrs...)
}

// correlation lists what else the request is known by, as far as it is known.
func (r *Record) correlation() []slog.Attr {
	var attrs []slog.Attr
	for _, id := range []struct{ name, value string }{
		{"trace_id", r.TraceID},
		{"gateway_request_id", r.GatewayRequestID},
		{"event_id", r.EventID},
		{"message_id", r.MessageID},
	} {
		if id.value != "" {
			attrs = append(attrs, slog.String(id.name, id.value))
		}
	}
	if len(r.Metadata) > 0 {
		attrs = append(attrs, slog.Any("metadata", r.Metadata))
	}
	return attrs
}
