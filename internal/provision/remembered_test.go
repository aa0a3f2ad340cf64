package provision_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"sendgrid-sso-integration/internal/problem"
	"sendgrid-sso-integration/internal/protocol"
	"sendgrid-sso-integration/internal/request"

	"github.com/stretchr/testify/require"

	"sendgrid-sso-integration/internal/provision"
	"sendgrid-sso-integration/sendgrid"
	"sendgrid-sso-integration/sendgrid/sendgridtest"
)

const edited = "Okta (edited in SendGrid's UI)"

func (w *world) edit(id string) {
	w.t.Helper()
	require.True(w.t, w.sendGrid.Edit(id, func(i *sendgrid.Integration) { i.Name = edited }))
}

// What a request brought about is theirs to edit: the request, delivered again, is no
// conflict, and does not undo it.
func TestEnsureKeepsWhatWasEditedSince(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		first := w.created(oktaRequest())
		w.edit(first.ID)
		got := w.unchanged(oktaRequest())
		require.Equal(t, first.ID, got.ID)
		require.Equal(t, edited, got.Name, "the answer is what stands")
		w.calls(2, 1, 0)
	})
}

func TestEnsureKeepsWhatWasFoundAndEditedSince(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		there := w.sendGrid.Add(asSent(oktaRequest()))
		w.unchanged(oktaRequest())
		w.edit(there.ID)
		require.Equal(t, edited, w.unchanged(oktaRequest()).Name)
		w.calls(2, 0, 0)
	})
}

func TestEnsureKnowsAnotherRequestFromTheOneRemembered(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		first := w.created(oktaRequest())
		other := oktaRequest()
		other.Name = "Another"
		e := w.fails(problem.Conflict, other)
		require.Contains(t, e.Message, first.ID)
		w.creates(1, 1)

		w.edit(first.ID)
		require.Equal(t, edited, w.unchanged(oktaRequest()).Name, "the conflict changed nothing of what is remembered")
	})
}

func TestEnsureReadsByIDWhatTheListLacks(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		first := w.created(oktaRequest())
		w.sendGrid.SetStale(forever)
		require.Equal(t, first.ID, w.unchanged(oktaRequest()).ID)
		w.calls(2, 1, 1)

		other := oktaRequest()
		other.Name = "Another"
		w.fails(problem.Conflict, other)
		w.calls(3, 1, 2)
	})
}

func TestEnsureCreatesAnewWhatWasDeleted(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		first := w.created(oktaRequest())
		w.pass(provision.DefaultSettling)
		require.True(t, w.sendGrid.Delete(first.ID))
		second := w.created(oktaRequest())
		require.NotEqual(t, first.ID, second.ID)
		w.creates(2, 1)
		entry, _ := w.ledger.state()
		require.Equal(t, second.ID, entry.IntegrationID)

		w.edit(second.ID)
		require.Equal(t, edited, w.unchanged(oktaRequest()).Name, "the second is remembered")
	})
}

func TestEnsureJudgesWhatReplacedTheDeleted(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.createdAndDeleted()
		replacement := w.sendGrid.Add(asSent(oktaRequest()))
		require.Equal(t, replacement.ID, w.unchanged(oktaRequest()).ID)

		w.sendGrid.Edit(replacement.ID, func(i *sendgrid.Integration) { i.EntityID += "2" })
		differs := asSent(oktaRequest())
		differs.Name = "Another"
		replacement = w.sendGrid.Add(differs)
		require.Contains(t, w.fails(problem.Conflict, oktaRequest()).Message, replacement.ID)
		w.creates(1, 2)
	})
}

// That an integration was deleted has to be certain.
func TestEnsureCreatesNothingWhileItCannotReadWhatItRemembers(t *testing.T) {
	t.Parallel()
	for status, code := range map[int]problem.Code{
		403: problem.SendGridForbidden,
		500: problem.SendGridUnavailable,
	} {
		t.Run(string(code), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t)
				w.created(oktaRequest())
				w.sendGrid.SetStale(forever)
				w.sendGrid.Script(sendgridtest.Fault{Op: sendgrid.OpGetIntegration, Status: status, Times: -1})
				w.fails(code, oktaRequest())
				other := oktaRequest()
				other.Name = "Another"
				w.fails(code, other)
				w.creates(1, 1)

				w.sendGrid.ClearFaults()
				w.unchanged(oktaRequest())
			})
		})
	}
}

func TestEnsureForgetsAfterTheLongestRedelivery(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		first := w.created(oktaRequest())
		w.edit(first.ID)
		w.pass(14 * 24 * time.Hour)
		w.unchanged(oktaRequest())
		w.pass(2 * 24 * time.Hour)
		w.fails(problem.Conflict, oktaRequest())
		w.creates(1, 1)
	})
}

// Two deliveries of a request whose integration was deleted: while the one looks, the
// other creates, and nobody can tell what came of it. The one must not create as well.
func TestEnsureWaitsForAnotherThatReplacesTheDeleted(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.createdAndDeleted()
		w.sendGrid.Script(sendgridtest.Fault{Op: sendgrid.OpCreateIntegration, Status: 502, Times: -1})

		slow := w.another()
		slow.SendGrid = &fakeSendGrid{
			list: func(ctx context.Context) ([]sendgrid.Integration, error) {
				list, err := w.client.ListIntegrations(ctx)
				w.pass(2 * time.Second)
				return list, err
			},
			get:    w.client.GetIntegration,
			create: w.client.CreateIntegration,
		}
		done := make(chan error)
		go func() {
			ctx, cancel := context.WithTimeout(context.Background(), invocation)
			defer cancel()
			_, err := slow.Ensure(ctx, oktaRequest(), provision.Delivery{})
			done <- err
		}()
		w.pass(time.Second)
		w.fails(problem.OutcomeUnknown, oktaRequest())
		requireCode(t, problem.OutcomeUnknown, <-done)
		w.creates(2, 0)
		entry, _ := w.ledger.state()
		require.Equal(t, protocol.Unknown, entry.State)
		require.True(t, entry.Lease.After(time.Now()), "the entry stays taken")
	})
}

// What the ledger remembers is read before another integration with the same entity id is
// taken for it, also where the list does not show it yet.
func TestEnsureReadsTheRememberedBeforeItJudgesAnother(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		first := w.created(oktaRequest())
		w.edit(first.ID)
		w.sendGrid.Script(sendgridtest.Fault{Op: sendgrid.OpListIntegrations, Status: 200, Body: `[{"id":"other","name":"Somebody else's","entity_id":"` + entityID + `"}]`})
		require.Equal(t, first.ID, w.unchanged(oktaRequest()).ID)
		w.calls(2, 1, 1)
	})
}

// An update is remembered as a create is: the same delivery again changes nothing, whatever was
// edited since. An id that its sender uses for two requests hides neither.
func TestEnsureRemembersADeliveryByItsIDAndRequest(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		id := w.created(oktaRequest()).ID
		deliver := func(change func(*request.Resolved)) (*provision.Result, error) {
			w.pass(time.Hour)
			ctx, cancel := context.WithTimeout(t.Context(), invocation)
			defer cancel()
			return w.provisioner.Ensure(ctx, updating(change), provision.Delivery{IDs: []string{"message:1"}, Order: at(time.Now())})
		}
		disabled := func(r *request.Resolved) { r.Enabled = false }
		renamed := func(r *request.Resolved) { r.Name = "Another" }
		for _, change := range []func(*request.Resolved){disabled, renamed} {
			result, err := deliver(change)
			require.NoError(t, err)
			require.Equal(t, protocol.OutcomeUpdated, result.Outcome)
		}
		w.sendGrid.Edit(id, func(i *sendgrid.Integration) { i.Name = "Edited" })
		for _, change := range []func(*request.Resolved){disabled, renamed} {
			result, err := deliver(change)
			require.NoError(t, err)
			require.Equal(t, protocol.OutcomeUnchanged, result.Outcome)
			require.Equal(t, "Edited", result.Integration.Name)
		}
		require.True(t, w.sendGrid.Delete(id))
		_, err := deliver(disabled)
		requireCode(t, problem.Gone, err)
	})
}
