package handler

import (
	"context"
	"fmt"
	"log/slog"
	"runtime/debug"
	"sync"
	"time"

	"sendgrid-sso-integration/internal/delivery"
	"sendgrid-sso-integration/internal/invocation"
	"sendgrid-sso-integration/internal/problem"
	"sendgrid-sso-integration/internal/protocol"
	"sendgrid-sso-integration/internal/provision"
	"sendgrid-sso-integration/internal/request"
)

const (
	// maxConcurrent bounds how many deliveries of an event are processed at once. It is the
	// batch size in the template, so that no message waits for another one.
	maxConcurrent = 10
	// maxPublishTime bounds publishing, and moving a message, if the invocation has no deadline.
	maxPublishTime = 10 * time.Second
	// retryPublish is when to send a request again whose outcome could not be published.
	retryPublish = 10 * time.Second
)

// processAll processes the deliveries of an event, independently of each other.
func (h *Handler) processAll(ctx context.Context, deliveries []*delivery.Delivery, t trigger) {
	slots := make(chan struct{}, maxConcurrent)
	var running sync.WaitGroup
	for _, d := range deliveries {
		slots <- struct{}{}
		running.Go(func() {
			defer func() { <-slots }()
			if deadline, ok := ctx.Deadline(); ok && d.Failure == nil && time.Until(deadline) < t.minTime {
				d.Fail(&problem.Error{
					Code:    problem.DeadlineExceeded,
					Message: "The invocation had too little time left to begin with this message; it will be delivered again.",
				})
			}
			h.process(d.Effort.Count(ctx), d, t)
		})
	}
	running.Wait()
}

// process processes a delivery, including the publishing: a success that cannot be published is not a
// success.
func (h *Handler) process(ctx context.Context, d *delivery.Delivery, t trigger) {
	if d.Failure == nil {
		if err := recovered(func() error { return t.work(h, ctx, d) }); err != nil {
			d.Fail(err)
		}
	}
	d.Duration = time.Since(d.Arrived)
	conceal(d)
	h.publish(ctx, d)
	h.drop(d)
	h.deadLetter(ctx, d)
	d.Duration = time.Since(d.Arrived)
}

// recovered runs a step of the pipeline. A panic in it is an error like any other, so that
// it is logged and gets a response, and does not end the other deliveries of a batch.
func recovered(step func() error) (err error) {
	defer func() {
		if cause := recover(); cause != nil {
			err = fmt.Errorf("panic: %v\n%s", cause, debug.Stack())
		}
	}()
	return step()
}

// provision authenticates the caller, parses the request and makes what it describes exist.
// Nothing of the body is parsed before the caller is authenticated.
func (h *Handler) provision(ctx context.Context, d *delivery.Delivery) error {
	if err := h.authenticate(ctx, d); err != nil {
		return err
	}
	if err := checkContentType(d); err != nil {
		return err
	}
	d.Accepted = true
	parsed, err := request.Parse(d.Body, d.Arrived)
	if err != nil {
		d.Trace = parsed
		return err
	}
	d.Request = &parsed
	if err := checkPath(d); err != nil {
		return err
	}
	if err := h.authorize(d); err != nil {
		return err
	}
	if d.IsDryRun() && !d.Responds {
		return problem.InvalidField("dry_run", "is of no use here, because nobody gets the response; send the request over HTTP, or invoke the function directly")
	}
	if h.Publisher != nil {
		var cancel context.CancelFunc
		ctx, cancel = invocation.Publish.Keep(ctx)
		defer cancel()
	}
	resolved, err := parsed.Resolve(ctx, h.SAMLMetadata)
	if err != nil {
		return err
	}
	d.Request = &resolved.Request
	d.Result, err = h.Provisioner.Ensure(ctx, resolved, provision.Delivery{
		IDs: d.RepeatedIDs(), Caller: d.Who(), MayUpdate: h.mayUpdate(d), Unattended: !d.Responds, Order: d.Order(), MaxWait: d.MaxWait,
	})
	return err
}

// publishes reports whether the outcome of a delivery is published. That of a dry run is not.
// Without a dead-letter queue, a message that can only be rejected is delivered again and again;
// that is published once.
func (h *Handler) publishes(d *delivery.Delivery) bool {
	if h.Publisher == nil || !d.Accepted || !d.HasRequest() {
		return false
	}
	rejectedAgain := d.Receives > 1 && d.Outcome() == protocol.OutcomeRejected && h.DeadLetters == nil
	return !rejectedAgain && (!d.IsDryRun() || !d.Responds)
}

// unpublished reports whether the outcome of a delivery should have been published, and was not.
func (h *Handler) unpublished(d *delivery.Delivery) bool { return h.publishes(d) && !d.Published }

// publish publishes the outcome of a delivery. If the bus does not take a success, the request
// has failed; its repetition finds the integration, and publishes that.
func (h *Handler) publish(ctx context.Context, d *delivery.Delivery) {
	if !h.publishes(d) {
		return
	}
	publishing, cancel := uncancelled(ctx)
	defer cancel()
	var err error
	broken := recovered(func() error { err = h.Publisher.Publish(publishing, d); return nil })
	d.Published = err == nil && broken == nil
	switch {
	case broken != nil: // A mistake in this program.
		d.Fail(broken)
	case err != nil && d.Failure != nil:
		h.Logger.WarnContext(ctx, "a failure could not be published", slog.Any("error", err))
	case err != nil:
		d.Fail(&problem.Error{
			Code: problem.EventBusUnavailable, RetryAfter: retryPublish, Err: err,
			Message: "The request was carried out, but the event about it could not be published. Send the request again; nothing is done twice.",
		})
	}
}

// uncancelled returns a context that has the deadline of ctx and outlives its cancellation: the
// outcome of a delivery is published, and its message moved, even if the caller is gone.
func uncancelled(ctx context.Context) (context.Context, context.CancelFunc) {
	limit := maxPublishTime
	if deadline, ok := ctx.Deadline(); ok {
		limit = time.Until(deadline)
	}
	return context.WithTimeout(context.WithoutCancel(ctx), limit)
}
