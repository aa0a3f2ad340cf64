package provision_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"sendgrid-sso-integration/internal/problem"

	"github.com/stretchr/testify/require"

	"sendgrid-sso-integration/internal/ledger"
	"sendgrid-sso-integration/internal/provision"
	"sendgrid-sso-integration/sendgrid"
	"sendgrid-sso-integration/sendgrid/sendgridtest"
)

// The fault matrix: every fault, at every moment of each write to SendGrid, once or until it
// is mended, met by every way in which requests arrive, with reads that are fresh or lag.
//
// It is modelled on the retry conformance tests of Google Cloud Storage's clients.
func TestFaultMatrix(t *testing.T) {
	t.Parallel()
	cases := 0
	for _, s := range scenarios() {
		for _, f := range faults(s) {
			t.Run(s.name+"/"+f.name, func(t *testing.T) {
				t.Parallel()
				for _, at := range []moment{beforeWrite, duringWrite, afterWrite} {
					for _, once := range []bool{true, false} {
						for _, arrival := range arrivals(s) {
							for _, lag := range lags(s) {
								name := fmt.Sprintf("%s/once=%t/%s/%s", at, once, arrival.name, lag.name)
								t.Run(name, func(t *testing.T) {
									synctest.Test(t, func(t *testing.T) { meet(t, s, f, at, once, arrival, lag) })
								})
							}
						}
					}
				}
			})
			cases += 3 * 2 * len(arrivals(s)) * len(lags(s))
		}
	}
	require.GreaterOrEqual(t, cases, 10_000)
}

// lag is how far reads lag behind writes. Settling is longer, by assumption.
type lag struct {
	name       string
	list, byID time.Duration
}

func lags(s scenario) []lag {
	lags := []lag{
		{name: "no lag"},
		{name: "all reads lag", list: 40 * time.Second, byID: 40 * time.Second},
	}
	if s.write == sendgrid.OpCreateIntegration {
		lags = append(lags, lag{name: "lists lag", list: 40 * time.Second})
	}
	return lags
}

// meet lets one way of arriving meet one fault, mends the fault, and redelivers.
func meet(t *testing.T, s scenario, f fault, at moment, once bool, arrival arrival, lag lag) {
	t.Helper()
	w := newMatrixWorld(t, s)
	w.sendGrid.SetLag(lag.list, lag.byID)
	s.prepare(w)
	f.strike(w, at, once)
	arrival.run(w)
	w.check(f)

	w.mend()
	time.Sleep(provision.DefaultSettling + invocation)
	w.check(f)

	redelivered := w.deliver(w.process())
	for range 2 * (1 + s.certificates) { // A create that shows nothing gets one more settling period.
		if redelivered.err == nil {
			break
		}
		requireCode(t, problem.OutcomeUnknown, redelivered.err)
		time.Sleep(provision.DefaultSettling)
		redelivered = w.deliver(w.process())
	}
	require.NoError(t, redelivered.err, "after the fault is mended and the outcome has settled, a redelivery succeeds")
	all := w.sendGrid.Integrations()
	require.Len(t, all, 1)
	require.Equal(t, request().Name, all[0].Name)
	require.True(t, all[0].Enabled)
	require.Len(t, requireCertificates(t, w.world, s.certificates), s.certificates)

	time.Sleep(provision.DefaultSettling) // Reads may not show yet what the redelivery created.
	again := w.deliver(w.process())
	require.NoError(t, again.err)
	require.Equal(t, provision.OutcomeUnchanged, again.result.Outcome)
	require.Equal(t, redelivered.result.Integration.ID, again.result.Integration.ID)
	require.Len(t, again.result.Certificates, s.certificates)
	w.check(f)
}

// matrixWorld is a world in which several processes share a ledger that can fail.
type matrixWorld struct {
	*world
	scenario     scenario
	faultyLedger *faultyLedger

	mu      sync.Mutex
	after   map[sendgrid.Op]func()
	answers []delivery
}

// delivery is what one request came to.
type delivery struct {
	result *provision.Result
	err    error
}

func newMatrixWorld(t *testing.T, s scenario) *matrixWorld {
	t.Helper()
	w := &matrixWorld{
		world:    &world{t: t, sendGrid: sendgridtest.New(), keys: fixedKey(testKey)},
		scenario: s, after: map[sendgrid.Op]func(){}, faultyLedger: &faultyLedger{},
	}
	w.network = sendgridtest.NewNetwork(w.sendGrid)
	t.Cleanup(w.network.Close)
	return w
}

// process returns a provisioner as a process of its own has it.
func (w *matrixWorld) process() *provision.Provisioner {
	client := &sendgrid.Client{Keys: w.keys, HTTP: w.network.HTTPClient(), OnCall: w.called}
	return &provision.Provisioner{SendGrid: client, Ledger: w.faultyLedger, Account: []string{sendgrid.GlobalBaseURL, ""}}
}

// called runs, once, what is to happen after the first call of an operation.
func (w *matrixWorld) called(_ context.Context, call sendgrid.Call) {
	w.mu.Lock()
	hook := w.after[call.Op]
	delete(w.after, call.Op)
	w.mu.Unlock()
	if hook != nil {
		hook()
	}
}

func (w *matrixWorld) afterCall(op sendgrid.Op, hook func()) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.after[op] = hook
}

// commitLate lets SendGrid carry out the write so long after now.
func (w *matrixWorld) commitLate(after time.Duration) {
	time.AfterFunc(after, func() { w.scenario.commitByItself(w) })
}

// deliver delivers the request to a process, which has to answer in time.
func (w *matrixWorld) deliver(p *provision.Provisioner) delivery {
	ctx, cancel := context.WithTimeout(context.Background(), invocation)
	defer cancel()
	var d delivery
	d.result, d.err = p.Ensure(ctx, w.scenario.request(), provision.Delivery{})
	deadline, _ := ctx.Deadline()
	if time.Until(deadline) < 500*time.Millisecond {
		d.err = errors.Join(d.err, errors.New("the answer came too late"))
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.answers = append(w.answers, d)
	return d
}

// mend ends all faults.
func (w *matrixWorld) mend() {
	w.sendGrid.ClearFaults()
	w.network.Close()
	w.network = sendgridtest.NewNetwork(w.sendGrid)
	w.t.Cleanup(w.network.Close)
	w.faultyLedger.mend()
	w.mu.Lock()
	defer w.mu.Unlock()
	clear(w.after)
}

// check checks what holds at all times: there is one integration at most, and every
// request was answered with it, with a refusal that only a person can change, or with an
// error that says to come back.
func (w *matrixWorld) check(f fault) {
	w.t.Helper()
	held := w.sendGrid.Integrations()
	require.LessOrEqual(w.t, len(held), 1, "integrations with this entity id")
	requireCertificates(w.t, w.world, w.scenario.certificates)
	created := 0
	for _, a := range w.answers {
		if a.err == nil {
			require.Len(w.t, held, 1)
			require.Equal(w.t, held[0].ID, a.result.Integration.ID)
			if a.result.Outcome != provision.OutcomeUnchanged {
				require.Equal(w.t, w.scenario.outcome, a.result.Outcome)
				created++
			}
			continue
		}
		var e *problem.Error
		require.ErrorAs(w.t, a.err, &e)
		require.NotEqual(w.t, problem.Internal, e.Code, "%v", e)
		require.True(w.t, e.Retryable() || f.final, "never silently dropped: %v", e)
	}
}

// arrival is a way in which requests arrive while the fault lasts.
type arrival struct {
	name string
	run  func(w *matrixWorld)
}

func arrivals(s scenario) []arrival {
	return []arrival{
		{"single", func(w *matrixWorld) { w.deliver(w.process()) }},
		{"duplicate", func(w *matrixWorld) {
			p := w.process()
			w.deliver(p)
			w.deliver(p)
		}},
		{"concurrent in two processes", func(w *matrixWorld) {
			var all sync.WaitGroup
			for range 2 {
				p := w.process()
				for range 2 {
					all.Go(func() { w.deliver(p) })
				}
			}
			all.Wait()
		}},
		{"redelivered after a crash at the list", crashingAt(sendgrid.OpListIntegrations)},
		{"redelivered after a crash at the write", crashingAt(s.write)},
		{"redelivered after a crash before the write", crashingAfter(s.announced)},
		{"redelivered after a crash at the end", crashingAfter(stepCompleted)},
	}
}

// crashingAt delivers a request to a process that ends right after its first call of an
// operation, and then to another process.
func crashingAt(op sendgrid.Op) func(w *matrixWorld) {
	return func(w *matrixWorld) {
		dying := w.process()
		client := dying.SendGrid.(*sendgrid.Client)
		told := client.OnCall
		client.OnCall = func(ctx context.Context, call sendgrid.Call) {
			told(ctx, call)
			if call.Op == op {
				crash()
			}
		}
		var process sync.WaitGroup
		process.Go(func() { w.deliver(dying) })
		process.Wait()
		w.deliver(w.process())
	}
}

// crashingAfter delivers a request to a process that ends right after it wrote a step to the
// ledger, and then to another process.
func crashingAfter(step string) func(w *matrixWorld) {
	return func(w *matrixWorld) {
		dying := w.process()
		dying.Ledger = &crashingLedger{faultyLedger: w.faultyLedger, step: step}
		var process sync.WaitGroup
		process.Go(func() { w.deliver(dying) })
		process.Wait()
		w.deliver(w.process())
	}
}

// crashingLedger ends its process after a step.
type crashingLedger struct {
	*faultyLedger
	step string
}

func (l *crashingLedger) Put(ctx context.Context, e provision.Entry) (provision.Entry, bool, error) {
	before, _ := l.Get(ctx, e.Key)
	current, stored, err := l.faultyLedger.Put(ctx, e)
	if stepOf(before, e) == l.step {
		crash()
	}
	return current, stored, err
}

// ledgerFailure is how a write to the ledger fails.
type ledgerFailure string

const (
	notWritten  ledgerFailure = "not written"
	written     ledgerFailure = "written all the same"
	writtenLate ledgerFailure = "written late"
	copiedLate  ledgerFailure = "answered, and a copy arrives late"
)

// late is when a late write arrives.
const late = 5 * time.Second

// faultyLedger is a ledger in memory whose writes of a step fail.
type faultyLedger struct {
	ledger.Memory

	mu      sync.Mutex
	step    string
	failure ledgerFailure
	times   int
}

func (l *faultyLedger) fail(step string, failure ledgerFailure, times int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.step, l.failure, l.times = step, failure, times
}

func (l *faultyLedger) mend() { l.fail("", "", 0) }

// strikes returns how a write of the step fails, empty if it does not.
func (l *faultyLedger) strikes(step string) ledgerFailure {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.step != step || l.times == 0 {
		return ""
	}
	l.times--
	return l.failure
}

func (l *faultyLedger) Put(ctx context.Context, e provision.Entry) (provision.Entry, bool, error) {
	if ctx.Err() != nil {
		return provision.Entry{}, false, ctx.Err()
	}
	before, _ := l.Get(ctx, e.Key)
	failed := errors.New(http.StatusText(http.StatusServiceUnavailable))
	write := func() { _, _, _ = l.Memory.Put(context.WithoutCancel(ctx), e) }
	switch l.strikes(stepOf(before, e)) {
	case notWritten:
		return provision.Entry{}, false, failed
	case written:
		write()
		return provision.Entry{}, false, failed
	case writtenLate:
		time.AfterFunc(late, write)
		return provision.Entry{}, false, failed
	case copiedLate:
		time.AfterFunc(late, write)
	}
	return l.Memory.Put(ctx, e)
}
