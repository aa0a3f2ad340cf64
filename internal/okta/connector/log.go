package connector

import (
	"context"
	"log/slog"
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
			attrs = append(attrs, slog.String(id.name, bounded(id.value)))
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

// bounded returns an id, empty if it is longer than any real one.
func bounded(id string) string {
	const maxID = 256
	if len(id) > maxID {
		return ""
	}
	return id
}
