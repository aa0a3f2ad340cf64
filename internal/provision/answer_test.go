package provision_test

import (
	"testing"
	"testing/synctest"

	"sendgrid-sso-integration/internal/problem"
	"sendgrid-sso-integration/internal/protocol"

	"github.com/stretchr/testify/require"

	"sendgrid-sso-integration/sendgrid"
	"sendgrid-sso-integration/sendgrid/sendgridtest"
)

// Whatever the answer to the create lacks, the result has it.
func TestEnsureCompletesTheAnswerToACreate(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name      string
		omit      []string
		list, get int
		inList    bool
	}{
		{name: "complete", list: 1},
		{name: "without audience_url", omit: []string{"audience_url"}, list: 1},
		{name: "without single_signon_url", omit: []string{"single_signon_url"}, list: 1},
		{name: "without URLs", omit: []string{"audience_url", "single_signon_url"}, list: 1, get: 1},
		{name: "without id", omit: []string{"id"}, list: 2},
		{name: "as the documented example", omit: []string{"id", "audience_url", "single_signon_url"}, list: 2},
		{
			name: "as the documented example, and no better in the list", omit: []string{"audience_url", "single_signon_url"},
			inList: true, list: 2, get: 1,
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t)
				w.sendGrid.Script(sendgridtest.Fault{Op: sendgrid.OpCreateIntegration, Omit: tt.omit})
				if tt.inList {
					w.sendGrid.ClearFaults()
					w.sendGrid.Script(
						sendgridtest.Fault{Op: sendgrid.OpCreateIntegration, Omit: append(tt.omit, "id")},
						sendgridtest.Fault{Op: sendgrid.OpListIntegrations, Omit: tt.omit, Times: -1},
					)
				}
				result := w.succeeds(protocol.OutcomeCreated, oktaRequest())
				w.calls(tt.list, 1, tt.get)
				require.False(t, result.Adopted, "the answer was not lost")
				require.Equal(t, w.sendGrid.Integrations()[0].ID, result.Integration.ID)
				require.Equal(t, w.sendGrid.Integrations()[0].SingleSignOnURL, result.Integration.SingleSignOnURL)
				entry, _ := w.ledger.state()
				require.Equal(t, protocol.Completed, entry.State)
				require.Equal(t, result.Integration.ID, entry.IntegrationID)
			})
		})
	}
}

func TestEnsureCompletesWhatTheListLacks(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.sendGrid.Add(asSent(oktaRequest()))
		w.sendGrid.Script(sendgridtest.Fault{Op: sendgrid.OpListIntegrations, Omit: []string{"audience_url", "single_signon_url"}})
		w.unchanged(oktaRequest())
		w.calls(1, 0, 1)
	})
}

// A create that succeeded is remembered before it is read back: if that fails, the next
// attempt shows it.
func TestEnsureRemembersWhatItCannotReadBack(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.sendGrid.Script(
			sendgridtest.Fault{Op: sendgrid.OpCreateIntegration, Omit: []string{"audience_url", "single_signon_url"}},
			sendgridtest.Fault{Op: sendgrid.OpGetIntegration, Delay: forever, Times: -1},
		)
		e := w.fails(problem.OutcomeUnknown, oktaRequest())
		id := w.sendGrid.Integrations()[0].ID
		require.Contains(t, e.Message, id)
		require.Positive(t, e.RetryAfter)
		entry, _ := w.ledger.state()
		require.Equal(t, protocol.Completed, entry.State)
		require.Zero(t, entry.Lease)

		w.sendGrid.ClearFaults()
		require.Equal(t, id, w.unchanged(oktaRequest()).ID)
		w.creates(1, 1)
	})
}

func TestEnsureNamesWhatDiffers(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name   string
		there  func(*sendgrid.IntegrationRequest)
		fields []string
	}{
		{name: "name", there: func(i *sendgrid.IntegrationRequest) { i.Name = "marker" }, fields: []string{"name"}},
		{name: "enabled", there: func(i *sendgrid.IntegrationRequest) { i.Enabled = false }, fields: []string{"enabled"}},
		{name: "signin_url", there: func(i *sendgrid.IntegrationRequest) { i.SigninURL = "https://marker" }, fields: []string{"signin_url"}},
		{name: "signout_url", there: func(i *sendgrid.IntegrationRequest) { i.SignoutURL = "" }, fields: []string{"signout_url"}},
		{
			name: "everything that can", fields: []string{"name", "enabled", "signin_url", "signout_url"},
			there: func(i *sendgrid.IntegrationRequest) {
				*i = sendgrid.IntegrationRequest{Name: "marker", EntityID: i.EntityID}
			},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t)
				in := asSent(oktaRequest())
				tt.there(&in)
				there := w.sendGrid.Add(in)

				e := w.fails(problem.Conflict, oktaRequest())
				require.Contains(t, e.Message, there.ID)
				var fields []string
				for _, f := range e.Fields {
					fields = append(fields, f.Field)
					require.Contains(t, e.Message, f.Field)
				}
				require.Equal(t, tt.fields, fields)
				require.Equal(t, there.ID, e.IntegrationID)
				require.Contains(t, e.Public(), `was requested`)
				w.calls(1, 0, 0)

				// Nobody holds the entry, so what matches is found at once.
				w.sendGrid.Edit(there.ID, func(i *sendgrid.Integration) {
					i.Name, i.Enabled, i.SigninURL, i.SignoutURL = oktaRequest().Name, true, oktaRequest().SigninURL, oktaRequest().SignoutURL
				})
				w.unchanged(oktaRequest())
				w.calls(2, 0, 0)
			})
		})
	}
}

// Where several integrations have the entity id, one that is as asked for counts.
func TestEnsurePrefersTheIntegrationThatMatches(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		differs := asSent(oktaRequest())
		differs.Name = "Another"
		w.sendGrid.Add(differs)
		matching := w.sendGrid.Add(asSent(oktaRequest()))
		w.sendGrid.Add(differs)
		require.Equal(t, matching.ID, w.unchanged(oktaRequest()).ID)
		w.creates(0, 3)
	})
}
