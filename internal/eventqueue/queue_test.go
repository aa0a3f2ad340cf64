package eventqueue_test

import (
	"context"
	"errors"
	"strconv"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
	"github.com/stretchr/testify/require"

	"sendgrid-sso-integration/internal/eventqueue"
)

const url = "https://sqs.eu-west-1.amazonaws.com/123456789012/events"

// fakeSQS is a queue that keeps the messages it takes.
type fakeSQS struct {
	t *testing.T
	// takes is how long a call takes.
	takes time.Duration
	// refuses decides for each message how often the queue does not take it.
	refuses func(body string) int
	// fails decides whether a call with this first message fails.
	fails func(body string) error

	mu                   sync.Mutex
	calls, running, most int
	tries, delays        map[string]int
}

func (f *fakeSQS) SendMessageBatch(ctx context.Context, in *sqs.SendMessageBatchInput, _ ...func(*sqs.Options)) (*sqs.SendMessageBatchOutput, error) {
	f.count(1)
	time.Sleep(f.takes)
	f.count(-1)
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.fails != nil {
		if err := f.fails(aws.ToString(in.Entries[0].MessageBody)); err != nil {
			return nil, err
		}
	}
	require.NoError(f.t, ctx.Err())
	require.Equal(f.t, url, aws.ToString(in.QueueUrl))
	require.NotEmpty(f.t, in.Entries)
	require.LessOrEqual(f.t, len(in.Entries), 10)
	out, ids := &sqs.SendMessageBatchOutput{}, map[string]bool{}
	for _, e := range in.Entries {
		require.NotContains(f.t, ids, *e.Id)
		ids[*e.Id] = true
		f.tries[*e.MessageBody]++
		if f.refuses != nil && f.tries[*e.MessageBody] <= f.refuses(*e.MessageBody) {
			out.Failed = append(out.Failed, types.BatchResultErrorEntry{Id: e.Id, Code: aws.String("InternalError"), Message: aws.String("Try again.")})
			continue
		}
		_, taken := f.delays[*e.MessageBody]
		require.False(f.t, taken, "it was taken already")
		f.delays[*e.MessageBody] = int(e.DelaySeconds)
		out.Successful = append(out.Successful, types.SendMessageBatchResultEntry{Id: e.Id})
	}
	return out, nil
}

// count counts a call that begins (1) or ends (-1).
func (f *fakeSQS) count(change int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.calls += max(0, change)
	f.running += change
	f.most = max(f.most, f.running)
}

// newQueue returns a queue that does what f says.
func newQueue(t *testing.T, f *fakeSQS) *eventqueue.Queue {
	t.Helper()
	f.t, f.tries, f.delays = t, map[string]int{}, map[string]int{}
	return &eventqueue.Queue{URL: url, API: func() eventqueue.API { return f }}
}

func bodies(n int) (all []string) {
	for i := range n {
		all = append(all, strconv.Itoa(i))
	}
	return all
}

// The messages become visible in their order, evenly from at once until the end of the spread.
func TestSendSpreads(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		messages int
		spread   time.Duration
		calls    int
		want     map[string]int // delays in seconds, by message
	}{
		"one":            {1, 15 * time.Minute, 1, map[string]int{"0": 0}},
		"two":            {2, 15 * time.Minute, 1, map[string]int{"0": 0, "1": 900}},
		"a batch":        {10, 90 * time.Second, 1, map[string]int{"0": 0, "1": 10, "5": 50, "9": 90}},
		"one more":       {11, 100 * time.Second, 2, map[string]int{"0": 0, "1": 10, "10": 100}},
		"many a second":  {1001, 10 * time.Second, 101, map[string]int{"0": 0, "99": 0, "100": 1, "999": 9, "1000": 10}},
		"at once":        {20, 0, 2, map[string]int{"0": 0, "19": 0}},
		"longer than is": {3, time.Hour, 1, map[string]int{"0": 0, "1": 450, "2": 900}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := &fakeSQS{}
			require.NoError(t, newQueue(t, f).Send(t.Context(), bodies(tt.messages), tt.spread))
			require.Len(t, f.delays, tt.messages)
			require.Equal(t, tt.calls, f.calls)
			for body, delay := range tt.want {
				require.Equal(t, delay, f.delays[body], "message %s", body)
			}
		})
	}
}

// What the queue does not take is sent again, and nothing else is. What it never takes, and the
// messages of a failed call, which the SDK has repeated, keep no others from being sent.
func TestSendAgain(t *testing.T) {
	t.Parallel()
	const ms = time.Millisecond
	down := errors.New("down")
	refuses := func(times int) func(string) int {
		return func(body string) int {
			if body == "3" || body == "17" {
				return times
			}
			return 0
		}
	}
	failsAt := func(first string) func(string) error {
		return func(body string) error {
			if body == first {
				return down
			}
			return nil
		}
	}
	for name, tt := range map[string]struct {
		queue *fakeSQS
		limit time.Duration
		calls int
		sent  int
		most  time.Duration
		err   string
	}{
		"takes all":        {&fakeSQS{}, time.Minute, 3, 25, 0, ""},
		"refuses once":     {&fakeSQS{refuses: refuses(1)}, time.Minute, 5, 25, 101 * ms, ""},
		"refuses thrice":   {&fakeSQS{refuses: refuses(3)}, time.Minute, 9, 25, 703 * ms, ""},
		"refuses always":   {&fakeSQS{refuses: refuses(99)}, time.Minute, 11, 23, 1504 * ms, "2 of 25 messages were not sent: the queue did not take a message: InternalError: Try again."},
		"longer than time": {&fakeSQS{refuses: refuses(99)}, ms, 3, 23, 0, "2 of 25 messages were not sent: the time ended before it could be sent again: the queue did"},
		"a call fails":     {&fakeSQS{fails: failsAt("10")}, time.Minute, 3, 15, 0, "10 of 25 messages were not sent: down"},
		"the last call":    {&fakeSQS{fails: failsAt("20")}, time.Minute, 3, 20, 0, "5 of 25 messages were not sent: down"},
		"fails then":       {&fakeSQS{refuses: refuses(1), fails: failsAt("17")}, time.Minute, 5, 24, 101 * ms, "1 of 25 messages were not sent: down"},
		"there is no time": {&fakeSQS{}, -ms, 0, 0, 0, "25 of 25 messages were not sent: context deadline exceeded"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				ctx, cancel := context.WithTimeout(t.Context(), tt.limit)
				defer cancel()
				start := time.Now()
				err := newQueue(t, tt.queue).Send(ctx, bodies(25), time.Minute)
				require.LessOrEqual(t, time.Since(start), tt.most)
				require.Len(t, tt.queue.delays, tt.sent)
				require.Equal(t, tt.calls, tt.queue.calls)
				if tt.err == "" {
					require.NoError(t, err)
				} else {
					require.ErrorContains(t, err, "send to the event queue "+url+": "+tt.err)
				}
			})
		})
	}
}

// A client costs time and memory, which only processes spend that send something.
func TestSendNothing(t *testing.T) {
	t.Parallel()
	q := &eventqueue.Queue{URL: url, API: func() eventqueue.API {
		require.FailNow(t, "there is nothing to send")
		return nil
	}}
	require.NoError(t, q.Send(t.Context(), nil, time.Minute))
}

// The messages of a large account are sent within the time of an invocation.
func TestSendMany(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		const messages = 10_000
		f := &fakeSQS{takes: 15 * time.Millisecond, refuses: func(body string) int { return len(body) % 2 }}
		start := time.Now()
		require.NoError(t, newQueue(t, f).Send(t.Context(), bodies(messages), eventqueue.MaxSpread))
		require.Less(t, time.Since(start), 20*time.Second)
		require.Len(t, f.delays, messages)
		require.Equal(t, 8, f.most, "calls at the same time")
	})
}

// attributes is a queue with attributes, or one that fails.
type attributes struct {
	t      *testing.T
	values map[string]string
	err    error
}

func (a attributes) GetQueueAttributes(_ context.Context, in *sqs.GetQueueAttributesInput, _ ...func(*sqs.Options)) (*sqs.GetQueueAttributesOutput, error) {
	require.Equal(a.t, url, aws.ToString(in.QueueUrl))
	out := &sqs.GetQueueAttributesOutput{Attributes: map[string]string{}}
	for _, name := range in.AttributeNames {
		if value, ok := a.values[string(name)]; ok {
			out.Attributes[string(name)] = value
		}
	}
	return out, a.err
}

// What somebody has just received, to look at it, is still waiting.
func TestWaiting(t *testing.T) {
	t.Parallel()
	const visible, delayed, inFlight = "ApproximateNumberOfMessages", "ApproximateNumberOfMessagesDelayed", "ApproximateNumberOfMessagesNotVisible"
	down := errors.New("down")
	for name, tt := range map[string]struct {
		values map[string]string
		fails  error
		want   int
		err    string
	}{
		"empty":       {values: map[string]string{visible: "0", delayed: "0", inFlight: "0"}},
		"some":        {values: map[string]string{visible: "3", delayed: "40", inFlight: "500", "Policy": "{}"}, want: 543},
		"not all":     {values: map[string]string{visible: "3", inFlight: "0"}, err: "the queue " + url + " has no number of messages"},
		"no numbers":  {values: map[string]string{visible: "many", delayed: "0", inFlight: "0"}, err: "has no number of messages"},
		"unreachable": {fails: down, err: "read the attributes of the queue " + url + ": down"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			n, err := eventqueue.Waiting(t.Context(), attributes{t, tt.values, tt.fails}, url)
			require.Equal(t, tt.want, n)
			if tt.err == "" {
				require.NoError(t, err)
				return
			}
			require.ErrorContains(t, err, tt.err)
			if tt.fails != nil {
				require.ErrorIs(t, err, tt.fails)
			}
		})
	}
}
