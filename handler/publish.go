package handler

import (
	"context"
	"log/slog"
	"time"

	"sendgrid-sso-integration/internal/problem"

	"sendgrid-sso-integration/internal/provision"
	"sendgrid-sso-integration/internal/publish"
	"sendgrid-sso-integration/internal/telemetry"
)

const (
	// publishTime is what is kept free for publishing at the end of an invocation, at most
	// an eighth of its time.
	publishTime = 2 * time.Second
	// answerMargin is kept free after that, or else where HTTP is answered, so that the
	// answer gets out.
	answerMargin = 200 * time.Millisecond
	// publishLimit bounds publishing where the invocation has no deadline.
	publishLimit = 10 * time.Second
)

// Publisher publishes what became of a request.
type Publisher interface {
	Publish(ctx context.Context, e publish.Event, traceHeader string) error
}

// reserve returns a context that ends early enough for publishing.
func (h *Handler) reserve(ctx context.Context) (context.Context, context.CancelFunc) {
	if h.Publisher == nil {
		return context.WithCancel(ctx)
	}
	return endEarly(ctx, publishTime)
}

// endEarly returns a context that ends so much before the deadline, or an eighth of the
// time that is left, if that is less.
func endEarly(ctx context.Context, margin time.Duration) (context.Context, context.CancelFunc) {
	deadline, ok := ctx.Deadline()
	if !ok {
		return context.WithCancel(ctx)
	}
	return context.WithDeadline(ctx, deadline.Add(-min(margin, time.Until(deadline)/8)))
}

// publish publishes what became of a request, and returns what the caller is to be told.
// A published success is part of success: where the bus does not take it, the request has
// failed, and its repetition finds the integration there and publishes that.
func (h *Handler) publish(ctx context.Context, record *telemetry.Record, request *provision.Request, result *provision.Result, failure *problem.Error) (*provision.Result, *problem.Error) {
	if h.Publisher == nil || record.Redelivered && failure != nil && !failure.Retryable() {
		return result, failure
	}
	event := publish.Event{
		Result: result, Failure: failure, Request: request,
		DurationMS: record.Duration().Milliseconds(),
		Origin: publish.Origin{
			Trigger: record.Trigger, RequestID: requestID(ctx), TraceID: record.TraceID,
			GatewayRequestID: record.GatewayRequestID, EventID: record.EventID, MessageID: record.MessageID,
		},
	}
	limit := publishLimit
	if deadline, ok := ctx.Deadline(); ok {
		limit = time.Until(deadline) - answerMargin
	}
	// The caller going away is no reason to keep the outcome from others.
	publishing, cancel := context.WithTimeout(context.WithoutCancel(ctx), limit)
	defer cancel()
	err := h.Publisher.Publish(publishing, event, traceHeader(ctx))
	switch {
	case err == nil:
		return result, failure
	case failure != nil:
		h.Logger.WarnContext(ctx, "a failure could not be published", slog.Any("error", err))
		return nil, failure
	default:
		return nil, &problem.Error{
			Code: problem.EventBusUnavailable, RetryAfter: retryPublish, Err: err,
			Message: "The integration is there, but the event about it could not be published. Send the request again; it will not be created twice.",
		}
	}
}

// retryPublish is when to come back for an event that could not be published.
const retryPublish = 10 * time.Second
