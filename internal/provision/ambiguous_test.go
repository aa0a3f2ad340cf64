package provision_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"sendgrid-sso-integration/internal/problem"

	"github.com/stretchr/testify/require"

	"sendgrid-sso-integration/internal/provision"
	"sendgrid-sso-integration/sendgrid"
	"sendgrid-sso-integration/sendgrid/sendgridtest"
)

// someAnswer is what a create that succeeds might be answered with.
const someAnswer = `{"id":"b0b98502-9408-4b24-9e3d-31ed7cb15312","name":"Okta"}`

// ambiguous are the answers to a create after which nobody can tell whether it happened.
func ambiguous() map[string]sendgridtest.Fault {
	faults := map[string]sendgridtest.Fault{
		"500":                {Status: 500, Body: `{"errors":[{"message":"unexpected"}]}`},
		"502":                {Status: 502, Body: "<html>Bad Gateway</html>"},
		"503":                {Status: 503},
		"504":                {Status: 504},
		"302":                {Status: 302, Header: map[string]string{"Location": "https://status.sendgrid.com/"}},
		"404":                {Status: 404},
		"408":                {Status: 408},
		"409":                {Status: 409},
		"422":                {Status: 422},
		"dropped":            {Drop: true},
		"truncated":          {Status: 200, Body: someAnswer, Truncate: true},
		"truncated JSON":     {Status: 200, Body: someAnswer[:40]},
		"200 with HTML":      {Status: 200, Body: "<html>maintenance</html>"},
		"201 and empty":      {Status: 201},
		"204":                {Status: 204},
		"200 without id":     {Status: 200, Body: `{"name":"Okta"}`},
		"hanging":            {Delay: forever},
		"dropped in a while": {Drop: true, Delay: 10 * time.Second},
	}
	for name, fault := range faults {
		fault.Op = sendgrid.OpCreateIntegration
		faults[name] = fault
	}
	return faults
}

func TestEnsureAdoptsWhatAnAmbiguousCreateMade(t *testing.T) {
	t.Parallel()
	for name, fault := range ambiguous() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t)
				fault.Commit = true
				w.sendGrid.Script(fault)
				result := w.succeeds(provision.OutcomeCreated, request())
				require.Equal(t, name != "200 without id", result.Adopted, "an answer that lacks the id is not lost")
				require.Equal(t, w.sendGrid.Integrations()[0].ID, result.Integration.ID)
				w.calls(2, 1, 0)
				w.creates(1, 1)
				entry, steps := w.ledger.holds()
				require.Equal(t, []string{stepTake, stepCreating, stepCreated}, steps)
				require.Equal(t, result.Integration.ID, entry.IntegrationID)
				require.Zero(t, entry.Lease)

				w.unchanged(request())
				w.creates(1, 1)
			})
		})
	}
}

func TestEnsureGuardsAnAmbiguousCreateUntilItHasSettled(t *testing.T) {
	t.Parallel()
	for name, fault := range ambiguous() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t)
				w.sendGrid.Script(fault)
				w.guards()
			})
		})
	}
}

// A connection that breaks after it took the request may have delivered it, for all that
// this side knows.
func TestEnsureGuardsABrokenConnection(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.afterList(func() { w.network.ResetAfterDial(1) })
		e := w.fails(problem.OutcomeUnknown, request())
		require.Equal(t, provision.DefaultSettling, e.RetryAfter)
		w.creates(0, 0)
		w.pass(e.RetryAfter)
		w.created(request())
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
		e := w.fails(problem.OutcomeUnknown, request())
		require.ErrorIs(t, e, unknown)
		require.NotContains(t, e.Public(), "marker")
		entry, _ := w.ledger.holds()
		require.Equal(t, provision.Unknown, entry.State)
	})
}

// guards requires that a create of unknown outcome, which created nothing, is followed by
// no other before it has settled, and then by one.
func (w *world) guards() {
	w.t.Helper()
	e := w.fails(problem.OutcomeUnknown, request())
	answered := time.Now()
	require.Equal(w.t, provision.DefaultSettling, e.RetryAfter)
	require.True(w.t, e.Retryable())
	require.Error(w.t, e.Err, "the log has what happened")
	entry, steps := w.ledger.holds()
	require.Equal(w.t, []string{stepTake, stepCreating, stepUnknown}, steps)
	require.Equal(w.t, answered.Add(provision.DefaultSettling), entry.Lease)
	w.creates(1, 0)

	// Anyone may look meanwhile.
	lists := w.sendGrid.Count(sendgrid.OpListIntegrations)
	w.pass(10 * time.Second)
	e = w.fails(problem.OutcomeUnknown, request())
	require.Equal(w.t, provision.DefaultSettling-10*time.Second, e.RetryAfter)
	w.calls(lists+1, 1, 0)
	require.Equal(w.t, 10*time.Second, time.Since(answered), "waiting would be in vain")

	// Who has the time waits for the rest, and creates.
	w.pass(35 * time.Second)
	w.created(request())
	require.GreaterOrEqual(w.t, time.Since(answered), provision.DefaultSettling)
	w.creates(2, 1)
}
