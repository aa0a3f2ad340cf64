package provision_test

import (
	"context"
	"encoding/json"
	"testing"
	"testing/synctest"
	"time"

	"sendgrid-sso-integration/internal/protocol"

	"github.com/stretchr/testify/require"

	"sendgrid-sso-integration/internal/provision"
	"sendgrid-sso-integration/sendgrid"
	"sendgrid-sso-integration/sendgrid/sendgridtest"
)

func TestEnsureCreates(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		result := w.succeeds(protocol.OutcomeCreated, oktaRequest())

		w.calls(1, 1, 0)
		require.False(t, result.Adopted)
		require.Nil(t, result.Metadata)
		stored := w.sendGrid.Integrations()
		require.Len(t, stored, 1)
		require.Equal(t, stored[0], result.Integration)
		require.Equal(t, oktaRequest().Name, stored[0].Name)
		require.True(t, stored[0].Enabled)
		require.Equal(t, oktaRequest().SigninURL, stored[0].SigninURL)
		require.Equal(t, oktaRequest().SignoutURL, stored[0].SignoutURL)
		require.Equal(t, entityID, stored[0].EntityID)

		entry, steps := w.ledger.state()
		require.Equal(t, []string{stepTake, stepCreating, stepCompleted}, steps)
		require.Equal(t, protocol.Completed, entry.State)
		require.Equal(t, stored[0].ID, entry.IntegrationID)
		require.Equal(t, entityID, entry.EntityID)
		require.NotEmpty(t, entry.Fingerprint)
		require.Zero(t, entry.Lease, "nobody has to wait")
		require.Greater(t, time.Until(entry.Expires), 14*24*time.Hour, "a queue may redeliver for 14 days")
	})
}

// The lease covers whatever this attempt may still do, and what comes of it.
func TestEnsureHoldsTheEntryBeyondItsDeadline(t *testing.T) {
	t.Parallel()
	for name, settling := range map[string]time.Duration{"by default": 0, "as set": 5 * time.Minute} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t)
				w.provisioner.Settling = settling
				if settling == 0 {
					settling = provision.DefaultSettling
				}
				var during protocol.Entry
				w.client.OnCall = func(_ context.Context, call sendgrid.Call) {
					if call.Op == sendgrid.OpCreateIntegration {
						during, _ = w.ledger.state()
					}
				}
				deadline := time.Now().Add(invocation)
				w.created(oktaRequest())
				require.Equal(t, protocol.Creating, during.State)
				require.Equal(t, deadline.Add(settling), during.Lease)
			})
		})
	}
}

func TestEnsureLeavesAnEqualIntegrationAlone(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		there := w.sendGrid.Add(asSent(oktaRequest()))
		got := w.unchanged(oktaRequest())
		require.Equal(t, there.ID, got.ID)
		w.calls(1, 0, 0)
		entry, steps := w.ledger.state()
		require.Equal(t, []string{stepTake, stepCompleted}, steps)
		require.Equal(t, there.ID, entry.IntegrationID)
		require.Zero(t, entry.Lease)
	})
}

func TestEnsureAnswersADuplicateByLookingOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		first := w.created(oktaRequest())
		_, before := w.ledger.state()
		for repetition := range 3 {
			require.Equal(t, first.ID, w.unchanged(oktaRequest()).ID)
			w.calls(2+repetition, 1, 0)
		}
		_, after := w.ledger.state()
		require.Equal(t, before, after, "looking writes nothing")
	})
}

func TestEnsureKnowsAccountsAndEntitiesApart(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.created(oktaRequest())

		other := oktaRequest()
		other.EntityID += "2"
		w.created(other)

		w.provisioner = w.another()
		w.provisioner.SendGrid = &sendgrid.Client{Keys: w.keys, HTTP: w.network.HTTPClient(), OnBehalfOf: "subuser"}
		w.provisioner.Account = []string{sendgrid.GlobalBaseURL, "subuser"}
		w.created(oktaRequest())
		w.creates(3, 3)
	})
}

func TestEnsureEchoesMetadataAndNeverSendsIt(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		r := oktaRequest()
		r.Metadata = map[string]string{"ticket": "marker-4711"}
		require.Equal(t, r.Metadata, w.succeeds(protocol.OutcomeCreated, r).Metadata)

		r.Metadata = map[string]string{"ticket": "marker-4712"}
		require.Equal(t, r.Metadata, w.succeeds(protocol.OutcomeUnchanged, r).Metadata, "the metadata of this request")
		for _, sent := range w.sendGrid.Requests() {
			require.NotContains(t, string(sent.Body), "marker")
			require.NotContains(t, string(sent.Body), "metadata")
		}
	})
}

func TestEnsureSendsCompletedIntegrationOnlyIfGiven(t *testing.T) {
	t.Parallel()
	for name, completed := range map[string]*bool{"not given": nil, "false": new(false), "true": new(true)} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t)
				r := oktaRequest()
				r.CompletedIntegration = completed
				w.created(r)
				want := map[string]any{
					"name": r.Name, "enabled": true, "signin_url": r.SigninURL, "signout_url": r.SignoutURL, "entity_id": r.EntityID,
				}
				if completed != nil {
					want["completed_integration"] = *completed
				}
				var sent map[string]any
				require.NoError(t, json.Unmarshal(w.onlyCreate().Body, &sent))
				require.Equal(t, want, sent)
			})
		})
	}
}

// completed_integration is SendGrid's to change, so it is no difference.
func TestEnsureDoesNotCompareCompletedIntegration(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.created(oktaRequest())
		r := oktaRequest()
		r.CompletedIntegration = new(true)
		w.unchanged(r)
		w.calls(2, 1, 0)
	})
}

// onlyCreate returns the one create that SendGrid got.
func (w *world) onlyCreate() sendgridtest.Request {
	w.t.Helper()
	var found []sendgridtest.Request
	for _, r := range w.sendGrid.Requests() {
		if r.Op == sendgrid.OpCreateIntegration {
			found = append(found, r)
		}
	}
	require.Len(w.t, found, 1)
	return found[0]
}
