// Package telemetry observes the finished record of each delivery: it writes the log line of
// each delivery and the metrics of each invocation.
package telemetry

import (
	"context"
	"log/slog"
	"net/http"

	"sendgrid-sso-integration/internal/delivery"
	"sendgrid-sso-integration/internal/problem"
)

// Log writes the one line of each delivery. It holds no payload and no header.
type Log struct{ Logger *slog.Logger }

// Observe implements handler.Observer.
func (l Log) Observe(ctx context.Context, deliveries []*delivery.Delivery) {
	for _, d := range deliveries {
		switch {
		case d.Audits():
			l.logAudit(ctx, d)
		case d.IsStatus:
			l.logStatus(ctx, d)
		default:
			l.logRequest(ctx, d)
		}
	}
}

func (l Log) logRequest(ctx context.Context, d *delivery.Delivery) {
	attrs := make([]slog.Attr, 0, 16)
	attrs = append(attrs,
		slog.String("trigger", d.Trigger),
		named(d),
		slog.Int64("duration_ms", d.Duration.Milliseconds()),
		slog.Int("upstream_calls", len(d.Effort.Calls())),
		slog.Bool("cold_start", d.ColdStart),
		slog.String("outcome", string(d.Outcome())))
	attrs = appendIDs(attrs, d)
	if who := d.Who(); who != "" {
		attrs = append(attrs, slog.String("caller", who))
	}
	if d.Result != nil && len(d.Result.Integrations) > 0 { // integration_id is that of the last one.
		var ids []string
		for _, i := range d.Result.Integrations {
			ids = append(ids, i.ID)
		}
		attrs = append(attrs, slog.Any("integration_ids", ids))
	}
	if changes := d.Changes(); len(changes) > 0 {
		attrs = append(attrs, slog.Any("changes", changes))
	}
	if metadata := d.Metadata(); len(metadata) > 0 {
		attrs = append(attrs, slog.Any("metadata", metadata))
	}
	if d.Result != nil && len(d.Result.Warnings) > 0 {
		var codes []string
		for _, w := range d.Result.Warnings {
			codes = append(codes, string(w.Code))
		}
		attrs = append(attrs, slog.Any("warnings", codes))
	}
	if d.Failure == nil {
		l.Logger.LogAttrs(ctx, slog.LevelInfo, "request succeeded", append(attrs, slog.Bool("adopted", d.Result.Adopted))...)
		return
	}
	l.Logger.LogAttrs(ctx, levelOf(d.Failure), "request "+string(d.Outcome()), append(attrs,
		slog.String("code", string(d.Failure.Code)),
		slog.String("error", d.Failure.Error()))...)
}

// named returns what names the connection or the teammate of a request.
func named(d *delivery.Delivery) slog.Attr {
	if d.IsForTeammate() {
		return slog.String("email", d.Email())
	}
	return slog.String("entity_id", d.EntityID())
}

// appendIDs appends the ids that a delivery has.
func appendIDs(attrs []slog.Attr, d *delivery.Delivery) []slog.Attr {
	for _, id := range []struct{ name, value string }{
		{"trace_id", d.TraceID},
		{"gateway_request_id", d.GatewayRequestID},
		{"event_id", d.EventID},
		{"message_id", d.MessageID},
		{"integration_id", d.IntegrationID()},
	} {
		if id.value != "" {
			attrs = append(attrs, slog.String(id.name, id.value))
		}
	}
	return attrs
}

// levelOf returns the level of a failure: a warning if the caller has to correct the request,
// an error if an operator may have to act.
func levelOf(failure *problem.Error) slog.Level {
	if failure.Retryable() || failure.Code.Status() >= http.StatusInternalServerError {
		return slog.LevelError
	}
	return slog.LevelWarn
}
