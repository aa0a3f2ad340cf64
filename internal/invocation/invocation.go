// Package invocation divides the time of an invocation. Every part that is kept free at the end
// of one has its length here, and so has the least time with which something is started, because
// each takes from the same time. The timeout of a single call is defined with the call.
//
// docs/architecture.md has the table.
package invocation

import (
	"context"
	"time"
)

const (
	// Timeout is that of the function.
	Timeout = 28 * time.Second
	// ConnectorTimeout is that of the IdP connector.
	ConnectorTimeout = 60 * time.Second
	// WithoutDeadline is the time for a request where the caller sets none.
	WithoutDeadline = 25 * time.Second
	// MinMessage is the least time left with which a message of a batch is started. One that is not
	// started is delivered again, and then has the whole time of an invocation.
	MinMessage = 6 * time.Second
	// MinConnectorMessage is the same for the connector.
	MinConnectorMessage = 8 * time.Second
	// MinWrite is the least time left with which a write is started.
	MinWrite = time.Second
)

// Part is a part of the time of an invocation that is kept free at its end.
type Part int

// The parts, the last one first.
const (
	// Encode is for encoding what the caller gets, the log and the metrics, so that the function is
	// not killed while it sends them.
	Encode Part = iota
	// Publish is for publishing the outcome of a request.
	Publish
	// Response is for what the pipeline does with a result before it publishes it.
	Response
	// Commit is for the last write to the ledger.
	Commit
	// Reconcile is for finding out the outcome of the writes.
	Reconcile
	// Report is for the events of an audit, the ledger and the result.
	Report
	// ConnectorEncode is what Encode is, for the connector.
	ConnectorEncode
)

// division is what is kept for each part, and its name in the documentation.
var division = [...]struct {
	name   string
	length time.Duration
	// share bounds the part in a short invocation: it is at most one in so many of the time left.
	share int
}{
	Encode:          {"Encode", 200 * time.Millisecond, 8},
	Publish:         {"Publish", 2 * time.Second, 8},
	Response:        {"Response", 500 * time.Millisecond, 8},
	Commit:          {"Commit", 500 * time.Millisecond, 8},
	Reconcile:       {"Reconcile", 4 * time.Second, 4},
	Report:          {"Report", 5 * time.Second, 4},
	ConnectorEncode: {"ConnectorEncode", 500 * time.Millisecond, 8},
}

// Parts returns every part.
func Parts() []Part {
	parts := make([]Part, len(division))
	for i := range parts {
		parts[i] = Part(i)
	}
	return parts
}

// String returns the name of the part.
func (p Part) String() string { return division[p].name }

// Length returns how much is kept for the part in an invocation that is long enough.
func (p Part) Length() time.Duration { return division[p].length }

// Share bounds the part: it is at most one in so many of the time left.
func (p Part) Share() int { return division[p].share }

// Of returns how much of the time that is left is kept for the part.
func (p Part) Of(left time.Duration) time.Duration {
	return min(p.Length(), left/time.Duration(p.Share()))
}

// Keep returns a context that ends so much earlier than ctx that the part is kept free.
func (p Part) Keep(ctx context.Context) (context.Context, context.CancelFunc) {
	deadline, ok := ctx.Deadline()
	if !ok {
		return context.WithCancel(ctx)
	}
	return context.WithDeadline(ctx, deadline.Add(-p.Of(time.Until(deadline))))
}
