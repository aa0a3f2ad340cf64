// Package eventqueue sends messages to the event queue, whose messages invoke the function.
package eventqueue

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"sendgrid-sso-integration/internal/retry"
)

// MaxSpread is the longest time over which messages are spread: SQS delays none for longer.
const MaxSpread = 15 * time.Minute

const (
	// batchSize is how many messages SQS takes in one call.
	batchSize = 10
	// maxCalls bounds the calls at the same time. The SDK keeps ten connections open.
	maxCalls = 8
	// tries bounds how often a message is sent that the queue does not take. The SDK repeats failed
	// calls on its own. The waits between the tries take 1.5 s at most.
	tries        = 5
	firstBackoff = 100 * time.Millisecond
	maxBackoff   = 800 * time.Millisecond
)

// API is the part of sqs.Client that a Queue uses.
type API interface {
	SendMessageBatch(context.Context, *sqs.SendMessageBatchInput, ...func(*sqs.Options)) (*sqs.SendMessageBatchOutput, error)
}

// Queue is the event queue.
type Queue struct {
	// API returns the client. It is called when the first message is sent, which most processes
	// never do.
	API func() API
	URL string
}

// Send sends a message with each body. They become visible in the order of the bodies, the first
// one at once, the last one after spread, which is MaxSpread at most, and the others evenly in
// between. It returns an error if the queue has not taken all of them by the end of ctx; the others
// are still sent. A message may be in the queue twice. Ten bodies together may have one
// megabyte.
//
// https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_SendMessageBatch.html
func (q *Queue) Send(ctx context.Context, bodies []string, spread time.Duration) error {
	if len(bodies) == 0 {
		return nil
	}
	var (
		api     = q.API()
		batches = make(chan []types.SendMessageBatchRequestEntry)
		sending sync.WaitGroup
		mu      sync.Mutex
		unsent  int
		cause   error
	)
	for range min(maxCalls, len(bodies)/batchSize+1) {
		sending.Go(func() {
			for batch := range batches {
				left, err := q.send(ctx, api, batch)
				mu.Lock()
				unsent += left
				if cause == nil {
					cause = err
				}
				mu.Unlock()
			}
		})
	}
	for batch := range slices.Chunk(messages(bodies, min(spread, MaxSpread)), batchSize) {
		batches <- batch
	}
	close(batches)
	sending.Wait()
	if cause != nil {
		return fmt.Errorf("send to the event queue %s: %d of %d messages were not sent: %w", q.URL, unsent, len(bodies), cause)
	}
	return nil
}

// messages returns the messages with their delays.
func messages(bodies []string, spread time.Duration) []types.SendMessageBatchRequestEntry {
	all := make([]types.SendMessageBatchRequestEntry, len(bodies))
	for i, body := range bodies {
		delay := spread * time.Duration(i) / time.Duration(max(1, len(bodies)-1))
		all[i] = types.SendMessageBatchRequestEntry{
			Id:           aws.String(strconv.Itoa(i)),
			MessageBody:  aws.String(body),
			DelaySeconds: int32(delay / time.Second), //nolint:gosec // It is 900 at most.
		}
	}
	return all
}

// errRefused means that the call succeeded, and the queue did not take some of its messages.
var errRefused = errors.New("the queue did not take a message")

// send sends a batch. What the queue does not take is sent again. It returns how many messages
// were not sent.
func (q *Queue) send(ctx context.Context, api API, batch []types.SendMessageBatchRequestEntry) (left int, err error) {
	for try := 0; ; try++ {
		batch, err = q.put(ctx, api, batch)
		if try == tries-1 || !errors.Is(err, errRefused) {
			return len(batch), err
		}
		if !retry.Sleep(ctx, retry.Backoff(try, firstBackoff, maxBackoff, rand.Uint64)) {
			return len(batch), fmt.Errorf("the time ended before it could be sent again: %w", err)
		}
	}
}

// put sends a batch once, and returns what the queue did not take. The error is about the first
// of it.
func (q *Queue) put(ctx context.Context, api API, batch []types.SendMessageBatchRequestEntry) (left []types.SendMessageBatchRequestEntry, err error) {
	if err := ctx.Err(); err != nil {
		return batch, err
	}
	out, err := api.SendMessageBatch(ctx, &sqs.SendMessageBatchInput{QueueUrl: aws.String(q.URL), Entries: batch})
	if err != nil {
		return batch, err
	}
	taken := map[string]bool{}
	for _, message := range out.Successful {
		taken[aws.ToString(message.Id)] = true
	}
	left = slices.DeleteFunc(slices.Clone(batch), func(e types.SendMessageBatchRequestEntry) bool { return taken[*e.Id] })
	switch {
	case len(left) == 0:
		return nil, nil
	case len(out.Failed) == 0:
		return left, errRefused
	default:
		return left, fmt.Errorf("%w: %s: %s", errRefused, aws.ToString(out.Failed[0].Code), aws.ToString(out.Failed[0].Message))
	}
}

// Attributes is the part of sqs.Client that Waiting uses.
type Attributes interface {
	GetQueueAttributes(context.Context, *sqs.GetQueueAttributesInput, ...func(*sqs.Options)) (*sqs.GetQueueAttributesOutput, error)
}

// counts are the attributes that count the messages of a queue: those that can be received, that are delayed,
// and that somebody received a moment ago.
var counts = []types.QueueAttributeName{
	types.QueueAttributeNameApproximateNumberOfMessages,
	types.QueueAttributeNameApproximateNumberOfMessagesDelayed,
	types.QueueAttributeNameApproximateNumberOfMessagesNotVisible,
}

// Waiting returns how many messages a queue has, approximately.
//
// https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_GetQueueAttributes.html
func Waiting(ctx context.Context, api Attributes, url string) (n int, err error) {
	out, err := api.GetQueueAttributes(ctx, &sqs.GetQueueAttributesInput{QueueUrl: aws.String(url), AttributeNames: counts})
	if err != nil {
		return 0, fmt.Errorf("read the attributes of the queue %s: %w", url, err)
	}
	for _, name := range counts {
		some, err := strconv.Atoi(out.Attributes[string(name)])
		if err != nil {
			return 0, fmt.Errorf("the queue %s has no number of messages: %w", url, err)
		}
		n += some
	}
	return n, nil
}
