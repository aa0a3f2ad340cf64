package provision_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"sendgrid-sso-integration/internal/problem"
	"sendgrid-sso-integration/internal/provision"

	"github.com/stretchr/testify/require"

	"sendgrid-sso-integration/sendgrid"
	"sendgrid-sso-integration/sendgrid/sendgridtest"
)

// begin has another process make a request, and returns once its create is under way,
// which takes so long. Its outcome comes through the channel.
func (w *world) begin(createTakes time.Duration) <-chan error {
	w.t.Helper()
	w.sendGrid.Script(sendgridtest.Fault{Op: sendgrid.OpCreateIntegration, Delay: createTakes, Commit: true})
	done := make(chan error, 1)
	other := w.another()
	go func() {
		ctx, cancel := context.WithTimeout(context.Background(), invocation)
		defer cancel()
		_, err := other.Ensure(ctx, oktaRequest(), provision.Delivery{})
		done <- err
	}()
	synctest.Wait()
	require.Equal(w.t, 1, w.sendGrid.Count(sendgrid.OpCreateIntegration))
	return done
}

func TestEnsureWaitsForWhoeverCreates(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		done := w.begin(5 * time.Second)
		start := time.Now()
		w.unchanged(oktaRequest())
		require.NoError(t, <-done)
		require.GreaterOrEqual(t, time.Since(start), 5*time.Second)
		require.Less(t, time.Since(start), 7*time.Second, "it is noticed soon")
		w.calls(2, 1, 0)
	})
}

// Someone else may be creating something different for the same entity id.
func TestEnsureJudgesWhatSomeoneElseCreated(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		done := w.begin(5 * time.Second)
		other := oktaRequest()
		other.Enabled = false
		w.fails(problem.Conflict, other)
		require.NoError(t, <-done)
		w.creates(1, 1)
	})
}

func TestEnsureReportsThatSomeoneElseIsAtIt(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		done := w.begin(15 * time.Second)
		_, err := w.ensureWithin(10*time.Second, oktaRequest())
		e := requireCode(t, problem.InProgress, err)
		require.True(t, e.Retryable())
		require.Positive(t, e.RetryAfter)
		w.calls(1, 1, 0)

		require.NoError(t, <-done)
		w.unchanged(oktaRequest())
		w.creates(1, 1)
	})
}

// Whoever waits takes over at once when the holder created nothing.
func TestEnsureTakesOverFromAHolderThatFailed(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.sendGrid.Script(sendgridtest.Fault{Op: sendgrid.OpCreateIntegration, Status: 403, Delay: 5 * time.Second})
		done := w.begin(0)
		w.created(oktaRequest())
		requireCode(t, problem.SendGridForbidden, <-done)
		w.creates(2, 1)
	})
}

// What a holder could not settle is for whoever waits to peek at.
func TestEnsurePeeksAfterAHolderThatDoesNotKnow(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.sendGrid.Script(sendgridtest.Fault{Op: sendgrid.OpCreateIntegration, Drop: true, Delay: 3 * time.Second})
		done := w.begin(0)
		w.fails(problem.OutcomeUnknown, oktaRequest())
		requireCode(t, problem.OutcomeUnknown, <-done)
		w.creates(1, 0)
	})
}

// An attempt that was held up until someone else took its entry sends nothing.
func TestEnsureCreatesNothingOnceItHasLostTheEntry(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.ledger.failAt(stepCreating, errLost)
		e := w.fails(problem.InProgress, oktaRequest())
		require.Error(t, e.Err)
		w.calls(1, 0, 0)
	})
}

// The owner token is what tells: the entry of another is neither written nor forgotten.
func TestEnsureLeavesTheEntryOfAnotherAlone(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.client.OnCall = func(ctx context.Context, call sendgrid.Call) {
			if call.Op != sendgrid.OpListIntegrations {
				return
			}
			stolen, _ := w.ledger.state()
			stolen.Owner = "someone else"
			stolen.Revision++
			_, stored, err := w.ledger.Put(ctx, stolen)
			require.NoError(t, err)
			require.True(t, stored)
		}
		w.fails(problem.InProgress, oktaRequest())
		w.calls(1, 0, 0)
		entry, steps := w.ledger.state()
		require.Equal(t, "someone else", entry.Owner)
		require.Equal(t, []string{stepTake, stepTake}, steps)
	})
}
