package connector

import (
	"encoding/json"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-lambda-go/lambda/messages"

	"sendgrid-sso-integration/internal/okta"
)

// Outcome is what became of an event.
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
	// Refused means that a result event would have changed an application that it does not
	// belong to.
	Refused Outcome = "Refused"
	// Checked means that Okta accepted the credential.
	Checked Outcome = "Checked"
	// Failed means that the event has to be processed again.
	Failed Outcome = "Failed"
)

// Outcomes returns every outcome.
func Outcomes() []Outcome {
	return []Outcome{Announced, Updated, Unchanged, Ignored, Refused, Checked, Failed}
}

// delivery is the record of one event: what arrived, and what became of it.
type delivery struct {
	event     envelope
	messageID string
	// app is the id of the application, oktaEvent that of the log event; both may be empty.
	app, oktaEvent string

	outcome Outcome
	// reason is why an event was ignored or refused.
	reason  string
	failure *Error

	duration time.Duration
	calls    []okta.Call
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

// batch is what one invocation brought.
type batch struct {
	deliveries []*delivery
	// queued reports whether the deliveries are messages of a queue.
	queued bool
}

// decode reads what invoked the function: the queue, or an event by itself.
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
	d := &delivery{messageID: messageID}
	if err := json.Unmarshal(event, &d.event); err != nil {
		d.failure = invalidEvent("This is not an EventBridge event", err, "time")
	}
	return d
}

// answer returns what Lambda gets: of a queue the messages that are to be delivered again, else
// the outcome.
//
// https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-errorhandling.html
func (b batch) answer() ([]byte, error) {
	if b.queued {
		answer := events.SQSEventResponse{BatchItemFailures: []events.SQSBatchItemFailure{}}
		for _, d := range b.deliveries {
			if d.failure != nil {
				answer.BatchItemFailures = append(answer.BatchItemFailures, events.SQSBatchItemFailure{ItemIdentifier: d.messageID})
			}
		}
		return json.Marshal(answer)
	}
	d := b.deliveries[0]
	if d.failure != nil {
		return nil, messages.InvokeResponse_Error{Type: string(d.failure.Code), Message: d.failure.Message}
	}
	return json.Marshal(struct {
		Outcome Outcome `json:"outcome"`
		Reason  string  `json:"reason,omitempty"`
		App     string  `json:"okta_app,omitempty"`
	}{d.outcome, d.reason, d.app})
}
