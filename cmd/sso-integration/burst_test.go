//go:build burst

package main_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"testing"
	"text/tabwriter"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/stretchr/testify/require"

	"sendgrid-sso-integration/internal/lambdatest"
	"sendgrid-sso-integration/internal/ledger/dynamotest"
	"sendgrid-sso-integration/sendgrid"
	"sendgrid-sso-integration/sendgrid/sendgridtest"
)

// The measures of a burst, and what it may cost.
const (
	burstEvents     = 200
	burstBatch      = 10
	burstRate       = 20 // calls a second, of all kinds
	burstList       = 150 * time.Millisecond
	burstCreate     = 250 * time.Millisecond
	burstTimeout    = 28 * time.Second
	maxLimitedRatio = 1.35
	maxFreeRatio    = 1.15
	// maxBusyRatio is maxFreeRatio where more processes run than the machine has cores: then it
	// measures the machine, too.
	maxBusyRatio = 1.35
	maxLists     = 0.3 // calls an event
)

// burst is one measurement.
type burst struct {
	limited   bool
	processes int

	took                                time.Duration
	lists, creates, refused, redelivers int
}

// bound is the least time possible: with a limit one create an event, without one a list and
// a create for each batch, as many batches at once as there are processes.
func (b burst) bound() time.Duration {
	if b.limited {
		return burstEvents * time.Second / burstRate
	}
	return burstEvents / burstBatch * (burstList + burstCreate) / time.Duration(b.processes)
}

func (b burst) ratio() float64 { return b.took.Seconds() / b.bound().Seconds() }

// TestBurst sends new events in batches through processes of the real function that share a
// ledger, to a SendGrid that takes its time, with a rate limit and without one.
func TestBurst(t *testing.T) {
	// The refused calls an event, by the number of processes: each learns only from its own
	// responds to what the others have called. The template allows two for the queue.
	maxRefused := map[int]float64{1: 0.1, 2: 0.3, 4: 0.45}
	var all []burst
	for _, limited := range []bool{true, false} {
		for _, processes := range []int{1, 2, 4} {
			b := burst{limited: limited, processes: processes}
			t.Run(fmt.Sprintf("limited=%t/processes=%d", limited, processes), func(t *testing.T) { b.run(t) })
			all = append(all, b)
		}
	}
	table := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(table, "limit\tprocesses\ttime\tbound\tratio\tlists/event\tcreates/event\trefused/event\tretries\t")
	for _, b := range all {
		limit := "none"
		if b.limited {
			limit = strconv.Itoa(burstRate) + "/s"
		}
		perEvent := func(calls int) float64 { return float64(calls) / burstEvents }
		fmt.Fprintf(table, "%s\t%d\t%.2fs\t%.2fs\t%.2f\t%.2f\t%.2f\t%.2f\t%d\t\n", limit, b.processes,
			b.took.Seconds(), b.bound().Seconds(), b.ratio(), perEvent(b.lists), perEvent(b.creates), perEvent(b.refused), b.redelivers)
	}
	_ = table.Flush()
	for _, b := range all {
		most := maxFreeRatio
		switch {
		case b.limited:
			most = maxLimitedRatio
		case b.processes > runtime.NumCPU():
			most = maxBusyRatio
		}
		require.LessOrEqual(t, b.ratio(), most, "the time of %+v, in bounds", b)
		require.LessOrEqual(t, float64(b.refused)/burstEvents, maxRefused[b.processes], "refused calls of %+v", b)
		require.LessOrEqual(t, float64(b.lists)/burstEvents, maxLists, "lists of %+v", b)
	}
}

func (b *burst) run(t *testing.T) {
	t.Helper()
	w := newWorld(t)
	w.env["LEDGER_TABLE"], w.env["AWS_ENDPOINT_URL_DYNAMODB"] = "burst", dynamotest.Start(t)
	w.sendGrid.ShareRateLimit(true)
	if b.limited {
		w.sendGrid.SetRateLimit(burstRate, time.Second)
	}
	w.sendGrid.Script(
		sendgridtest.Fault{Op: sendgrid.OpListIntegrations, Delay: burstList, Times: -1},
		sendgridtest.Fault{Op: sendgrid.OpCreateIntegration, Delay: burstCreate, Times: -1},
	)
	var functions []*lambdatest.Function
	for range b.processes {
		functions = append(functions, w.start(t))
	}
	s := newBurst(burstEvents, func(i int) string { return string(requestFor("urn:burst:" + strconv.Itoa(i))) })
	b.took = s.run(t, functions)
	b.redelivers = s.redelivers
	b.lists, b.creates = w.sendGrid.Count(sendgrid.OpListIntegrations), w.sendGrid.Count(sendgrid.OpCreateIntegration)
	for _, r := range w.sendGrid.Requests() {
		if r.Status == http.StatusTooManyRequests {
			b.refused++
		}
	}
	require.Len(t, w.sendGrid.Integrations(), burstEvents)
}

// burstState is what is left of a burst of messages.
type burstState struct {
	total int
	body  func(i int) string
	// reached, if set, is called with how many messages are done, while no batch is running in this process.
	reached func(done int, f *lambdatest.Function)
	queue   chan int

	mu               sync.Mutex
	left, redelivers int
}

func newBurst(total int, body func(i int) string) *burstState {
	s := &burstState{total: total, body: body, left: total, queue: make(chan int, total)} // What fails comes back to it.
	for i := range total {
		s.queue <- i
	}
	return s
}

// run sends the messages through the functions, and returns how long that took.
func (s *burstState) run(t *testing.T, functions []*lambdatest.Function) time.Duration {
	t.Helper()
	start := time.Now()
	var workers sync.WaitGroup
	for _, f := range functions {
		workers.Go(func() { s.work(t, f) })
	}
	workers.Wait()
	fmt.Fprintln(os.Stdout)
	return time.Since(start)
}

// batch returns the next messages, none if everything is done.
func (s *burstState) batch() (batch []int) {
	for {
		select {
		case i := <-s.queue:
			if batch = append(batch, i); len(batch) == burstBatch {
				return batch
			}
		default:
			s.mu.Lock()
			left := s.left
			s.mu.Unlock()
			if len(batch) > 0 || left == 0 {
				return batch
			}
			time.Sleep(10 * time.Millisecond) // Another process may give something back.
		}
	}
}

func (s *burstState) work(t *testing.T, f *lambdatest.Function) {
	t.Helper()
	for {
		batch := s.batch()
		if len(batch) == 0 {
			return
		}
		var event events.SQSEvent
		for _, i := range batch {
			event.Records = append(event.Records, events.SQSMessage{
				MessageId: strconv.Itoa(i), EventSource: "aws:sqs", Body: s.body(i),
			})
		}
		payload, err := json.Marshal(event)
		require.NoError(t, err)
		var response events.SQSEventResponse
		reply := f.Invoke(payload, burstTimeout)
		require.NoError(t, json.Unmarshal(reply.Body, &response), "%s", reply.Body)
		done := s.settle(t, len(batch), response.BatchItemFailures)
		if s.reached != nil {
			s.reached(done, f)
		}
	}
}

// settle takes back what failed, and shows the progress. It returns how many messages are done.
func (s *burstState) settle(t *testing.T, sent int, failed []events.SQSBatchItemFailure) (done int) {
	t.Helper()
	s.mu.Lock()
	s.left -= sent - len(failed)
	s.redelivers += len(failed)
	done = s.total - s.left
	s.mu.Unlock()
	for _, failure := range failed {
		i, err := strconv.Atoi(failure.ItemIdentifier)
		require.NoError(t, err)
		s.queue <- i
	}
	const width = 40
	filled := done * width / s.total
	fmt.Fprintf(os.Stdout, "\r[%s%s] %d/%d events ", strings.Repeat("#", filled), strings.Repeat(".", width-filled), done, s.total)
	return done
}
