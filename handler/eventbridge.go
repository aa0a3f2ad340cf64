package handler

import (
	"encoding/json"
	"strings"
	"time"

	"sendgrid-sso-integration/internal/cut"
	"sendgrid-sso-integration/internal/delivery"
	"sendgrid-sso-integration/internal/problem"
	"sendgrid-sso-integration/internal/publish"
)

// TriggerEventBridge is an EventBridge rule whose target is the function.
const TriggerEventBridge = "eventbridge"

func eventBridge() trigger {
	return trigger{name: TriggerEventBridge, recognises: isEventBridge, decode: decodeEventBridge, work: (*Handler).provision, encode: encodeEventBridge}
}

func isEventBridge(event fields) bool { return event.has("detail-type", "source", "detail") }

func decodeEventBridge(payload []byte) []*delivery.Delivery {
	d := &delivery.Delivery{Caller: delivery.AWS}
	openEnvelope(d, payload)
	refusePrivateKey(d, string(payload))
	return []*delivery.Delivery{d}
}

// encodeEventBridge responds as to any invocation, but an event that was dropped is not failed:
// Lambda would keep it, deliver it again, and move it to a dead-letter queue.
func encodeEventBridge(h *Handler, deliveries []*delivery.Delivery) ([]byte, error) {
	if deliveries[0].Dropped {
		return encode(nil), nil
	}
	return encodeFunction(h, deliveries)
}

// openEnvelope takes the request out of an EventBridge event: it is the detail. An event that
// this function published is refused, and is the only one whose refusal is not published, to
// prevent an endless loop.
//
// https://docs.aws.amazon.com/eventbridge/latest/ref/overiew-event-structure.html
func openEnvelope(d *delivery.Delivery, payload []byte) {
	var event struct {
		ID         string          `json:"id"`
		Source     string          `json:"source"`
		Account    string          `json:"account"`
		DetailType string          `json:"detail-type"`
		Time       json.RawMessage `json:"time"`
		Detail     json.RawMessage `json:"detail"`
	}
	err := json.Unmarshal(payload, &event) // A field of the wrong type does not stop it.
	d.EventID, d.Body, d.Accepted = cut.ID(event.ID), event.Detail, event.Source != publish.Source
	if err != nil {
		d.Fail(malformed(err))
		return
	}
	if event.Source != "" {
		d.CallerID = cut.ID(strings.TrimSpace(event.Source + " " + event.Account))
	}
	var sent time.Time
	if event.Time != nil && json.Unmarshal(event.Time, &sent) != nil {
		d.Fail(badField("time", "is not in RFC 3339"))
	}
	if !sent.IsZero() { // Else a message keeps the time at which it was sent.
		d.Sent = sent
	}
	if event.DetailType == scheduledEvent { // In a queue: a dead letter that was sent again.
		d.Fail(&problem.Error{
			Code:    problem.InvalidRequest,
			Message: "This event starts the audit and carries no request. Invoke the function with it, or delete it: the next audit starts within a day.",
		})
	}
	if event.Source == publish.Source {
		d.Fail(&problem.Error{
			Code:    problem.InvalidRequest,
			Message: "This function published this event. Do not send events with the source " + publish.Source + " to it.",
		})
	}
}
