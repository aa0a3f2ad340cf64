// Package telemetry keeps a record of each request, from which its log line is written.
// What happens far below the handler is noted through the context, so that nobody has to
// hand counters up.
package telemetry

import (
	"context"
	"log/slog"
	"net/http"
	"sync/atomic"
	"time"

	"sendgrid-sso-integration/internal/provision"
	"sendgrid-sso-integration/sendgrid"
)

// Origin says where a request came from.
type Origin struct {
	Trigger   string
	ColdStart bool
	// MessageID is the id of the SQS message that brought the request, if one did.
	MessageID string
}

// Record is what is known of one request.
type Record struct {
	Origin
	EntityID string

	start         time.Time
	upstreamCalls atomic.Int64
}

type contextKey struct{}

// Begin returns a new record, and a context that carries it. The request's time begins now.
func Begin(ctx context.Context, origin Origin) (context.Context, *Record) {
	r := &Record{Origin: origin, start: time.Now()}
	return context.WithValue(ctx, contextKey{}, r), r
}

// CountCall notes a request to SendGrid in the record that ctx carries; it is made to be
// a client's OnCall.
func CountCall(ctx context.Context, _ sendgrid.Call) {
	if r, ok := ctx.Value(contextKey{}).(*Record); ok {
		r.upstreamCalls.Add(1)
	}
}

// Log writes the one line of a request. What the caller has to mend is a warning, because
// they have been told; what is not their fault is an error, because somebody may have to
// do something about it.
func (r *Record) Log(ctx context.Context, logger *slog.Logger, result *provision.Result, failure *provision.Error) {
	attrs := make([]slog.Attr, 0, 12)
	attrs = append(attrs,
		slog.String("trigger", r.Trigger),
		slog.String("entity_id", r.EntityID),
		slog.Int64("duration_ms", time.Since(r.start).Milliseconds()),
		slog.Int64("upstream_calls", r.upstreamCalls.Load()),
		slog.Bool("cold_start", r.ColdStart))
	if r.MessageID != "" {
		attrs = append(attrs, slog.String("message_id", r.MessageID))
	}
	if failure == nil {
		attrs = append(attrs,
			slog.String("outcome", string(result.Outcome)),
			slog.String("integration_id", result.Integration.ID),
			slog.Bool("adopted", result.Adopted))
		logger.LogAttrs(ctx, slog.LevelInfo, "request answered", attrs...)
		return
	}
	level, outcome := slog.LevelWarn, "rejected"
	if failure.Retryable() || failure.Code.Status() >= http.StatusInternalServerError {
		level = slog.LevelError
	}
	if failure.Retryable() {
		outcome = "failed"
	}
	attrs = append(attrs,
		slog.String("outcome", outcome),
		slog.String("code", string(failure.Code)),
		slog.String("error", failure.Error()))
	logger.LogAttrs(ctx, level, "request "+outcome, attrs...)
}
