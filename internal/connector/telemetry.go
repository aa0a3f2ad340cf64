package connector

import (
	"context"
	"io"
	"log/slog"

	"sendgrid-sso-integration/internal/cut"
	"sendgrid-sso-integration/internal/idp"
	"sendgrid-sso-integration/internal/tally"
	"sendgrid-sso-integration/internal/telemetry/emf"
)

// logLine writes the one line of a delivery, after those of its parts. They have no payload and
// no header in them.
func (c *Connector) logLine(ctx context.Context, d *delivery, coldStart bool) {
	for _, part := range d.parts {
		message := "application surveyed"
		if part.app == "" {
			message = "the survey failed"
		}
		c.writeLine(ctx, message, part, nil)
	}
	attrs := []slog.Attr{slog.Int64("duration_ms", d.duration.Milliseconds())}
	for _, p := range c.Providers {
		attrs = append(attrs, slog.Int(prefix(p)+"_calls", callsOf(p, d)))
	}
	c.writeLine(ctx, "event processed", d, append(attrs, slog.Bool("cold_start", coldStart)))
}

func (c *Connector) writeLine(ctx context.Context, message string, d *delivery, attrs []slog.Attr) {
	attrs = append([]slog.Attr{slog.String("kind", string(d.kind)), slog.String("outcome", string(d.result()))}, attrs...)
	for _, id := range []struct{ name, value string }{
		{d.provider + "_app", d.app}, {d.provider + "_user", d.user}, {d.provider + "_event", d.appEvent}, {"event_id", d.event.ID}, {"message_id", d.messageID}, {"reason", d.reason},
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
	case d.outcome == Skipped:
		level = slog.LevelWarn
		attrs = append(attrs, slog.String("code", string(d.skipped)))
	case d.outcome == Refused:
		level = slog.LevelWarn
	}
	c.Logger.LogAttrs(ctx, level, message, attrs...)
}

func callsOf(p Provider, d *delivery) (n int) {
	for _, call := range d.calls {
		if call.Provider == p.Name() {
			n++
		}
	}
	return n
}

// MetricApplicationsFailing is how many applications a scheduled event could not request, until a person does
// something. Only scheduled events report it. Each code of a failure is a metric too, where it occurs; the log has
// everything else.
const MetricApplicationsFailing = "ApplicationsFailing"

// Metrics writes the metrics of each invocation.
type Metrics struct {
	// Out is the function's standard output.
	Out          io.Writer
	FunctionName string
}

// write writes the metrics of an invocation, if it has any. On nil it does nothing.
func (m *Metrics) write(deliveries []*delivery) {
	if m == nil {
		return
	}
	counts := map[string]int{}
	for _, d := range deliveries {
		count(counts, d)
	}
	if len(counts) > 0 {
		emf.Document{FunctionName: m.FunctionName, Counts: counts}.Write(m.Out)
	}
}

// count counts the code of a delivery and of its parts. A failure of a part that fails the whole is counted once.
func count(counts map[string]int, d *delivery) {
	if d.failure != nil {
		counts[string(d.failure.Code)]++
	}
	if d.skipped != "" {
		counts[string(d.skipped)]++
	}
	if d.kind == kindSchedule && d.outcome == Checked {
		counts[MetricApplicationsFailing] += d.needPerson()
	}
	for _, part := range d.parts {
		if part.failure == nil || part.failure != d.failure {
			count(counts, part)
		}
	}
}

// CountCall records a request to a provider for the delivery that ctx belongs to, if any. It is
// the OnCall of the clients.
func CountCall(ctx context.Context, call idp.Call) { tally.Add(ctx, call) }
