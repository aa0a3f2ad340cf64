package provision_test

import (
	"context"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"sendgrid-sso-integration/internal/problem"
	"sendgrid-sso-integration/internal/protocol"
	"sendgrid-sso-integration/internal/provision"
	"sendgrid-sso-integration/internal/request"
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

// A request that can only wait gives up after its maximum wait. One that waits for a response to
// its own calls has all its time.
func TestEnsureWaitsForOthersAsLongAsItsMaxWait(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		prepare func(w *world)
		code    problem.Code // empty for a success
	}{
		"another attempt has the entry": {
			func(w *world) {
				w.dies(&fakeSendGrid{list: func(context.Context) ([]sendgrid.Integration, error) { panic(death) }})
			}, problem.InProgress,
		},
		"a create settles": {
			func(w *world) {
				w.lose(false)
				w.fails(problem.OutcomeUnknown, oktaRequest())
				w.pass(provision.DefaultSettling - 10*time.Second)
			}, problem.OutcomeUnknown,
		},
		"the rate limit of the list resets later": {
			func(w *world) { w.sendGrid.Script(limited(sendgrid.OpListIntegrations, 10*time.Second)) }, problem.RateLimited,
		},
		"the rate limit of the create resets later": {
			func(w *world) { w.sendGrid.Script(limited(sendgrid.OpCreateIntegration, 10*time.Second)) }, problem.RateLimited,
		},
		"the rate limit resets soon": {
			func(w *world) { w.sendGrid.Script(limited(sendgrid.OpListIntegrations, 2*time.Second)) }, "",
		},
		"SendGrid is slow": {
			func(w *world) { w.sendGrid.Script(sendgridtest.Fault{Delay: 7 * time.Second, Times: -1}) }, "",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t)
				tt.prepare(w)
				ctx, cancel := context.WithTimeout(context.Background(), invocation)
				defer cancel()
				start := time.Now()
				_, err := w.provisioner.Ensure(ctx, oktaRequest(), provision.Delivery{MaxWait: 5 * time.Second})
				if tt.code == "" {
					require.NoError(t, err)
					return
				}
				requireCode(t, tt.code, err)
				require.LessOrEqual(t, time.Since(start), 5*time.Second)
			})
		})
	}
}

// A request that may not update, sent five times a second, keeps no update waiting, whether the
// integration was created by this function or by hand.
func TestEnsureIsNotKeptWaitingByRequestsThatOnlyRead(t *testing.T) {
	t.Parallel()
	for name, make := range map[string]func(*world){
		"created by a request": func(w *world) { w.created(oktaRequest()) },
		"created by hand":      func(w *world) { w.sendGrid.Add(asSent(oktaRequest())) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t)
				make(w)
				w.pass(time.Hour)
				w.sendGrid.Script(sendgridtest.Fault{Op: sendgrid.OpListIntegrations, Times: -1, Delay: time.Second})
				plain := oktaRequest()
				plain.Name = "Another"
				w.ensure(plain) // The first one may find out that the integration exists.

				var stopped atomic.Bool
				var callers sync.WaitGroup
				callers.Go(func() {
					for !stopped.Load() {
						callers.Go(func() { _, _ = w.another().Ensure(t.Context(), plain, provision.Delivery{}) })
						w.pass(200 * time.Millisecond)
					}
				})
				for n := range 20 {
					w.pass(700 * time.Millisecond)
					update := updating(func(r *request.Resolved) { r.Enabled = n%2 == 0 })
					result, err := w.ensureWithin(10*time.Second, update)
					require.NoError(t, err, "update %d", n)
					require.Contains(t, []protocol.Outcome{protocol.OutcomeUpdated, protocol.OutcomeUnchanged}, result.Outcome)
					require.Equal(t, update.Enabled, w.sendGrid.Integrations()[0].Enabled)
				}
				stopped.Store(true)
				callers.Wait()
			})
		})
	}
}

// lose lets the response to the next create get lost.
func (w *world) lose(committed bool) {
	w.sendGrid.Script(sendgridtest.Fault{Op: sendgrid.OpCreateIntegration, Status: 502, Commit: committed})
}

// A list that lags behind is looked at more than once.
func TestEnsureLooksUntilTheListShowsIt(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.sendGrid.Script(sendgridtest.Fault{Op: sendgrid.OpListIntegrations, Skip: 1, Times: 4, Status: 200, Body: "[]"})
		w.lose(true)
		require.True(t, w.succeeds(protocol.OutcomeCreated, oktaRequest()).Adopted)
		w.calls(6, 1, 0)
	})
}

func TestEnsureLooksAgainWhenLookingFails(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name  string
		fault sendgridtest.Fault
	}{
		{name: "refused", fault: sendgridtest.Fault{Status: 500}},
		{name: "dropped", fault: sendgridtest.Fault{Drop: true}},
		{name: "hanging", fault: sendgridtest.Fault{Delay: forever}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t)
				tt.fault.Op, tt.fault.Skip = sendgrid.OpListIntegrations, 1
				w.sendGrid.Script(tt.fault)
				w.lose(true)
				require.True(t, w.succeeds(protocol.OutcomeCreated, oktaRequest()).Adopted)
				w.calls(3, 1, 0)
			})
		})
	}
}

// Whoever comes while a create settles may see its outcome before anyone may act.
func TestEnsurePeeksWhileACreateSettles(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.sendGrid.SetStale(30 * time.Second)
		w.lose(true)
		w.fails(problem.OutcomeUnknown, oktaRequest())
		start := time.Now()
		w.fails(problem.OutcomeUnknown, oktaRequest())

		w.pass(30 * time.Second)
		id := w.sendGrid.Integrations()[0].ID
		require.Equal(t, id, w.unchanged(oktaRequest()).ID)
		require.Less(t, time.Since(start), provision.DefaultSettling)

		// Nor does anyone else have a reason to act afterwards.
		w.pass(provision.DefaultSettling)
		require.Equal(t, id, w.created(oktaRequest()).ID)
		w.unchanged(oktaRequest())
		w.creates(1, 1)
		entry, _ := w.ledger.state()
		require.Equal(t, protocol.Completed, entry.State)
	})
}

// Something else with the same entity id is no sign that the create succeeded.
func TestEnsurePeeksForTheVeryIntegration(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.lose(false)
		w.fails(problem.OutcomeUnknown, oktaRequest())
		other := asSent(oktaRequest())
		other.Name = "Another"
		w.sendGrid.Add(other)
		w.fails(problem.OutcomeUnknown, oktaRequest())

		w.pass(provision.DefaultSettling)
		require.Equal(t, "Another", w.created(oktaRequest()).Name, "SendGrid may have changed how a value is written")
		w.creates(1, 1)
	})
}

func TestEnsurePeeksInVainWhileSendGridIsDown(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.lose(false)
		w.fails(problem.OutcomeUnknown, oktaRequest())
		w.sendGrid.Script(sendgridtest.Fault{Op: sendgrid.OpListIntegrations, Status: 500, Times: -1})
		e := w.fails(problem.OutcomeUnknown, oktaRequest())
		require.Error(t, e.Err)
		require.Positive(t, e.RetryAfter)
	})
}

// What has no id cannot be remembered, nor be of use to the caller.
func TestEnsureAdoptsNothingWithoutAnID(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.sendGrid.Script(sendgridtest.Fault{Op: sendgrid.OpListIntegrations, Skip: 1, Times: -1, Omit: []string{"id"}})
		w.lose(true)
		w.fails(problem.OutcomeUnknown, oktaRequest())
		w.sendGrid.ClearFaults()
		w.unchanged(oktaRequest())
		w.creates(1, 1)
	})
}

func TestEnsureAsksForNoLessThanASecond(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.lose(false)
		w.fails(problem.OutcomeUnknown, oktaRequest())
		w.pass(provision.DefaultSettling - 500*time.Millisecond)
		_, err := w.ensureWithin(800*time.Millisecond, oktaRequest())
		require.Equal(t, time.Second, requireCode(t, problem.OutcomeUnknown, err).RetryAfter)
	})
}

// However often and whoever asks, nothing is created twice.
func TestEnsureCreatesNothingBeforeACreateHasSettled(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.lose(false)
		w.fails(problem.OutcomeUnknown, oktaRequest())
		end := time.Now().Add(2 * provision.DefaultSettling)
		for time.Now().Before(end.Add(-5 * time.Second)) {
			w.provisioner = w.another()
			_, err := w.ensureWithin(4*time.Second, oktaRequest())
			requireCode(t, problem.OutcomeUnknown, err)
			w.creates(1, 0)
			w.pass(time.Second)
		}
		w.created(oktaRequest())
		require.False(t, time.Now().Before(end))
		w.unchanged(oktaRequest())
		w.creates(2, 1)
	})
}

// A create that takes effect long after its connection broke is found, not repeated.
func TestEnsureFindsACreateThatTakesEffectLate(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.lose(false)
		w.fails(problem.OutcomeUnknown, oktaRequest())
		w.pass(provision.DefaultSettling - time.Second)
		late := w.sendGrid.Add(asSent(oktaRequest()))
		w.pass(time.Second)
		require.Equal(t, late.ID, w.created(oktaRequest()).ID)
		w.creates(1, 1)
	})
}

func TestEnsureSettlesForAsLongAsItIsTold(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.provisioner.Settling = 10 * time.Minute
		w.lose(false)
		require.Equal(t, 10*time.Minute, w.fails(problem.OutcomeUnknown, oktaRequest()).RetryAfter)
		w.pass(9 * time.Minute)
		require.LessOrEqual(t, w.fails(problem.OutcomeUnknown, oktaRequest()).RetryAfter, time.Minute)
		w.pass(time.Minute)
		require.Equal(t, 10*time.Minute, w.fails(problem.OutcomeUnknown, oktaRequest()).RetryAfter)
		w.pass(10 * time.Minute)
		w.created(oktaRequest())
		w.creates(2, 1)
	})
}

// The new integration of a request whose first one was deleted counts as its own too.
func TestEnsureFindsAnAmbiguousReplacement(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.createdAndDeleted()
		w.pass(30 * time.Second)
		w.sendGrid.SetStale(30 * time.Second)
		w.lose(true)
		w.fails(problem.OutcomeUnknown, oktaRequest())
		w.pass(provision.DefaultSettling)
		replacement := w.created(oktaRequest())
		w.creates(2, 1)

		w.sendGrid.SetStale(0)
		w.edit(replacement.ID)
		require.Equal(t, edited, w.unchanged(oktaRequest()).Name)
	})
}
