package connector

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge/types"
)

// EventBridge is the part of eventbridge.Client that an EventBus uses.
type EventBridge interface {
	PutEvents(context.Context, *eventbridge.PutEventsInput, ...func(*eventbridge.Options)) (*eventbridge.PutEventsOutput, error)
}

// EventBus is an event bus on EventBridge. Set its fields before the first event.
type EventBus struct {
	API EventBridge
	// Name is the name or ARN of the bus.
	Name string
	// Source and DetailType are those of a request event.
	Source, DetailType string
}

// Put puts a request event on the bus. The SDK repeats calls that failed. PutEvents succeeds as
// a call even if the bus refuses the event, which is an error here. Errors are of type *Error.
func (b *EventBus) Put(ctx context.Context, at time.Time, detail []byte) error {
	out, err := b.API.PutEvents(ctx, &eventbridge.PutEventsInput{Entries: []types.PutEventsRequestEntry{{
		EventBusName: aws.String(b.Name),
		Source:       aws.String(b.Source),
		DetailType:   aws.String(b.DetailType),
		Time:         aws.Time(at),
		Detail:       aws.String(string(detail)),
	}}})
	switch {
	case err != nil:
	case out.FailedEntryCount == 0:
		return nil
	case len(out.Entries) == 0:
		err = errors.New("the event was not taken")
	default:
		err = fmt.Errorf("the event was not taken: %s: %s", aws.ToString(out.Entries[0].ErrorCode), aws.ToString(out.Entries[0].ErrorMessage))
	}
	return &Error{
		Code: EventBusUnavailable, Message: "The request event could not be put on the bus.",
		Err: fmt.Errorf("put an event on %s: %w", b.Name, err),
	}
}
