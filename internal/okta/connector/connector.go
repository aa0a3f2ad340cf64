// Package connector keeps an Okta org and the SendGrid SSO integration function in step, by
// events in both directions:
//
//   - An event of Okta's log about an application becomes a request event: the application and
//     its SAML metadata, read at that moment.
//   - A result event of the function about such a request puts SendGrid's URLs into the
//     application, if it has others. That change makes another log event, whose result finds
//     nothing to change: the loop ends.
//   - A scheduled event uses the credential, so that Okta keeps it and a refusal is noticed.
//
// Events arrive at least once and in any order. Nothing is remembered between them: each one
// makes the connector read what is there now, so processing one again does no harm.
package connector

import (
	"context"
	"fmt"
	"log/slog"
	"runtime/debug"
	"sync/atomic"
	"time"

	"sendgrid-sso-integration/internal/invocation"
	"sendgrid-sso-integration/internal/okta"
	"sendgrid-sso-integration/internal/tally"
)

// Okta is the part of *okta.Client that a Connector uses.
type Okta interface {
	Application(ctx context.Context, id string) (*okta.Application, error)
	Metadata(ctx context.Context, id, keyID string) ([]byte, error)
	Replace(ctx context.Context, id string, document []byte) error
	Check(ctx context.Context) error
}

// Bus takes request events.
type Bus interface {
	// Put returns nil only if the bus has taken the event.
	Put(ctx context.Context, at time.Time, detail []byte) error
}

// Connector processes every event; it is the lambda.Handler of the function. Set its fields
// before the first event.
type Connector struct {
	Okta Okta
	Bus  Bus
	// NamePrefix is what the names of the applications begin with that concern SendGrid.
	NamePrefix string
	// SendGridRoots are the scheme and host of each URL at which SendGrid may take SAML
	// responses, such as "https://api.sendgrid.com". No other URL gets into an application.
	SendGridRoots []string
	Metrics       *Metrics
	Logger        *slog.Logger

	warm atomic.Bool
}

// Invoke processes one event, or the messages of the queue with one event each. Messages that
// failed are reported as batch item failures, so that they are delivered again. For a single
// event the error is of type messages.InvokeResponse_Error; its type is the code.
func (c *Connector) Invoke(ctx context.Context, payload []byte) ([]byte, error) {
	coldStart := !c.warm.Swap(true)
	ctx, cancel := invocation.ConnectorAnswer.Keep(ctx)
	defer cancel()
	batch := decode(payload)
	for _, d := range batch.deliveries {
		c.deliver(ctx, d, batch.queued)
		logLine(ctx, c.Logger, d, coldStart)
	}
	c.Metrics.Write(batch.deliveries, coldStart)
	return batch.answer()
}

// deliver takes a delivery to its outcome. A panic is an error like any other, so that it does
// not end the other deliveries of a batch.
func (c *Connector) deliver(ctx context.Context, d *delivery, queued bool) {
	var calls tally.List[okta.Call]
	ctx = calls.In(ctx)
	start := time.Now()
	defer func() {
		if cause := recover(); cause != nil {
			d.fail(fmt.Errorf("panic: %v\n%s", cause, debug.Stack()))
		}
		d.duration, d.calls = time.Since(start), calls.Items()
	}()
	deadline, ok := ctx.Deadline()
	switch {
	case d.failure != nil:
	case queued && ok && time.Until(deadline) < invocation.MinConnectorMessage:
		d.failure = &Error{Code: DeadlineExceeded, Message: "The invocation had too little time left for this message; it will be delivered again."}
	default:
		if err := c.process(ctx, d); err != nil {
			d.fail(err)
		}
	}
}

func (c *Connector) process(ctx context.Context, d *delivery) error {
	switch d.event.kind() {
	case kindLog:
		return c.announce(ctx, d)
	case kindResult:
		return c.writeBack(ctx, d)
	case kindSchedule:
		d.outcome = Checked
		return c.Okta.Check(ctx)
	case kindUnknown:
	}
	return &Error{
		Code:    InvalidEvent,
		Message: "This is neither an event of Okta's log, nor a result event of the SendGrid SSO integration function, nor a scheduled event.",
	}
}
