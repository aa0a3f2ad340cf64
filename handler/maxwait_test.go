package handler_test

import (
	"context"
	"encoding/json"
	"log/slog"
	"strconv"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/stretchr/testify/require"

	"sendgrid-sso-integration/handler"
	"sendgrid-sso-integration/internal/provision"
	"sendgrid-sso-integration/internal/request"
)

// waiting is a provisioner that passes on how long each delivery may wait for others.
type waiting chan time.Duration

func (p waiting) Ensure(ctx context.Context, r request.Resolved, d provision.Delivery) (*provision.Result, error) {
	p <- d.MaxWait
	return created(ctx, r)
}

// A message of a batch does not keep the batch waiting; a single one has all the time.
func TestMessagesOfABatchWaitForAWhile(t *testing.T) {
	t.Parallel()
	for messages, want := range map[int]time.Duration{1: 0, 2: 5 * time.Second, 10: 5 * time.Second} {
		t.Run(strconv.Itoa(messages), func(t *testing.T) {
			t.Parallel()
			seen := make(waiting, messages)
			h := &handler.Handler{Provisioner: seen, Logger: slog.New(slog.DiscardHandler)}
			var event events.SQSEvent
			for i := range messages {
				event.Records = append(event.Records, events.SQSMessage{MessageId: strconv.Itoa(i), EventSource: "aws:sqs", Body: goodRequest})
			}
			payload, err := json.Marshal(event)
			require.NoError(t, err)
			_, err = h.Invoke(t.Context(), payload)
			require.NoError(t, err)
			for range messages {
				require.Equal(t, want, <-seen)
			}
		})
	}
}
