package handler

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"slices"
	"time"

	"sendgrid-sso-integration/internal/delivery"
	"sendgrid-sso-integration/internal/problem"
)

// trigger is one way to invoke the function. There is one file for each.
type trigger struct {
	name string
	// recognises reports whether an event with these fields comes from this trigger.
	recognises func(fields) bool
	// decode returns the deliveries in an event: at least one. What is wrong with the event
	// is the Failure of the delivery.
	decode func(payload []byte) []*delivery.Delivery
	// work does what a delivery asks for, and sets its Result or Audit.
	work func(*Handler, context.Context, *delivery.Delivery) error
	// encode returns what the function responds with once every delivery has its outcome.
	encode func(*Handler, []*delivery.Delivery) ([]byte, error)
	// responds reports whether the sender gets what encode returns.
	responds bool
	// minTime is the least time left with which a delivery is started; zero if nothing would
	// deliver it again.
	minTime time.Duration
}

// triggers lists every trigger. The first that recognises an event gets it; direct
// recognises whatever the others do not.
func triggers() []trigger {
	return []trigger{httpAPI(), restAPI(), schedule(), eventBridge(), sqs(), direct()}
}

// Triggers returns the names of the triggers.
func Triggers() []string {
	var names []string
	for _, t := range triggers() {
		names = append(names, t.name)
	}
	return names
}

// Recognise returns the name of the trigger that an event comes from.
func Recognise(payload []byte) string { return recognise(fromPipe(payload)).name }

// fromPipe returns the event of a queue for the array of its messages, which is what an EventBridge
// Pipe sends, and any other event as it is.
//
// https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-pipes-sqs.html
func fromPipe(payload []byte) []byte {
	if !bytes.HasPrefix(bytes.TrimLeft(payload, " \t\r\n"), []byte("[")) || !json.Valid(payload) {
		return payload
	}
	event := slices.Concat([]byte(`{"Records":`), payload, []byte("}"))
	if !isSQS(fieldsOf(event)) {
		return payload
	}
	return event
}

func recognise(payload []byte) trigger {
	event := fieldsOf(payload)
	for _, t := range triggers() {
		if t.recognises(event) {
			return t
		}
	}
	return direct()
}

// fields are the fields of a JSON object, not decoded any further.
type fields map[string]json.RawMessage

// fieldsOf returns the fields of an event, none if it is not a JSON object.
func fieldsOf(payload []byte) fields {
	var event fields
	if json.Unmarshal(payload, &event) != nil {
		return nil
	}
	return event
}

// has reports whether every one of these fields is present, whatever its value.
func (f fields) has(names ...string) bool {
	for _, name := range names {
		if _, ok := f[name]; !ok {
			return false
		}
	}
	return true
}

// malformed is the failure of an event that a trigger recognises and cannot decode. Such an
// event is a JSON object, so only the type of a field can be wrong.
func malformed(err error) *problem.Error {
	wrong := &json.UnmarshalTypeError{}
	_ = errors.As(err, &wrong)
	return badField(wrong.Field, "has the wrong type")
}

// badField is the failure of an event with a field that is not as AWS documents it. It has no
// cause for the log, because encoding/json and package time quote the event in their errors.
func badField(field, fault string) *problem.Error {
	return &problem.Error{
		Code:    problem.InvalidJSON,
		Message: "One field of this event of an AWS service is not as AWS documents it; correct it.",
		Fields:  []problem.FieldError{{Field: field, Message: fault}},
	}
}

// encode encodes a response. Responses consist of strings, numbers and booleans, so an error
// would be a mistake in this program.
func encode(response any) []byte {
	data, err := json.Marshal(response)
	if err != nil {
		panic(err)
	}
	return data
}
