package connector

import (
	"encoding/json"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-lambda-go/lambda/messages"

	"sendgrid-sso-integration/internal/idp"
)

// Outcome is how the processing of an event ended.
type Outcome string

// The outcomes. Each is a metric, too.
const (
	// Announced means that a request event about the application was put on the bus.
	Announced Outcome = "Announced"
	// Updated means that SendGrid's URLs were put into the application.
	Updated Outcome = "Updated"
	// Unchanged means that SendGrid's URLs are in the application already.
	Unchanged Outcome = "Unchanged"
	// Ignored means that the event does not concern the connector.
	Ignored Outcome = "Ignored"
	// Skipped means that the event concerns the connector, and that there can be no request until a
	// person has changed something. Its code says what.
	Skipped Outcome = "Skipped"
	// Refused means that a result event would have changed an application that it does not
	// belong to.
	Refused Outcome = "Refused"
	// Checked means that every application was read.
	Checked Outcome = "Checked"
	// Failed means that the event has to be processed again.
	Failed Outcome = "Failed"
)

// delivery is the record of one event: what arrived, and its outcome.
type delivery struct {
	event     Event
	kind      kind
	messageID string
	// provider is the lower-case name of the one that the event is about, app the id of the
	// application, user that of a person, appEvent that of the provider's event. Each may be empty.
	provider, app, user, appEvent string

	outcome Outcome
	// reason is why an event was ignored, skipped or refused, skipped its code if it was skipped.
	reason  string
	skipped Code
	failure *Error

	duration time.Duration
	calls    []idp.Call
	// parts are the deliveries of the applications that a scheduled event made.
	parts []*delivery
}

func (d *delivery) fail(err error) { d.failure = toError(err) }

// result returns the outcome, which is Failed if there is a failure.
func (d *delivery) result() Outcome {
	if d.failure != nil {
		return Failed
	}
	return d.outcome
}

// end sets an outcome that needs a reason.
func (d *delivery) end(outcome Outcome, reason string) { d.outcome, d.reason = outcome, reason }

// batch is the deliveries of one invocation.
type batch struct {
	deliveries []*delivery
	// queued reports whether the deliveries are messages of a queue.
	queued bool
}

// decode reads the payload of an invocation: messages of the queue, or one event.
func decode(payload []byte) batch {
	var queue events.SQSEvent
	if json.Unmarshal(payload, &queue) != nil || len(queue.Records) == 0 {
		return batch{deliveries: []*delivery{newDelivery("", payload)}}
	}
	b := batch{queued: true}
	for _, message := range queue.Records {
		b.deliveries = append(b.deliveries, newDelivery(message.MessageId, []byte(message.Body)))
	}
	return b
}

func newDelivery(messageID string, event []byte) *delivery {
	d := &delivery{messageID: messageID, kind: kindUnknown}
	if err := json.Unmarshal(event, &d.event); err != nil {
		d.failure = invalidEvent("This is not an EventBridge event", err, "time")
	}
	return d
}

// response returns the response to Lambda: for a queue the messages to deliver again, else the
// outcome.
//
// https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-errorhandling.html
func (b batch) response() ([]byte, error) {
	if b.queued {
		response := events.SQSEventResponse{BatchItemFailures: []events.SQSBatchItemFailure{}}
		for _, d := range b.deliveries {
			if d.failure != nil {
				response.BatchItemFailures = append(response.BatchItemFailures, events.SQSBatchItemFailure{ItemIdentifier: d.messageID})
			}
		}
		return json.Marshal(response)
	}
	d := b.deliveries[0]
	if d.failure != nil {
		return nil, messages.InvokeResponse_Error{Type: string(d.failure.Code), Message: d.failure.Message}
	}
	response := map[string]any{"outcome": d.outcome}
	if d.reason != "" {
		response["reason"] = d.reason
	}
	if d.skipped != "" {
		response["code"] = d.skipped
	}
	if d.app != "" {
		response[d.provider+"_app"] = d.app
	}
	if len(d.parts) > 0 {
		response["applications"] = d.partOutcomes()
	}
	return json.Marshal(response)
}

// partOutcomes counts the applications of a scheduled event by their outcome.
func (d *delivery) partOutcomes() map[Outcome]int {
	counts := map[Outcome]int{}
	for _, part := range d.parts {
		counts[part.result()]++
	}
	return counts
}
