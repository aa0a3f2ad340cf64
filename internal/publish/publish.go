// Package publish publishes the outcome of each delivery, and what an audit finds, as events on
// an EventBridge bus.
package publish

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge/types"

	"sendgrid-sso-integration/internal/delivery"
	"sendgrid-sso-integration/internal/protocol"
	"sendgrid-sso-integration/internal/retry"
)

const (
	// tries bounds how often an entry is sent that the bus refuses. The SDK repeats failed calls
	// on its own. The waits between the tries take 1.5 s on average and 3.1 s at most.
	tries        = 6
	firstBackoff = 100 * time.Millisecond
	maxBackoff   = 1600 * time.Millisecond
	// maxTraceHeader is the length in bytes of a trace header that EventBridge accepts.
	maxTraceHeader = 500
)

// API is the part of eventbridge.Client that a Publisher uses.
type API interface {
	PutEvents(context.Context, *eventbridge.PutEventsInput, ...func(*eventbridge.Options)) (*eventbridge.PutEventsOutput, error)
}

// Publisher publishes to one event bus.
type Publisher struct {
	API API
	// Bus is the name or ARN of the bus.
	Bus string
}

// DetailTypes returns the detail types of all events.
func DetailTypes() (types []string) {
	for _, k := range []kind{integration, teammate} {
		for _, outcome := range protocol.Outcomes() {
			_, published := detailTypes[outcome]
			if neverDisabled := k == teammate && outcome == protocol.OutcomeDisabled; published && !neverDisabled {
				types = append(types, k.detailType(outcome))
			}
		}
	}
	return append(types, driftedDetailType, findingDetailType, teammateDetailType, expiringDetailType)
}

// Publish publishes the outcome of a delivery. It returns an error if the bus has not taken
// the event by the end of ctx. An event may be published twice; EventBridge delivers at least
// once anyway.
func (p *Publisher) Publish(ctx context.Context, d *delivery.Delivery) error {
	detailType, body, err := encode(d)
	if err != nil {
		return err
	}
	return p.send(ctx, []types.PutEventsRequestEntry{p.entry(d, detailType, body)})
}

// Describer is the part of eventbridge.Client that Describe uses.
type Describer interface {
	DescribeEventBus(context.Context, *eventbridge.DescribeEventBusInput, ...func(*eventbridge.Options)) (*eventbridge.DescribeEventBusOutput, error)
}

// Describe returns an error if the event bus does not exist, or may not be read.
//
// https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_DescribeEventBus.html
func Describe(ctx context.Context, api Describer, bus string) error {
	if _, err := api.DescribeEventBus(ctx, &eventbridge.DescribeEventBusInput{Name: aws.String(bus)}); err != nil {
		return fmt.Errorf("describe the event bus %s: %w", bus, err)
	}
	return nil
}

// entry returns the entry of an event that a delivery caused.
func (p *Publisher) entry(d *delivery.Delivery, detailType, detail string) types.PutEventsRequestEntry {
	entry := types.PutEventsRequestEntry{
		EventBusName: aws.String(p.Bus),
		Source:       aws.String(Source),
		DetailType:   aws.String(detailType),
		Detail:       aws.String(detail),
	}
	if d.TraceHeader != "" && len(d.TraceHeader) <= maxTraceHeader {
		entry.TraceHeader = aws.String(d.TraceHeader)
	}
	return entry
}

// send sends entries until the bus has taken all of them. Those that it refuses for a moment
// are sent again.
func (p *Publisher) send(ctx context.Context, entries []types.PutEventsRequestEntry) error {
	for try := 0; ; try++ {
		left, err := p.put(ctx, entries)
		if err == nil {
			return nil
		}
		var refused *entryError
		if try == tries-1 || !errors.As(err, &refused) || !refused.transient() {
			return fmt.Errorf("publish to the event bus %s: %w", p.Bus, err)
		}
		entries = left
		if !retry.Sleep(ctx, retry.Backoff(try, firstBackoff, maxBackoff, rand.Uint64)) {
			return fmt.Errorf("publish to the event bus %s: the time ended before it could be sent again: %w", p.Bus, err)
		}
	}
}

// put sends entries once, and returns those that the bus refused. PutEvents succeeds as a call
// even if the bus refuses entries. The error is about the first of them, or about the first
// that the bus will never take.
func (p *Publisher) put(ctx context.Context, entries []types.PutEventsRequestEntry) (left []types.PutEventsRequestEntry, err error) {
	out, err := p.API.PutEvents(ctx, &eventbridge.PutEventsInput{Entries: entries})
	if err != nil {
		return nil, err
	}
	if out.FailedEntryCount == 0 {
		return nil, nil
	}
	var first *entryError
	for i, entry := range entries {
		failed := &entryError{}
		if i < len(out.Entries) { // The results are in the order of the entries.
			if out.Entries[i].EventId != nil {
				continue
			}
			failed.code, failed.message = aws.ToString(out.Entries[i].ErrorCode), aws.ToString(out.Entries[i].ErrorMessage)
		}
		left = append(left, entry)
		if first == nil || first.transient() && !failed.transient() {
			first = failed
		}
	}
	if first == nil { // The count contradicts the results.
		return nil, nil
	}
	return left, first
}

// entryError is the reason why the bus did not take an entry.
type entryError struct{ code, message string }

func (e *entryError) Error() string {
	return fmt.Sprintf("the entry was not taken: %s: %s", cmp.Or(e.code, "no code"), cmp.Or(e.message, "no message"))
}

// transient reports whether the bus may take the same entry a moment later.
func (e *entryError) transient() bool {
	switch e.code {
	case "", "InternalFailure", "InternalException", "ThrottlingException", "ServiceUnavailable":
		return true
	default:
		return false
	}
}
