package telemetry

import (
	"context"
	"log/slog"

	"sendgrid-sso-integration/internal/delivery"
)

// logStatus writes the one line of a status, and one for each check that is not ok.
func (l Log) logStatus(ctx context.Context, d *delivery.Delivery) {
	attrs := appendIDs([]slog.Attr{
		slog.String("trigger", d.Trigger),
		slog.Int64("duration_ms", d.Duration.Milliseconds()),
		slog.Int("upstream_calls", len(d.Effort.Calls())),
		slog.Bool("cold_start", d.ColdStart),
	}, d)
	if who := d.Who(); who != "" {
		attrs = append(attrs, slog.String("caller", who))
	}
	if d.Failure != nil {
		l.Logger.LogAttrs(ctx, levelOf(d.Failure), "status "+string(d.Outcome()), append(attrs,
			slog.String("code", string(d.Failure.Code)), slog.String("error", d.Failure.Error()))...)
		return
	}
	for _, c := range d.Status.Checks {
		if c.OK {
			continue
		}
		found := []slog.Attr{slog.String("check", c.Name), slog.String("found", c.Message)}
		if c.Cause != nil {
			found = append(found, slog.String("error", c.Cause.Error()))
		}
		l.Logger.LogAttrs(ctx, slog.LevelWarn, "a check of the status is not ok", found...)
	}
	l.Logger.LogAttrs(ctx, slog.LevelInfo, "status reported", append(attrs, slog.Bool("ok", d.Status.OK), slog.Int("connections", len(d.Status.Connections)+d.Status.Omitted))...)
}
