package provision_test

import (
	"context"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"sendgrid-sso-integration/internal/problem"
	"sendgrid-sso-integration/internal/protocol"
	"sendgrid-sso-integration/internal/provision"
	"sendgrid-sso-integration/sendgrid"
	"sendgrid-sso-integration/sendgrid/sendgridtest"
)

// atOnce makes requests for so many integrations at once, in one process.
func (w *world) atOnce(count int, each func(i int, result *provision.Result, err error)) {
	var all sync.WaitGroup
	for i := range count {
		all.Go(func() {
			ctx, cancel := context.WithTimeout(context.Background(), invocation)
			defer cancel()
			r := oktaRequest()
			r.EntityID = "urn:batch:" + strconv.Itoa(i)
			result, err := w.provisioner.Ensure(ctx, r, provision.Delivery{})
			each(i, result, err)
		})
	}
	all.Wait()
}

// slowLedger lets each write of an entry take a time of its own, up to 20 ms.
func (w *world) slowLedger() {
	var writes atomic.Int64
	w.ledger.meet = func(context.Context, string) error {
		time.Sleep(time.Duration(writes.Add(1)%20) * time.Millisecond)
		return nil
	}
}

func TestEnsureSharesTheListOfABatch(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		faults []sendgridtest.Fault
		lists  int
	}{
		"slow":                {faults: []sendgridtest.Fault{{Op: sendgrid.OpListIntegrations, Delay: 150 * time.Millisecond}}, lists: 1},
		"fails once":          {faults: []sendgridtest.Fault{{Op: sendgrid.OpListIntegrations, Status: 503}}, lists: 2},
		"limited once":        {faults: []sendgridtest.Fault{limited(sendgrid.OpListIntegrations, 2*time.Second)}, lists: 2},
		"limited, no reset":   {faults: []sendgridtest.Fault{limited(sendgrid.OpListIntegrations, 0)}, lists: 2},
		"connection is reset": {faults: []sendgridtest.Fault{{Op: sendgrid.OpListIntegrations, Drop: true}}, lists: 2},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t)
				w.slowLedger()
				w.sendGrid.Script(tt.faults...)
				w.atOnce(10, func(_ int, result *provision.Result, err error) {
					if err != nil || result.Outcome != protocol.OutcomeCreated {
						t.Errorf("%+v %v", result, err)
					}
				})
				w.calls(tt.lists, 10, 0)
			})
		})
	}
}

// An error that a repetition cannot change goes to everybody, for one call.
func TestEnsureSharesTheErrorOfAList(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.slowLedger()
		w.sendGrid.Script(sendgridtest.Fault{Op: sendgrid.OpListIntegrations, Status: 403})
		w.atOnce(10, func(_ int, _ *provision.Result, err error) { requireCode(t, problem.SendGridForbidden, err) })
		w.calls(1, 0, 0)
	})
}

// A single request waits for nobody, before its list nor after.
func TestEnsureDoesNotDelayASingleRequest(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		start := time.Now()
		w.created(oktaRequest())
		require.Zero(t, time.Since(start))
		w.calls(1, 1, 0)
	})
}

// A list that was sent before an attempt took its entry is older than the entry, and must not
// decide about it: here it lacks the integration that another process created meanwhile.
func TestEnsureNeverUsesAListOlderThanItsEntry(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.sendGrid.Script(sendgridtest.Fault{Op: sendgrid.OpListIntegrations, Commit: true, Delay: 500 * time.Millisecond})
		var both sync.WaitGroup
		both.Go(func() {
			other := oktaRequest()
			other.EntityID = "urn:other"
			w.created(other) // Its list is sent now, and the response comes in 500 ms.
		})
		time.Sleep(100 * time.Millisecond)
		w.sendGrid.Add(asSent(oktaRequest()))
		time.Sleep(100 * time.Millisecond)
		w.unchanged(oktaRequest())
		both.Wait()
		w.calls(2, 1, 0)
	})
}

// A list that hangs delays those who did not join it by a second.
func TestEnsureDoesNotWaitForAListThatHangs(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.sendGrid.Script(sendgridtest.Fault{Op: sendgrid.OpListIntegrations, Delay: time.Hour})
		var first sync.WaitGroup
		first.Go(func() {
			other := oktaRequest()
			other.EntityID = "urn:other"
			w.created(other)
		})
		time.Sleep(time.Millisecond)
		start := time.Now()
		w.created(oktaRequest())
		require.Equal(t, time.Second, time.Since(start))
		first.Wait()
	})
}

// The caller that began a list does not end it for the others when it goes.
func TestEnsureKeepsAListWhoseFirstCallerIsGone(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.sendGrid.Script(sendgridtest.Fault{Op: sendgrid.OpListIntegrations, Delay: 2 * time.Second})
		release := make(chan struct{})
		w.ledger.meet = func(context.Context, string) error { // Both take their entries at once.
			<-release
			return nil
		}
		ctx, cancel := context.WithTimeout(context.Background(), invocation)
		gone := make(chan error, 1)
		go func() {
			other := oktaRequest()
			other.EntityID = "urn:other"
			_, err := w.provisioner.Ensure(ctx, other, provision.Delivery{})
			gone <- err
		}()
		var second sync.WaitGroup
		second.Go(func() { w.created(oktaRequest()) })
		synctest.Wait()
		close(release)
		synctest.Wait()
		cancel()
		require.Error(t, <-gone)
		second.Wait()
		w.calls(1, 1, 0)
	})
}

// A list waits for attempts that are about to want it, and only for those.
func TestAListOfOneAttemptIsNotDelayed(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		start := time.Now()
		w.created(oktaRequest())
		require.Zero(t, time.Since(start))
	})
}
