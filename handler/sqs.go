package handler

import (
	"context"
	"encoding/json"
	"strconv"
	"sync"
	"time"

	"sendgrid-sso-integration/internal/problem"

	"github.com/aws/aws-lambda-go/events"

	"sendgrid-sso-integration/internal/telemetry"
)

const (
	// messagesAtOnce bounds how many messages of a batch are worked on at once. It is the
	// size of a batch in the template, so that none waits for others that only wait.
	messagesAtOnce = 10
	// minMessageTime is the least time in which a message is worth starting.
	minMessageTime = 6 * time.Second
)

// answerSQS answers a batch of messages: with the ids of those that failed and are to be
// delivered again. One message does not fail another.
func (h *Handler) answerSQS(ctx context.Context, origin telemetry.Origin, payload []byte) ([]byte, error) {
	var batch events.SQSEvent
	if err := json.Unmarshal(payload, &batch); err != nil {
		return h.answerFunction(ctx, origin, func(context.Context, *telemetry.Record) ([]byte, error) { return nil, malformed(err) })
	}
	done := make([]bool, len(batch.Records))
	slots := make(chan struct{}, messagesAtOnce)
	var working sync.WaitGroup
	for i, message := range batch.Records {
		slots <- struct{}{}
		working.Go(func() {
			defer func() { <-slots }()
			done[i] = h.answerMessage(ctx, origin, message)
		})
	}
	working.Wait()

	answer := events.SQSEventResponse{BatchItemFailures: []events.SQSBatchItemFailure{}}
	for i, message := range batch.Records {
		if !done[i] {
			answer.BatchItemFailures = append(answer.BatchItemFailures, events.SQSBatchItemFailure{ItemIdentifier: message.MessageId})
		}
	}
	return encode(answer), nil
}

// answerMessage works on one message, and tells whether it is done with.
func (h *Handler) answerMessage(ctx context.Context, origin telemetry.Origin, message events.SQSMessage) bool {
	origin.MessageID = message.MessageId
	// A message that can only be rejected comes again and again, until it is a dead letter.
	origin.Redelivered = receives(message) > 1
	ctx, record := telemetry.Begin(ctx, origin)
	_, failure := h.fulfil(ctx, record, func(ctx context.Context, record *telemetry.Record) ([]byte, error) {
		if deadline, ok := ctx.Deadline(); ok && time.Until(deadline) < minMessageTime {
			return nil, &problem.Error{
				Code:    problem.DeadlineExceeded,
				Message: "The time that was left was too short to begin with this message; it will be delivered again.",
			}
		}
		if body := []byte(message.Body); Recognise(body) == TriggerEventBridge {
			return openEnvelope(body, record)
		}
		return []byte(message.Body), nil
	})
	return failure == nil
}

// receives returns how often a message has been received, this time included; 0 where the
// sender does not say.
func receives(message events.SQSMessage) int {
	count, err := strconv.Atoi(message.Attributes["ApproximateReceiveCount"])
	if err != nil {
		return 0
	}
	return count
}
