//go:build soak

package main_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"math/rand/v2"
	"net/http"
	"os"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/stretchr/testify/require"

	"sendgrid-sso-integration/internal/lambdatest"
	"sendgrid-sso-integration/internal/ledger/dynamotest"
	"sendgrid-sso-integration/sendgrid"
)

// The measures of the soak. Each subuser's integrations are a list of their own, as long
// as a large account's may be. SOAK_EVENTS is the number of events.
const (
	soakEvents     = 10_000
	soakSubusers   = 10
	soakProcesses  = 4 // for each subuser
	soakFaulty     = 0.05
	soakLag        = 3 * time.Second
	soakBatch      = 10
	soakRate       = 4 // requests a second, for each endpoint of a subuser
	soakWindow     = 2 * time.Second
	soakVisibility = 10 * time.Second
	soakTime       = 25 * time.Minute
	// soakRatio is how many times the bound, which the rate limit sets for what the first
	// delivery of all events creates, this delivery may take. What comes back after it mostly
	// waits until a write has settled.
	soakRatio = 1.5
	// soakMeasured is from how many events on that is checked: with fewer, a single window more or less decides.
	soakMeasured = 1000
)

// TestSoak sends a large number of events, with duplicates, certificates, conflicts and
// invalid ones, through processes of the real function that share a ledger, to a SendGrid
// that fails, has a rate limit, and whose reads lag. In the end nothing is lost, nothing is
// there twice, and each rejected event is published once and in the dead-letter queue. The
// first delivery of all events takes little longer than the rate limit makes it.
func TestSoak(t *testing.T) {
	s := &soak{t: t, world: newWorld(t), events: soakEvents, firstOp: map[sendgrid.Op]int{}}
	if n := os.Getenv("SOAK_EVENTS"); n != "" {
		var err error
		s.events, err = strconv.Atoi(n)
		require.NoError(t, err, "SOAK_EVENTS")
	}
	s.world.sendGrid.SetRateLimit(int(soakRate*soakWindow.Seconds()), soakWindow)
	s.world.sendGrid.SetLag(soakLag, soakLag)
	s.flaky = &flakySendGrid{next: s.world.sendGrid}
	s.world.env["SENDGRID_BASE_URL"] = lambdatest.Serve(t, s.flaky)
	s.world.env["LEDGER_TABLE"], s.world.env["AWS_ENDPOINT_URL_DYNAMODB"] = "soak", dynamotest.Start(t)
	s.bus, s.deadLetters = s.world.withDeadLetters(t)

	functions := s.startFunctions()
	s.start = time.Now()
	queues := s.makeQueues()
	s.work(queues, functions, (*queue).receiveNew)
	s.first, s.firstDone, s.firstMade = time.Since(s.start), int(s.done.Load()), len(s.world.sendGrid.Integrations())
	for _, op := range soakOps {
		s.firstOp[op] = s.world.sendGrid.Count(op)
	}
	s.work(queues, functions, (*queue).receive)
	s.progress(true)
	for _, f := range functions {
		s.end(f)
	}
	s.verify(queues)
	s.report()
	require.Zero(t, s.lost, "lost")
	require.Zero(t, s.doubled, "doubled")
	require.Zero(t, s.misreported, "rejected, and not published once and dead-lettered once")
	if s.events >= soakMeasured {
		require.Less(t, s.ratio(), soakRatio, "the time of the first delivery of all events, in bounds")
	}
}

// flakySendGrid is a SendGrid of which one call in twenty goes wrong: before it is carried
// out or after, with a response or without.
type flakySendGrid struct {
	next   http.Handler
	faults atomic.Int64
}

func (f *flakySendGrid) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if rand.Float64() >= soakFaulty {
		f.next.ServeHTTP(w, r)
		return
	}
	f.faults.Add(1)
	if rand.IntN(2) == 0 {
		f.next.ServeHTTP(discard{http.Header{}}, r)
	}
	if rand.IntN(2) == 0 {
		panic(http.ErrAbortHandler)
	}
	w.WriteHeader([]int{500, 502, 503, 504}[rand.IntN(4)])
}

// soak keeps the score.
type soak struct {
	t           *testing.T
	world       *world
	flaky       *flakySendGrid
	bus         *lambdatest.EventBus
	deadLetters *sqsQueue
	events      int
	start       time.Time
	// first is how long the first delivery of all events took, firstDone how many events were
	// done then, firstMade how many integrations there were, and firstOp how many requests had
	// been sent.
	first                time.Duration
	firstDone, firstMade int
	firstOp              map[sendgrid.Op]int
	// needed is how many requests of a subuser the events cannot do without.
	needed map[sendgrid.Op]int

	done, redelivered, unknown, adopted, shown atomic.Int64
	certificates                               int
	rejected                                   map[string]int // by code
	lost, doubled, misreported                 int
}

// startFunctions starts the processes, in the order of the subusers.
func (s *soak) startFunctions() (functions []*lambdatest.Function) {
	for subuser := range soakSubusers {
		env := maps.Clone(s.world.env)
		env["SENDGRID_ON_BEHALF_OF"] = fmt.Sprintf("subuser-%d", subuser)
		for range soakProcesses {
			functions = append(functions, bootstrap.Start(s.t, env))
		}
	}
	for _, f := range functions {
		f.Ready()
	}
	return functions
}

// work has the processes of each subuser work on its queue, until receive has no more.
func (s *soak) work(queues []*queue, functions []*lambdatest.Function, receive func(*queue) (batch []*message, more bool)) {
	var workers sync.WaitGroup
	for i, f := range functions {
		q := queues[i/soakProcesses]
		workers.Go(func() {
			for time.Since(s.start) < soakTime {
				batch, more := receive(q)
				switch {
				case !more:
					return
				case len(batch) == 0:
					time.Sleep(200 * time.Millisecond) // A soak takes real time.
				default:
					q.settle(batch, s.deliver(f, batch))
					s.progress(false)
				}
			}
		})
	}
	workers.Wait()
}

// deliver sends a batch to a process and returns the ids of what failed.
func (s *soak) deliver(f *lambdatest.Function, batch []*message) (failed []string) {
	var event events.SQSEvent
	for _, m := range batch {
		event.Records = append(event.Records, events.SQSMessage{
			MessageId: m.id, EventSource: "aws:sqs", Body: m.body,
			Attributes: map[string]string{
				"ApproximateReceiveCount": strconv.Itoa(m.deliveries),
				"SentTimestamp":           strconv.FormatInt(m.sent.UnixMilli(), 10),
			},
		})
		if m.deliveries > 1 {
			s.redelivered.Add(1)
		}
	}
	var response events.SQSEventResponse
	reply := f.Invoke(encode(s.t, event), 28*time.Second)
	require.NoError(s.t, json.Unmarshal(reply.Body, &response), "%s", reply.Body)
	for _, failure := range response.BatchItemFailures {
		failed = append(failed, failure.ItemIdentifier)
	}
	s.done.Add(int64(len(batch) - len(failed)))
	return failed
}

// end ends a process and adds up what its log contains.
func (s *soak) end(f *lambdatest.Function) {
	_ = f.Process().Kill()
	for _, line := range requestLines(s.t, f) {
		if line["adopted"] == true {
			s.adopted.Add(1)
		}
		if line["code"] == "OutcomeUnknown" {
			s.unknown.Add(1)
		}
	}
}

func (s *soak) progress(last bool) {
	const width = 40
	done, now := s.done.Load(), time.Now().UnixMilli()
	if shown := s.shown.Load(); !last && (now-shown < 500 || !s.shown.CompareAndSwap(shown, now)) {
		return
	}
	filled := int(done) * width / s.events
	fmt.Fprintf(os.Stdout, "\r[%s%s] %d/%d events, %s ", strings.Repeat("#", filled), strings.Repeat(".", width-filled), done, s.events, time.Since(s.start).Round(time.Second))
	if last {
		fmt.Fprintln(os.Stdout)
	}
}
