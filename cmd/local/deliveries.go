package main

import (
	"cmp"
	"context"
	"log/slog"
	"slices"
	"strings"
	"sync"
)

// outcomeAudited stands for the outcome of an audit, whose log line has none.
const outcomeAudited = "audited"

// delivered is what the function's log reports of one delivery.
type delivered struct {
	Trigger   string
	EntityID  string
	MessageID string
	Outcome   string
	// Code is empty if the request succeeded.
	Code  string
	Calls int
	// Milliseconds is the time from the arrival to the outcome.
	Milliseconds int64
}

// verdict returns the code of a failure, else the outcome.
func (d delivered) verdict() string { return cmp.Or(d.Code, d.Outcome) }

// deliveries collects what is logged about the deliveries of one invocation.
type deliveries struct {
	mu   sync.Mutex
	list []delivered
}

type deliveriesKey struct{}

// withDeliveries returns a context that carries a new collection.
func withDeliveries(ctx context.Context) (context.Context, *deliveries) {
	d := &deliveries{}
	return context.WithValue(ctx, deliveriesKey{}, d), d
}

func (d *deliveries) add(one delivered) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.list = append(d.list, one)
}

// all returns the deliveries in the order of their message ids: those of a batch are logged
// in the order in which they end.
func (d *deliveries) all() []delivered {
	d.mu.Lock()
	defer d.mu.Unlock()
	return slices.SortedStableFunc(slices.Values(d.list), func(a, b delivered) int { return strings.Compare(a.MessageID, b.MessageID) })
}

// newLogger returns the function's logger. The line of each delivery is collected where the
// context carries a collection; next gets all lines.
func newLogger(next slog.Handler) *slog.Logger { return slog.New(collector{next}) }

type collector struct{ next slog.Handler }

// Enabled implements slog.Handler.
func (c collector) Enabled(context.Context, slog.Level) bool { return true }

// Handle implements slog.Handler.
func (c collector) Handle(ctx context.Context, r slog.Record) error {
	if collected, ok := ctx.Value(deliveriesKey{}).(*deliveries); ok {
		if one := read(r); one.Trigger != "" { // Other lines name no trigger.
			collected.add(one)
		}
	}
	if !c.next.Enabled(ctx, r.Level) {
		return nil
	}
	return c.next.Handle(ctx, r)
}

// WithAttrs implements slog.Handler.
func (c collector) WithAttrs(attrs []slog.Attr) slog.Handler {
	return collector{c.next.WithAttrs(attrs)}
}

// WithGroup implements slog.Handler.
func (c collector) WithGroup(name string) slog.Handler { return collector{c.next.WithGroup(name)} }

// read returns what a log line reports of a delivery.
func read(r slog.Record) delivered {
	one := delivered{Outcome: outcomeAudited}
	r.Attrs(func(a slog.Attr) bool {
		switch a.Key {
		case "trigger":
			one.Trigger = a.Value.String()
		case "entity_id":
			one.EntityID = a.Value.String()
		case "message_id":
			one.MessageID = a.Value.String()
		case "outcome":
			one.Outcome = a.Value.String()
		case "code":
			one.Code = a.Value.String()
		case "upstream_calls":
			one.Calls = int(a.Value.Int64())
		case "duration_ms":
			one.Milliseconds = a.Value.Int64()
		}
		return true
	})
	return one
}
