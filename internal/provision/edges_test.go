package provision_test

import (
	"context"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"sendgrid-sso-integration/internal/problem"
	"sendgrid-sso-integration/internal/protocol"

	"github.com/stretchr/testify/require"

	"sendgrid-sso-integration/sendgrid"
	"sendgrid-sso-integration/sendgrid/sendgridtest"
)

// What lists something that is no integration is no list: taken for an empty one, it would
// let a second integration be created.
func TestEnsureBelievesNoListOfSomethingElse(t *testing.T) {
	t.Parallel()
	for name, body := range map[string]string{
		"nulls":    `[null]`,
		"an error": `[{"message":"internal error","field":null}]`,
		"objects":  `[{}]`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t)
				w.sendGrid.Add(asSent(oktaRequest()))
				w.sendGrid.Script(sendgridtest.Fault{Op: sendgrid.OpListIntegrations, Status: http.StatusOK, Body: body, Times: -1})
				w.fails(problem.SendGridUnavailable, oktaRequest())
				w.creates(0, 1)
			})
		})
	}
}

// A remembered integration that was given another entity id since does not stand for the
// old one in the eyes of another request.
func TestEnsureLetsGoOfAnEntityIDThatWasEditedAway(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		first := w.created(oktaRequest())
		require.True(t, w.sendGrid.Edit(first.ID, func(i *sendgrid.Integration) { i.EntityID = "urn:moved" }))
		require.Equal(t, first.ID, w.unchanged(oktaRequest()).ID, "the request that brought it about is fulfilled")

		other := oktaRequest()
		other.Name = "Another"
		require.NotEqual(t, first.ID, w.created(other).ID)
		w.creates(2, 2)
	})
}

// A conflict is told although the other integration lacks what an answer would need.
func TestEnsureTellsAConflictWithoutURLs(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		other := asSent(oktaRequest())
		other.Name = "Somebody else's"
		w.sendGrid.Add(other)
		w.sendGrid.Script(sendgridtest.Fault{Op: sendgrid.OpListIntegrations, Omit: []string{"single_signon_url", "audience_url"}})
		w.fails(problem.Conflict, oktaRequest())
		w.calls(1, 0, 0)
	})
}

// A key that SendGrid refuses is told also while an outcome settles: somebody has to act.
func TestEnsureTellsARefusedKeyWhileAnOutcomeSettles(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.sendGrid.Script(sendgridtest.Fault{Op: sendgrid.OpCreateIntegration, Status: http.StatusBadGateway})
		w.fails(problem.OutcomeUnknown, oktaRequest())
		w.sendGrid.Script(sendgridtest.Fault{Op: sendgrid.OpListIntegrations, Status: http.StatusUnauthorized, Times: -1})
		w.fails(problem.SendGridUnauthorized, oktaRequest())
	})
}

// A ledger that takes its time leaves none for a create; it is not begun with.
func TestEnsureDoesNotBeginACreateAfterASlowLedger(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.ledger.meet = func(ctx context.Context, step string) error {
			if step == stepCreating {
				deadline, _ := ctx.Deadline()
				time.Sleep(time.Until(deadline) - 20*time.Millisecond)
			}
			return ctx.Err()
		}
		w.fails(problem.DeadlineExceeded, oktaRequest())
		w.creates(0, 0)
		entry, _ := w.ledger.state()
		require.Equal(t, protocol.Free, entry.State)
		require.Zero(t, entry.Lease)
	})
}

// SendGrid's reasons are passed on where its answer leaves the outcome open.
func TestEnsurePassesOnWhyACreateIsUncertain(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.sendGrid.Script(sendgridtest.Fault{Op: sendgrid.OpCreateIntegration, Status: 422, Body: `[{"message":"is taken","field":"entity_id"}]`})
		e := w.fails(problem.OutcomeUnknown, oktaRequest())
		require.Contains(t, e.Message, "422")
		require.Equal(t, []problem.FieldError{{Field: "entity_id", Message: "is taken"}}, e.Fields)
	})
}

// Who comes for an entry whose holder is gone is told to come when the lease has ended.
func TestEnsureSaysWhenAnEntryIsFree(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.ledger.failAt(stepRelease, context.DeadlineExceeded)
		w.sendGrid.Script(sendgridtest.Fault{Op: sendgrid.OpListIntegrations, Status: http.StatusForbidden})
		w.fails(problem.SendGridForbidden, oktaRequest())
		w.pass(30 * time.Second)
		e := w.fails(problem.InProgress, oktaRequest())
		entry, _ := w.ledger.state()
		require.InDelta(t, time.Until(entry.Lease).Seconds(), e.RetryAfter.Seconds(), 2)
	})
}

// Whatever stands for the time of the last change, an integration can be read.
func TestEnsureReadsIntegrationsWithStrangeTimes(t *testing.T) {
	t.Parallel()
	for _, value := range []string{`""`, `"2026-11-23T15:00:00Z"`, `null`, `{}`, `[]`, `true`, `"1795446000"`} {
		t.Run(value, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t)
				w.sendGrid.Script(sendgridtest.Fault{Op: sendgrid.OpListIntegrations, Status: http.StatusOK, Body: `[{"id":"1","entity_id":"urn:x","last_updated":` + value + `}]`})
				w.created(oktaRequest())
			})
		})
	}
}
