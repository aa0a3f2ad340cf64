// Package handler holds the doors of the function: one file for each kind of event that
// can bring a request. A door recognises who is asking, takes the request out of its
// envelope, has it fulfilled, and puts the answer into the form that the sender expects.
package handler

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"runtime/debug"
	"sync/atomic"

	"sendgrid-sso-integration/internal/problem"

	"github.com/aws/aws-lambda-go/lambda/messages"

	"sendgrid-sso-integration/internal/provision"
	"sendgrid-sso-integration/internal/telemetry"
)

// Provisioner fulfils requests. Its errors are of type *problem.Error.
type Provisioner interface {
	Ensure(context.Context, provision.Request, provision.Delivery) (*provision.Result, error)
}

// Verifier tells whether an HTTP request carries a secret of ours. It returns a
// *auth.CredentialsError where it does not.
type Verifier interface {
	Verify(ctx context.Context, header http.Header, body []byte) error
}

// Handler answers every event that the function may get; it is the lambda.Handler of the
// function. Set its fields before the first event; Invoke may be called concurrently.
type Handler struct {
	Provisioner Provisioner
	// Verifier is nil where no webhook secret is configured: then only callers whom the
	// gateway knows get through.
	Verifier Verifier
	// IntegrationURL gives the address of an integration, for the Location header.
	IntegrationURL func(id string) string
	// Publisher is nil where no event bus is configured.
	Publisher Publisher
	// Metrics is nil where nobody wants metrics.
	Metrics *telemetry.Metrics
	Logger  *slog.Logger

	warm atomic.Bool
}

// Invoke answers one event. An HTTP event is always answered, also where it is refused;
// the errors for the others are of type messages.InvokeResponse_Error, whose type is the
// code, so that Step Functions can match it.
func (h *Handler) Invoke(ctx context.Context, payload []byte) ([]byte, error) {
	trigger, coldStart := Recognise(payload), !h.warm.Swap(true)
	ctx, tally := h.Metrics.Begin(ctx, coldStart)
	defer tally.End()
	origin := telemetry.Origin{Trigger: string(trigger), ColdStart: coldStart, TraceID: traceID(ctx)}
	switch trigger {
	case TriggerHTTPAPI:
		return h.answerHTTPAPI(ctx, origin, payload)
	case TriggerRESTAPI:
		return h.answerRESTAPI(ctx, origin, payload)
	case TriggerEventBridge:
		return h.answerEventBridge(ctx, origin, payload)
	case TriggerSQS:
		return h.answerSQS(ctx, origin, payload)
	default:
		return h.answerDirect(ctx, origin, payload)
	}
}

// finder finds the request's JSON in an event, and notes by which ids the event is known.
// What it refuses is not published: nobody knows who sent it, or it was not begun with.
type finder func(context.Context, *telemetry.Record) ([]byte, error)

// fulfil has a request fulfilled, has the outcome published, and logs it. The record is the
// one that ctx carries.
func (h *Handler) fulfil(ctx context.Context, record *telemetry.Record, find finder) (result *provision.Result, failure *problem.Error) {
	defer func() {
		if cause := recover(); cause != nil {
			result, failure = nil, panicked(cause)
		}
		record.Log(ctx, h.Logger, result, failure)
	}()
	data, err := find(ctx, record)
	if err != nil {
		return nil, problem.From(err)
	}
	request, err := provision.ParseRequest(data)
	if err != nil {
		failure = problem.From(err)
		return h.publish(ctx, record, nil, nil, failure)
	}
	record.EntityID, record.Metadata = request.EntityID, request.Metadata
	result, failure = h.ensure(ctx, request)
	return h.publish(ctx, record, &request, result, failure)
}

// ensure has a request fulfilled. A panic is a failure like others, so that it is published.
func (h *Handler) ensure(ctx context.Context, request provision.Request) (result *provision.Result, failure *problem.Error) {
	defer func() {
		if cause := recover(); cause != nil {
			result, failure = nil, panicked(cause)
		}
	}()
	ctx, cancel := h.reserve(ctx)
	defer cancel()
	result, err := h.Provisioner.Ensure(ctx, request, provision.Delivery{})
	if err != nil {
		return nil, problem.From(err)
	}
	return result, nil
}

func panicked(cause any) *problem.Error {
	return problem.From(fmt.Errorf("panic: %v\n%s", cause, debug.Stack()))
}

// answerFunction answers an event that did not come by HTTP: with the result, or with a
// function error of which a caller may see all.
func (h *Handler) answerFunction(ctx context.Context, origin telemetry.Origin, find finder) ([]byte, error) {
	ctx, record := telemetry.Begin(ctx, origin)
	result, failure := h.fulfil(ctx, record, find)
	if failure != nil {
		return nil, messages.InvokeResponse_Error{Type: string(failure.Code), Message: failure.Public()}
	}
	return encode(result), nil
}

// encode encodes an answer. What is answered consists of strings, numbers and booleans,
// so an error would be a mistake in this program.
func encode(answer any) []byte {
	data, err := json.Marshal(answer)
	if err != nil {
		panic(err)
	}
	return data
}
