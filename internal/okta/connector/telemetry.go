package connector

import (
	"context"
	"io"
	"log/slog"
	"time"

	"sendgrid-sso-integration/internal/cut"
	"sendgrid-sso-integration/internal/okta"
	"sendgrid-sso-integration/internal/tally"
	"sendgrid-sso-integration/internal/telemetry/emf"
)

// logLine writes the one line of a delivery. It has no payload and no header in it.
func logLine(ctx context.Context, logger *slog.Logger, d *delivery, coldStart bool) {
	attrs := []slog.Attr{
		slog.String("kind", string(d.event.kind())),
		slog.String("outcome", string(d.result())),
		slog.Int64("duration_ms", d.duration.Milliseconds()),
		slog.Int("okta_calls", len(d.calls)),
		slog.Bool("cold_start", coldStart),
	}
	for _, id := range []struct{ name, value string }{
		{"okta_app", d.app}, {"okta_event", d.oktaEvent}, {"event_id", d.event.ID}, {"message_id", d.messageID}, {"reason", d.reason},
	} {
		if id.value != "" {
			attrs = append(attrs, slog.String(id.name, cut.ID(id.value)))
		}
	}
	level := slog.LevelInfo
	switch {
	case d.failure != nil:
		level = slog.LevelError
		attrs = append(attrs, slog.String("code", string(d.failure.Code)), slog.String("error", d.failure.Error()))
	case d.outcome == Refused:
		level = slog.LevelWarn
	}
	logger.LogAttrs(ctx, level, "event processed", attrs...)
}

// The metrics beside the outcomes and the codes, each of which is a metric too.
const (
	MetricOktaCalls   = "OktaCalls"
	MetricOktaLatency = "OktaLatency"
	MetricColdStarts  = "ColdStarts"
)

// Metrics writes the metrics of each invocation.
type Metrics struct {
	// Out is the function's standard output.
	Out          io.Writer
	FunctionName string
}

// Write writes the metrics of an invocation: the outcomes also where they are zero, the codes
// that occurred. On nil it does nothing.
func (m *Metrics) Write(deliveries []*delivery, coldStart bool) {
	if m == nil {
		return
	}
	counts, latencies := map[string]int{MetricOktaCalls: 0, MetricColdStarts: 0}, map[string][]time.Duration{}
	for _, outcome := range Outcomes() {
		counts[string(outcome)] = 0
	}
	if coldStart {
		counts[MetricColdStarts]++
	}
	for _, d := range deliveries {
		counts[string(d.result())]++
		if d.failure != nil {
			counts[string(d.failure.Code)]++
		}
		counts[MetricOktaCalls] += len(d.calls)
		for _, call := range d.calls {
			latencies[MetricOktaLatency] = append(latencies[MetricOktaLatency], call.Duration)
		}
	}
	emf.Document{FunctionName: m.FunctionName, Counts: counts, Latencies: latencies}.Write(m.Out)
}

// CountCall records a request to Okta for the delivery that ctx belongs to, if any. It is the
// OnCall of an okta.Client.
func CountCall(ctx context.Context, call okta.Call) { tally.Add(ctx, call) }
