package handler_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/stretchr/testify/require"

	"sendgrid-sso-integration/internal/delivery"
	"sendgrid-sso-integration/internal/problem"
	"sendgrid-sso-integration/internal/provision"
	"sendgrid-sso-integration/internal/request"
)

// recordingQueue keeps the messages that it is sent, or fails.
type recordingQueue struct {
	err  error
	sent []delivery.Delivery
}

func (q *recordingQueue) Send(ctx context.Context, d *delivery.Delivery) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if q.err == nil {
		q.sent = append(q.sent, *d)
	}
	return q.err
}

// queueFunc is a queue that takes two seconds at most, as the real one.
type queueFunc func(context.Context) error

func (f queueFunc) Send(ctx context.Context, _ *delivery.Delivery) error {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	return f(ctx)
}

// A rejected message is published and moved to the dead-letter queue, whichever receive it
// is. If either fails, or a retry may help, SQS delivers it again.
func TestRejectedMessagesAreMoved(t *testing.T) {
	t.Parallel()
	down := errors.New("down")
	for name, tt := range map[string]struct {
		code             problem.Code
		receives         string
		noQueue, noBus   bool
		busErr, queueErr error
		published, moved int
		deliveredAgain   bool
	}{
		"rejected":                                {code: problem.Conflict, receives: "1", published: 1, moved: 1},
		"rejected, a later receive":               {code: problem.Conflict, receives: "17", published: 1, moved: 1},
		"rejected, without a bus":                 {code: problem.Conflict, receives: "1", noBus: true, moved: 1},
		"rejected, the bus is down":               {code: problem.Conflict, receives: "1", busErr: down, published: 1, deliveredAgain: true},
		"rejected, the queue is down":             {code: problem.Conflict, receives: "1", queueErr: down, published: 1, deliveredAgain: true},
		"failed":                                  {code: problem.SendGridUnavailable, receives: "1", published: 1, deliveredAgain: true},
		"succeeded":                               {receives: "1", published: 1},
		"succeeded, the bus is down":              {receives: "1", busErr: down, published: 1, deliveredAgain: true},
		"rejected, without a queue":               {code: problem.Conflict, receives: "1", noQueue: true, published: 1, deliveredAgain: true},
		"rejected, without a queue, second time":  {code: problem.Conflict, receives: "2", noQueue: true, deliveredAgain: true},
		"rejected, without a queue, unknown time": {code: problem.Conflict, noQueue: true, published: 1, deliveredAgain: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFixture(created)
			if tt.code != "" {
				f.Provisioner = fails(failure(tt.code))
			}
			bus, queue := &recordingPublisher{err: tt.busErr}, &recordingQueue{err: tt.queueErr}
			if !tt.noBus {
				f.Publisher = bus
			}
			if !tt.noQueue {
				f.DeadLetters = queue
			}
			body := string(functions["EventBridge"](goodRequest))
			data, err := f.invoke(t, mustEncode(events.SQSEvent{Records: []events.SQSMessage{{
				MessageId: "1", EventSource: "aws:sqs", Body: body, Attributes: map[string]string{"ApproximateReceiveCount": tt.receives},
			}}}))
			require.NoError(t, err)
			require.Equal(t, tt.deliveredAgain, len(failed(t, data)) == 1)
			require.Len(t, bus.published, tt.published)
			require.Len(t, queue.sent, tt.moved)
			for _, d := range queue.sent {
				require.Equal(t, body, d.Message, "the message as it was received")
				require.Equal(t, []string{string(tt.code), invocationID}, []string{string(d.Failure.Code), d.RequestID})
			}
			if tt.queueErr != nil {
				require.Contains(t, f.log.String(), "could not be moved to the dead-letter queue")
			}
		})
	}
}

// Only messages of SQS are moved; other senders get the response themselves.
func TestOtherTriggersMoveNothing(t *testing.T) {
	t.Parallel()
	queue := &recordingQueue{}
	for _, payload := range triggers {
		f := newFixture(fails(failure(problem.Conflict)))
		f.DeadLetters = queue
		require.Equal(t, "Conflict", f.code(t, payload))
	}
	require.Empty(t, queue.sent)
}

// The dead-letter queue gets what time publishing has left, and no more.
func TestDeadLetterEndsInTime(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), 28*time.Second)
		defer cancel()
		start := time.Now()
		f := newFixture(func(context.Context, request.Resolved) (*provision.Result, error) {
			cancel()
			return nil, failure(problem.Conflict)
		})
		f.Publisher = publisherFunc(func(ctx context.Context) error {
			time.Sleep(27 * time.Second)
			return ctx.Err()
		})
		f.DeadLetters = queueFunc(func(ctx context.Context) error {
			require.NoError(t, ctx.Err(), "the message is moved even if the caller is gone")
			<-ctx.Done()
			return ctx.Err()
		})
		data, err := f.Invoke(ctx, batch(goodRequest))
		require.NoError(t, err)
		require.Equal(t, []string{"1"}, failed(t, data))
		require.Equal(t, 28*time.Second-200*time.Millisecond, time.Since(start))
	})
}
