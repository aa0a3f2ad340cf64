package provision_test

import (
	"testing"
	"testing/synctest"
	"time"

	"sendgrid-sso-integration/internal/problem"
	"sendgrid-sso-integration/internal/protocol"

	"github.com/stretchr/testify/require"

	"sendgrid-sso-integration/internal/provision"
	"sendgrid-sso-integration/sendgrid"
	"sendgrid-sso-integration/sendgrid/sendgridtest"
)

// lose lets the answer to the next create get lost.
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

// Whoever comes while a create settles may see what came of it before anyone may act.
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
