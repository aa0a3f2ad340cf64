package provision_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"sendgrid-sso-integration/internal/problem"
	"sendgrid-sso-integration/internal/protocol"

	"github.com/stretchr/testify/require"

	"sendgrid-sso-integration/internal/provision"
	"sendgrid-sso-integration/sendgrid"
)

// A create whose answer leaves its outcome open is followed by no other before it has
// settled, and has settled once more after somebody took the entry over. The fault matrix
// has all such answers.
func TestEnsureGuardsAnAmbiguousCreate(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.lose(false)
		e := w.fails(problem.OutcomeUnknown, oktaRequest())
		answered := time.Now()
		require.Equal(t, provision.DefaultSettling, e.RetryAfter)
		require.True(t, e.Retryable())
		require.Error(t, e.Err, "the log has what happened")
		entry, steps := w.ledger.state()
		require.Equal(t, []string{stepTake, stepCreating, stepUnknown}, steps)
		require.Equal(t, answered.Add(provision.DefaultSettling), entry.Lease)
		require.Equal(t, 1, entry.UnknownCreates)
		w.creates(1, 0)

		// Anyone may read meanwhile.
		lists := w.sendGrid.Count(sendgrid.OpListIntegrations)
		w.pass(10 * time.Second)
		e = w.fails(problem.OutcomeUnknown, oktaRequest())
		require.Equal(t, provision.DefaultSettling-10*time.Second, e.RetryAfter)
		w.calls(lists+1, 1, 0)
		require.Equal(t, 10*time.Second, time.Since(answered), "waiting would be in vain")

		// Who has the time waits for the rest, and lets it settle once more.
		w.pass(35 * time.Second)
		require.Equal(t, provision.DefaultSettling, w.fails(problem.OutcomeUnknown, oktaRequest()).RetryAfter)
		w.pass(provision.DefaultSettling)
		w.created(oktaRequest())
		w.creates(2, 1)
		entry, _ = w.ledger.state()
		require.Zero(t, entry.UnknownCreates)
	})
}

// A connection that breaks after it took the request may have delivered it, for all that
// this side knows.
func TestEnsureGuardsABrokenConnection(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.afterList(func() { w.network.ResetAfterDial(1) })
		e := w.fails(problem.OutcomeUnknown, oktaRequest())
		require.Equal(t, provision.DefaultSettling, e.RetryAfter)
		w.creates(0, 0)
		w.recheck()
		w.created(oktaRequest())
		w.creates(1, 1)
	})
}

// An error that nobody knows says nothing about what was sent.
func TestEnsureGuardsAgainstAnUnknownError(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		unknown := errors.New("marker: whatever this is")
		w.provisioner.SendGrid = &fakeSendGrid{
			list:   w.client.ListIntegrations,
			create: func(context.Context, sendgrid.IntegrationRequest) (*sendgrid.Integration, error) { return nil, unknown },
		}
		e := w.fails(problem.OutcomeUnknown, oktaRequest())
		require.ErrorIs(t, e, unknown)
		require.NotContains(t, e.Public(), "marker")
		entry, _ := w.ledger.state()
		require.Equal(t, protocol.Unknown, entry.State)
	})
}
