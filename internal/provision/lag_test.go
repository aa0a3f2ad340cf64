package provision_test

import (
	"context"
	"fmt"
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

// A duplicate that arrives a moment after the create, while neither the list nor the read by
// id shows the integration, creates nothing.
func TestEnsureBelievesNothingGoneWhileReadsLag(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.sendGrid.SetLag(4*time.Second, 4*time.Second)
		first := w.created(oktaRequest())
		w.pass(100 * time.Millisecond)
		e := w.fails(problem.OutcomeUnknown, oktaRequest())
		require.Equal(t, first.ID, e.IntegrationID)
		require.LessOrEqual(t, e.RetryAfter, provision.DefaultSettling)
		other := oktaRequest()
		other.Name = "Another"
		w.fails(problem.OutcomeUnknown, other)
		w.creates(1, 1)

		w.pass(4 * time.Second)
		require.Equal(t, first.ID, w.unchanged(oktaRequest()).ID)
		w.fails(problem.Conflict, other)
	})
}

// The answer to the create lacks the URLs, and the read by id does not show the integration.
func TestEnsureCreatesNothingTwiceThatItCannotReadBack(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.sendGrid.SetLag(30*time.Second, 30*time.Second)
		w.sendGrid.Script(sendgridtest.Fault{Op: sendgrid.OpCreateIntegration, Omit: []string{"audience_url", "single_signon_url"}})
		w.fails(problem.OutcomeUnknown, oktaRequest())
		w.fails(problem.OutcomeUnknown, oktaRequest())
		w.pass(30 * time.Second)
		w.unchanged(oktaRequest())
		w.creates(1, 1)
	})
}

// Reads that begin before the integration has settled, and end after, are not believed.
func TestEnsureJudgesReadsByTheirBeginning(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.sendGrid.SetLag(provision.DefaultSettling, provision.DefaultSettling)
		w.created(oktaRequest())
		w.pass(provision.DefaultSettling - time.Second)
		w.provisioner.SendGrid = slowReads{SendGrid: w.client, takes: 2 * time.Second}
		w.fails(problem.OutcomeUnknown, oktaRequest())
		w.creates(1, 1)
	})
}

// slowReads is a SendGrid whose answers take a while after it has read them.
type slowReads struct {
	provision.SendGrid
	takes time.Duration
}

func (s slowReads) GetIntegration(ctx context.Context, id string) (*sendgrid.Integration, error) {
	i, err := s.SendGrid.GetIntegration(ctx, id)
	time.Sleep(s.takes)
	return i, err
}

// Ten duplicates at once, with reads that lag, make one integration.
func TestEnsureCreatesOnceForManyWhileReadsLag(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.sendGrid.SetLag(4*time.Second, 4*time.Second)
		all := w.together(oktaRequest())
		require.Equal(t, 1, all.outcomes[protocol.OutcomeCreated])
		require.Equal(t, map[problem.Code]int{problem.OutcomeUnknown: copies - 1}, all.codes)
		w.creates(1, 1)
		w.pass(provision.DefaultSettling)
		require.Equal(t, copies, w.together(oktaRequest()).outcomes[protocol.OutcomeUnchanged])
	})
}

// A create is answered 504, SendGrid's reads fail for a quarter of an hour, and only then is
// the create carried out.
func TestEnsureSettlesOnceMoreAfterAnOutage(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.sendGrid.Script(
			sendgridtest.Fault{Op: sendgrid.OpCreateIntegration, Status: 504},
			sendgridtest.Fault{Op: sendgrid.OpListIntegrations, Skip: 1, Status: 503, Times: -1},
		)
		w.fails(problem.OutcomeUnknown, oktaRequest())
		for range 15 {
			w.pass(time.Minute)
			_, err := w.ensure(oktaRequest())
			require.Error(t, err)
		}
		w.sendGrid.ClearFaults()
		w.fails(problem.OutcomeUnknown, oktaRequest())
		w.pass(10 * time.Second)
		late := w.sendGrid.Add(asSent(oktaRequest()))
		w.pass(provision.DefaultSettling)
		require.Equal(t, late.ID, w.created(oktaRequest()).ID)
		w.creates(1, 1)
	})
}

// Every answer to a create is lost, and SendGrid changed the entity id, so that nothing is
// ever found: three integrations at most, and then a person has to check.
func TestEnsureGivesUpAfterThreeUnknownCreates(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.sendGrid.Script(sendgridtest.Fault{Op: sendgrid.OpCreateIntegration, Status: 502, Times: -1})
		for range 3 {
			w.fails(problem.OutcomeUnknown, oktaRequest())
			w.recheck()
		}
		for range 2 {
			e := w.fails(problem.OutcomeUnknown, oktaRequest())
			require.False(t, e.Retryable())
			require.Contains(t, e.Message, "three times")
		}
		w.creates(3, 0)

		// The person finds the integration, and corrects its entity id.
		w.sendGrid.Add(asSent(oktaRequest()))
		w.created(oktaRequest())
		w.unchanged(oktaRequest())
		w.creates(3, 1)
	})
}

// A process that dies after its create counts, too.
func TestEnsureCountsTheCreatesOfDeadProcesses(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.ledger.failAt(stepUnknown, errLedger)
		w.lose(false)
		w.fails(problem.OutcomeUnknown, oktaRequest())
		w.ledger.failAt("", nil)
		w.pass(lease)
		w.fails(problem.OutcomeUnknown, oktaRequest())
		entry, _ := w.ledger.state()
		require.Equal(t, 1, entry.UnknownCreates)
		require.True(t, entry.Rechecked)
	})
}

// The answer is lost, and SendGrid changed how a URL is written. It is the same integration.
func TestEnsureAdoptsWhatSendGridChanged(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		changed := asSent(oktaRequest())
		changed.SignoutURL += "/"
		w.sendGrid.Script(sendgridtest.Fault{Op: sendgrid.OpCreateIntegration, Status: 502})
		w.afterCreate(func() { w.sendGrid.Add(changed) })
		result := w.succeeds(protocol.OutcomeCreated, oktaRequest())
		require.True(t, result.Adopted)
		require.Equal(t, changed.SignoutURL, result.Integration.SignoutURL)
		require.Equal(t, result.Integration.ID, w.unchanged(oktaRequest()).ID)
		w.creates(1, 1)
	})
}

// A copy of the write that announces a create arrives after the create was recorded.
func TestEnsureIsNotUndoneByALateCopyOfAWrite(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		var writes []protocol.Entry
		w.ledger.stored = func(e protocol.Entry) { writes = append(writes, e) }
		first := w.created(oktaRequest())
		require.Len(t, writes, 3)
		for _, late := range writes {
			_, stored, err := w.ledger.Memory.Put(t.Context(), late)
			require.NoError(t, err)
			require.Equal(t, late.State == protocol.Completed, stored, "only the last write is what is stored")
		}
		w.sendGrid.SetLag(forever, forever)
		w.fails(problem.OutcomeUnknown, oktaRequest())
		w.creates(1, 1)
		require.Equal(t, first.ID, w.sendGrid.Integrations()[0].ID)
	})
}

// What a person deleted on purpose is not created again by the delivery that created it,
// however late it is repeated; a new request creates it again.
func TestEnsureKeepsWhatWasDeletedOnPurpose(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		deliver := func(ids ...string) (*provision.Result, error) {
			w.provisioner = w.another()
			return w.provisioner.Ensure(t.Context(), oktaRequest(), provision.Delivery{IDs: ids})
		}
		made, err := deliver("event-1", "message-1")
		require.NoError(t, err)
		w.pass(13 * 24 * time.Hour)
		w.sendGrid.Delete(made.Integration.ID)
		for _, id := range []string{"event-1", "message-1"} {
			_, err = deliver("message-2", id)
			e := requireCode(t, problem.Gone, err)
			require.False(t, e.Retryable())
			require.Equal(t, made.Integration.ID, e.IntegrationID)
		}
		w.creates(1, 0)

		again, err := deliver("event-2")
		require.NoError(t, err)
		require.Equal(t, protocol.OutcomeCreated, again.Outcome)
		_, err = deliver("event-1")
		require.NoError(t, err, "it is there again")
		w.creates(2, 1)
	})
}

// A half-configured integration, made by hand, is no obstacle.
func TestEnsureSkipsHalfConfiguredIntegrations(t *testing.T) {
	t.Parallel()
	for i, row := range []string{`{"id":"half"}`, `{"id":"half","entity_id":null}`, `{"id":"half","entity_id":"","name":"Half"}`} {
		t.Run(fmt.Sprint(i), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t)
				w.sendGrid.Script(sendgridtest.Fault{Op: sendgrid.OpListIntegrations, Status: 200, Body: "[" + row + "]"})
				w.created(oktaRequest())
				w.creates(1, 1)
			})
		})
	}
}

// afterCreate lets something happen when the first create has been answered.
func (w *world) afterCreate(happen func()) {
	w.client.OnCall = func(_ context.Context, call sendgrid.Call) {
		if call.Op == sendgrid.OpCreateIntegration {
			w.client.OnCall = nil
			happen()
		}
	}
}
