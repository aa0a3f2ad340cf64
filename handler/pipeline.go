package handler

import (
	"context"
	"fmt"
	"log/slog"
	"runtime/debug"
	"sync"
	"time"

	"sendgrid-sso-integration/internal/delivery"
	"sendgrid-sso-integration/internal/problem"
	"sendgrid-sso-integration/internal/protocol"
	"sendgrid-sso-integration/internal/provision"
	"sendgrid-sso-integration/internal/request"
	"sendgrid-sso-integration/internal/telemetry"
)

const (
	// maxConcurrent bounds how many deliveries of an event are processed at once. It is the
	// batch size in the template, so that no message waits for another one.
	maxConcurrent = 10
	// publishTime is kept free for publishing, before answerMargin.
	publishTime = 2 * time.Second
	// maxPublishTime bounds publishing, and moving a message, if the invocation has no deadline.
	maxPublishTime = 10 * time.Second
	// retryPublish is when to send a request again whose outcome could not be published.
	retryPublish = 10 * time.Second
)

// processAll processes the deliveries of an event. One does not fail another.
func (h *Handler) processAll(ctx context.Context, deliveries []*delivery.Delivery, minTime time.Duration) {
	slots := make(chan struct{}, maxConcurrent)
	var running sync.WaitGroup
	for _, d := range deliveries {
		slots <- struct{}{}
		running.Go(func() {
			defer func() { <-slots }()
			if deadline, ok := ctx.Deadline(); ok && d.Failure == nil && time.Until(deadline) < minTime {
				d.Settle(nil, &problem.Error{
					Code:    problem.DeadlineExceeded,
					Message: "The invocation had too little time left to begin with this message; it will be delivered again.",
				})
			}
			h.process(ctx, d)
		})
	}
	running.Wait()
}

// process takes a delivery to its outcome and has the outcome observed. Publishing comes
// before the other observers, because it can turn a success into a failure.
func (h *Handler) process(ctx context.Context, d *delivery.Delivery) {
	ctx, recorder := telemetry.WithRecorder(ctx)
	if d.Failure == nil {
		d.Settle(recovered(ctx, d, h.handle))
	}
	d.Duration = time.Since(d.Arrived)
	if h.publishes(d) {
		d.Settle(recovered(ctx, d, h.publish))
		d.Duration = time.Since(d.Arrived)
	}
	h.deadLetter(ctx, d)
	d.Calls, d.SecretReads = recorder.Calls(), recorder.SecretReads()
	telemetry.Log(ctx, h.Logger, d)
}

// recovered runs a step of the pipeline. A panic in it is an error like any other, so that
// it is logged and answered, and does not end the other deliveries of a batch.
func recovered(
	ctx context.Context, d *delivery.Delivery, step func(context.Context, *delivery.Delivery) (*provision.Result, error),
) (result *provision.Result, err error) {
	defer func() {
		if cause := recover(); cause != nil {
			result, err = nil, fmt.Errorf("panic: %v\n%s", cause, debug.Stack())
		}
	}()
	return step(ctx, d)
}

// handle authenticates the caller, parses the request and makes what it describes exist.
// Nothing of the body is parsed before the caller is authenticated.
func (h *Handler) handle(ctx context.Context, d *delivery.Delivery) (*provision.Result, error) {
	if err := h.authenticate(ctx, d); err != nil {
		return nil, err
	}
	if err := checkContentType(d); err != nil {
		return nil, err
	}
	d.Accepted = true
	parsed, err := request.Parse(d.Body, d.Arrived)
	if err != nil {
		return nil, err
	}
	d.Request = &parsed
	if err := h.authorize(d); err != nil {
		return nil, err
	}
	if h.Publisher != nil {
		var cancel context.CancelFunc
		ctx, cancel = endEarly(ctx, publishTime)
		defer cancel()
	}
	resolved, err := parsed.Resolve(ctx, h.SAMLMetadata)
	if err != nil {
		return nil, err
	}
	d.Request = &resolved.Request
	return h.Provisioner.Ensure(ctx, resolved, provision.Delivery{IDs: d.RepeatedIDs(), Order: d.Order(), MaxWait: d.MaxWait})
}

// publishes reports whether the outcome of a delivery is published. Without a dead-letter
// queue, a message that can only be rejected is delivered again and again; that is published
// once.
func (h *Handler) publishes(d *delivery.Delivery) bool {
	rejectedAgain := d.Receives > 1 && d.Outcome() == protocol.OutcomeRejected && h.DeadLetters == nil
	return h.Publisher != nil && d.Accepted && !rejectedAgain
}

// publish publishes the outcome of a delivery, and returns the outcome that the caller gets.
// A published success is part of success: if the bus does not take it, the request has
// failed, and its repetition finds the integration and publishes that.
func (h *Handler) publish(ctx context.Context, d *delivery.Delivery) (*provision.Result, error) {
	publishing, cancel := uncancelled(ctx)
	defer cancel()
	err := h.Publisher.Publish(publishing, d)
	d.Published = err == nil
	switch {
	case d.Failure != nil && err != nil:
		h.Logger.WarnContext(ctx, "a failure could not be published", slog.Any("error", err))
		return nil, d.Failure
	case d.Failure != nil:
		return nil, d.Failure
	case err != nil:
		return nil, &problem.Error{
			Code: problem.EventBusUnavailable, RetryAfter: retryPublish, Err: err,
			Message: "The integration exists, but the event about it could not be published. Send the request again; it will not be created twice.",
		}
	}
	return d.Result, nil
}

// uncancelled returns a context that has the deadline of ctx and outlives its cancellation: what
// became of a delivery is published, and its message moved, even if the caller is gone.
func uncancelled(ctx context.Context) (context.Context, context.CancelFunc) {
	limit := maxPublishTime
	if deadline, ok := ctx.Deadline(); ok {
		limit = time.Until(deadline)
	}
	return context.WithTimeout(context.WithoutCancel(ctx), limit)
}
