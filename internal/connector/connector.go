// Package connector synchronizes identity providers and the SendGrid SSO integration function,
// by events in both directions:
//
//   - An event of a provider about an application becomes a request event, with what the
//     provider shows of the application at that moment.
//   - An event of a provider about a person who was assigned to such an application becomes a
//     request event about a teammate. It never changes an existing one.
//   - A result event of the function about such a request puts SendGrid's URLs into the
//     application, if it has others.
//   - A scheduled event reads every application that concerns SendGrid and requests it again. The
//     same request changes nothing, so that this finds what no event reported, and uses the
//     credential, so that a refusal is noticed.
//
// What is particular to a provider is in its adapter, a [Provider]: which applications concern
// SendGrid, and what they look like. Everything else is shared: events, requests, the
// check of what is written back, failures, log and metrics.
//
// Events arrive at least once and in any order. The connector keeps no state between
// them: it reads the current state for each event, so processing one again does no harm.
package connector

import (
	"context"
	"fmt"
	"iter"
	"log/slog"
	"runtime/debug"
	"strings"
	"sync/atomic"
	"time"

	"sendgrid-sso-integration/internal/idp"
	"sendgrid-sso-integration/internal/invocation"
	"sendgrid-sso-integration/internal/tally"
)

// Provider is one identity provider. Its methods are called one after the other.
type Provider interface {
	// Name is such as "Okta". In lower case it begins the names of the metadata and the fields of
	// the log: "okta_app" is the id of an application.
	Name() string
	// IsAppID reports whether text has the form of the id of an application.
	IsAppID(text string) bool
	// Sends reports whether an event is one of the provider.
	Sends(Event) bool
	// Announce returns the announcement for an event of the provider.
	Announce(context.Context, Event) Announcement
	// Survey returns an announcement for each application that concerns SendGrid, as the provider
	// shows it. A failure that is not about one application has an announcement of its own.
	Survey(context.Context) iter.Seq[Announcement]
	// Application reads the application that a result is about, for which its metadata has an id
	// of that form. If the provider may be lagging, what it does not show is an error. An
	// application into which nothing is to be written is an end with the reason.
	Application(ctx context.Context, metadata map[string]string, lagging bool) (Application, *End, error)
}

// Announcement is the request to send for one application, or the reason why there is none.
type Announcement struct {
	// App is the id of the application, User that of a person who was assigned to it, Event that
	// of the provider's event. Each may be empty.
	App, User, Event string
	// At orders the requests about one application: the latest wins.
	At time.Time
	// Request is sent, unless it is nil.
	Request *Request
	// Reason is why there is no request, if nothing failed.
	Reason string
	// Skipped is the code of the reason, if a person has to change something before there can be
	// a request. The event is not processed again.
	Skipped Code
	// Err is a failure after which the event is processed again. If there is a request, it is still sent.
	Err error
}

// Application is an application at its provider, as it was read.
type Application interface {
	// Has reports whether SendGrid's URLs are in it.
	Has(URLs) bool
	// EntityID returns the entity id with which the application signs.
	EntityID(context.Context) (string, error)
	// Write puts SendGrid's URLs into it.
	Write(context.Context, URLs) error
}

// End is an outcome that needs a reason.
type End struct {
	Outcome Outcome
	Reason  string
}

// Bus takes request events.
type Bus interface {
	// Put returns nil only if the bus has taken the event.
	Put(ctx context.Context, at time.Time, detail []byte) error
}

// Connector processes every event; it is the lambda.Handler of the function. Set its fields
// before the first event.
type Connector struct {
	Providers []Provider
	Bus       Bus
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
	ctx, cancel := invocation.ConnectorEncode.Keep(ctx)
	defer cancel()
	batch := decode(payload)
	for _, d := range batch.deliveries {
		c.deliver(ctx, d, batch.queued)
		c.logLine(ctx, d, coldStart)
	}
	c.Metrics.write(batch.deliveries)
	return batch.response()
}

// deliver processes a delivery. A panic is an error like any other, so that it does
// not end the other deliveries of a batch.
func (c *Connector) deliver(ctx context.Context, d *delivery, queued bool) {
	var calls tally.List[idp.Call]
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
	for _, p := range c.Providers {
		if p.Sends(d.event) {
			d.kind = kind(prefix(p) + "_log")
			return c.announce(ctx, d, p, p.Announce(ctx, d.event))
		}
	}
	switch {
	case d.event.Source == "sendgrid.sso":
		d.kind = kindResult
		return c.writeBack(ctx, d)
	case d.event.Source == "aws.events" && d.event.DetailType == "Scheduled Event":
		d.kind = kindSchedule
		return c.survey(ctx, d)
	}
	return &Error{
		Code: InvalidEvent,
		Message: "This is neither an event of an identity provider that is configured, nor a result event of the SendGrid SSO integration function, " +
			"nor a scheduled event.",
	}
}

// prefix begins the names of a provider's metadata.
func prefix(p Provider) string { return strings.ToLower(p.Name()) }

// announce sends the request of an announcement.
func (c *Connector) announce(ctx context.Context, d *delivery, p Provider, a Announcement) error {
	d.provider, d.app, d.user, d.appEvent = prefix(p), a.App, a.User, a.Event
	if a.Request == nil {
		d.end(Ignored, a.Reason)
		if a.Skipped != "" {
			d.outcome, d.skipped = Skipped, a.Skipped
		}
		return a.Err
	}
	detail, err := a.Request.encode()
	if err != nil {
		return err
	}
	d.outcome = Announced
	if err := c.Bus.Put(ctx, a.At, detail); err != nil {
		return err
	}
	return a.Err
}
