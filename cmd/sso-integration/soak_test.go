//go:build soak

package main_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"os"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"text/tabwriter"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/stretchr/testify/require"

	"sendgrid-sso-integration/internal/ledger/dynamotest"
	"sendgrid-sso-integration/sendgrid"
)

// The measures of the soak. Each subuser's integrations are a list of their own, as long
// as a large account's may be.
const (
	soakEvents     = 10_000
	soakSubusers   = 10
	soakFresh      = soakEvents / soakSubusers * 4 / 5 // new events of a subuser
	soakProcesses  = 4
	soakFaulty     = 0.05
	soakBatch      = 10
	soakRate       = 40 // requests a second, for each endpoint
	soakWindow     = 2 * time.Second
	soakVisibility = 10 * time.Second
	soakPatience   = 20 * time.Minute
	// soakRatio is how many times the bound, which the rate limit sets, the first delivery of
	// all events may take. What comes back then has to settle.
	soakRatio = 1.5
)

// TestSoak sends a large number of events, with duplicates, through processes of the
// real function that share a ledger, to a SendGrid that fails and has a rate limit. In the
// end nothing is lost and nothing is there twice.
func TestSoak(t *testing.T) {
	w := newWorld(t)
	w.sendGrid.SetRateLimit(int(soakRate*soakWindow.Seconds()), soakWindow)
	flaky := &flakySendGrid{next: w.sendGrid}
	w.env["SENDGRID_BASE_URL"] = serve(t, flaky)
	w.env["LEDGER_TABLE"], w.env["AWS_ENDPOINT_URL_DYNAMODB"] = "soak", dynamotest.Start(t)

	s := &soak{t: t, world: w, start: time.Now()}
	queues := makeQueues()
	for subuser, q := range queues {
		s.work(subuser, q, true)
	}
	s.first, s.firstCreates = time.Since(s.start), w.sendGrid.Count(sendgrid.OpCreateIntegration)
	// What was given back, until nothing is left. It is little, and most of it has to wait.
	var rest sync.WaitGroup
	for subuser, q := range queues {
		rest.Go(func() { s.work(subuser, q, false) })
	}
	rest.Wait()
	s.progress(true)
	lost, duplicated := s.verify(queues)
	s.report(flaky, lost, duplicated)
	require.Zero(t, lost, "lost")
	require.Zero(t, duplicated, "duplicated")
	require.Less(t, s.first.Seconds(), soakRatio*s.bound().Seconds(), "the first delivery of all events")
}

// bound is the least time in which the rate limit permits the creates of new events.
func (s *soak) bound() time.Duration {
	return time.Duration(soakFresh*soakSubusers) * time.Second / soakRate
}

// flakySendGrid is a SendGrid of which one call in twenty goes wrong: before it is carried
// out or after, with an answer or without.
type flakySendGrid struct {
	next   http.Handler
	faults atomic.Int64

	mu      sync.Mutex
	creates map[string]int
}

// spares reports whether a call must not go wrong: a third create of the same integration,
// after which the function, rightly, asks for a person. In one soak of eight that would occur.
func (f *flakySendGrid) spares(r *http.Request) bool {
	if r.Method != http.MethodPost {
		return false
	}
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return true
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.creates == nil {
		f.creates = map[string]int{}
	}
	f.creates[string(body)]++
	return f.creates[string(body)] > 2
}

func (f *flakySendGrid) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if f.spares(r) || rand.Float64() >= soakFaulty {
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

// message is one event on its way, as a queue keeps it.
type message struct {
	id, entityID string
	visible      time.Time
	deliveries   int
	done         bool
}

// queue is what SQS does, for one subuser: it hands out what is visible and hides it, and
// shows again what was not done.
type queue struct {
	mu       sync.Mutex
	messages []*message
}

// receive returns up to a batch of messages, for how long to wait if there are none now,
// and whether there is anything left to do.
func (q *queue) receive(firstOnly bool) (batch []*message, wait time.Duration, more bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	now := time.Now()
	for _, m := range q.messages {
		if m.done || firstOnly && m.deliveries > 0 {
			continue
		}
		more = true
		if m.visible.After(now) {
			continue
		}
		if batch = append(batch, m); len(batch) == soakBatch {
			break
		}
	}
	for _, m := range batch {
		m.deliveries++
		m.visible = now.Add(time.Hour)
	}
	return batch, 200 * time.Millisecond, more
}

// settle marks what a batch came to: everything is done but what failed.
func (q *queue) settle(batch []*message, failed []string) {
	q.mu.Lock()
	defer q.mu.Unlock()
	for _, m := range batch {
		m.done = !slices.Contains(failed, m.id)
		m.visible = time.Now().Add(soakVisibility)
	}
}

// makeQueues makes the events: four in five are new, one repeats one of those.
func makeQueues() []*queue {
	queues := make([]*queue, soakSubusers)
	for i := range queues {
		q := &queue{}
		const fresh = soakFresh
		for k := range soakEvents / soakSubusers {
			entity := k
			if k >= fresh {
				entity = rand.IntN(fresh)
			}
			q.messages = append(q.messages, &message{id: fmt.Sprintf("m-%d-%d", i, k), entityID: fmt.Sprintf("urn:soak:%d:%d", i, entity)})
		}
		rand.Shuffle(len(q.messages), func(a, b int) { q.messages[a], q.messages[b] = q.messages[b], q.messages[a] })
		queues[i] = q
	}
	return queues
}

// soak keeps the score.
type soak struct {
	t     *testing.T
	world *world
	start time.Time
	// first is how long the first delivery of all events took, and firstCreates how many
	// creates it sent.
	first        time.Duration
	firstCreates int

	done, redelivered, held, adopted atomic.Int64
	shown                            atomic.Int64
}

// work has the processes work on a queue: on what was not delivered yet, or else until
// everything is done.
func (s *soak) work(subuser int, q *queue, firstOnly bool) {
	var workers sync.WaitGroup
	for range soakProcesses {
		w := s.world.clone()
		w.env["SENDGRID_ON_BEHALF_OF"] = fmt.Sprintf("subuser-%d", subuser)
		f := w.start(s.t)
		workers.Go(func() {
			defer s.end(f)
			for time.Since(s.start) < soakPatience {
				batch, wait, more := q.receive(firstOnly)
				switch {
				case !more:
					return
				case len(batch) == 0:
					time.Sleep(wait)
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
func (s *soak) deliver(f *function, batch []*message) (failed []string) {
	var event events.SQSEvent
	for _, m := range batch {
		event.Records = append(event.Records, events.SQSMessage{
			MessageId: m.id, EventSource: "aws:sqs", Body: string(request(m.entityID)),
		})
		if m.deliveries > 1 {
			s.redelivered.Add(1)
		}
	}
	payload, err := json.Marshal(event)
	require.NoError(s.t, err)
	var answer events.SQSEventResponse
	reply := f.invoke(payload, 28*time.Second)
	require.NoError(s.t, json.Unmarshal(reply.body, &answer), "%s", reply.body)
	for _, failure := range answer.BatchItemFailures {
		failed = append(failed, failure.ItemIdentifier)
	}
	s.done.Add(int64(len(batch) - len(failed)))
	return failed
}

// end ends a process and adds up what its log says.
func (s *soak) end(f *function) {
	_ = f.process.Process.Kill()
	for _, line := range requestLines(s.t, f) {
		if line["adopted"] == true {
			s.adopted.Add(1)
		}
		if line["code"] == "OutcomeUnknown" {
			s.held.Add(1)
		}
	}
}

func (s *soak) progress(last bool) {
	const width = 40
	done, now := s.done.Load(), time.Now().UnixMilli()
	if shown := s.shown.Load(); !last && (now-shown < 500 || !s.shown.CompareAndSwap(shown, now)) {
		return
	}
	filled := int(done) * width / soakEvents
	fmt.Fprintf(os.Stdout, "\r[%s%s] %d/%d events, %s ", strings.Repeat("#", filled), strings.Repeat(".", width-filled), done, soakEvents, time.Since(s.start).Round(time.Second))
	if last {
		fmt.Fprintln(os.Stdout)
	}
}

// verify counts the events that came to nothing and the integrations that are there twice.
func (s *soak) verify(queues []*queue) (lost, duplicated int) {
	there := map[string]int{}
	for _, i := range s.world.sendGrid.Integrations() {
		there[i.EntityID]++
	}
	for _, q := range queues {
		for _, m := range q.messages {
			if !m.done || there[m.entityID] == 0 {
				lost++
			}
		}
	}
	for _, count := range there {
		duplicated += count - 1
	}
	return lost, duplicated
}

// refused counts the calls that the rate limit refused.
func (s *soak) refused() (count int) {
	for _, r := range s.world.sendGrid.Requests() {
		if r.Status == http.StatusTooManyRequests {
			count++
		}
	}
	return count
}

func (s *soak) report(flaky *flakySendGrid, lost, duplicated int) {
	took := time.Since(s.start)
	table := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', 0)
	for _, row := range []struct {
		name  string
		value any
	}{
		{"events", soakEvents},
		{"integrations", len(s.world.sendGrid.Integrations())},
		{"lost", lost},
		{"duplicated", duplicated},
		{"faulty calls", flaky.faults.Load()},
		{"lists", s.world.sendGrid.Count(sendgrid.OpListIntegrations)},
		{"creates", s.world.sendGrid.Count(sendgrid.OpCreateIntegration)},
		{"redelivered", s.redelivered.Load()},
		{"held", s.held.Load()},
		{"adopted", s.adopted.Load()},
		{"refused", s.refused()},
		{"time", took.Round(time.Second)},
		{"first delivery", s.first.Round(time.Second)},
		{"bound by the rate limit", s.bound().Round(time.Second)},
		{"ratio", fmt.Sprintf("%.2f", s.first.Seconds()/s.bound().Seconds())},
		{"creates in it", s.firstCreates},
	} {
		fmt.Fprintf(table, "%s\t%v\n", row.name, row.value)
	}
	_ = table.Flush()
}
