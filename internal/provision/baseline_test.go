package provision_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"sendgrid-sso-integration/internal/problem"
	"sendgrid-sso-integration/internal/protocol"
	"sendgrid-sso-integration/internal/provision"
	"sendgrid-sso-integration/internal/request"
	"sendgrid-sso-integration/internal/saml"
	"sendgrid-sso-integration/internal/saml/samltest"
	"sendgrid-sso-integration/sendgrid"
	"sendgrid-sso-integration/sendgrid/sendgridtest"
)

// drifted makes a request that changes nothing, and returns what its warning says of edits.
func (w *world) drifted(r request.Resolved) []problem.Change {
	w.t.Helper()
	result := w.succeeds(protocol.OutcomeUnchanged, r)
	for _, warning := range result.Warnings {
		if warning.Code == provision.Drifted {
			require.NotEmpty(w.t, warning.Changes)
			require.Contains(w.t, warning.Message, "restore")
			return warning.Changes
		}
	}
	return nil
}

// What somebody changed in SendGrid is not undone by the same request, and not passed over in
// silence. Whoever may update can have it undone.
func TestEnsureReportsWhatSomebodyChanged(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		r := withCertificates()
		id := w.created(r).ID
		require.Empty(t, w.drifted(r))
		w.pass(time.Hour)
		require.Empty(t, w.drifted(r))

		w.sendGrid.Edit(id, func(i *sendgrid.Integration) { i.SigninURL, i.Enabled = "https://stranger.example/sso", false })
		_, der := samltest.NewKeyPair("stranger", time.Now().Add(-time.Hour), time.Now().Add(365*24*time.Hour))
		foreign, err := saml.ParseCertificates(samltest.PEM(der), time.Now())
		require.NoError(t, err)
		stranger := w.sendGrid.AddCertificate(sendgrid.CertificateRequest{PublicCertificate: foreign[0].PEM(), IntegrationID: id, Enabled: true})
		w.sendGrid.DeleteCertificate(w.sendGrid.Certificates(id)[0].ID)
		want := []problem.Change{
			{Field: "enabled", From: true, To: false},
			{Field: "signin_url", From: r.SigninURL, To: "https://stranger.example/sso"},
			{Field: "public_certificate", From: certificates()[0].SHA256},
			{Field: "public_certificate", To: foreign[0].SHA256},
		}
		update, restore := r, r
		update.IfExists, restore.IfExists = request.UpdateExisting, request.Restore
		require.Equal(t, want, w.drifted(r))
		require.Equal(t, want, w.drifted(update), "an update that was applied undoes no edit")
		require.Equal(t, want, w.drifted(update), "and does not make the edit its own")
		w.counts(map[sendgrid.Op]int{sendgrid.OpListCertificates: 5, sendgrid.OpCreateCertificate: 2})

		result := w.succeeds(protocol.OutcomeUpdated, restore)
		require.True(t, result.Integration.Enabled)
		require.Equal(t, r.SigninURL, w.sendGrid.Integrations()[0].SigninURL)
		require.Len(t, w.sendGrid.Certificates(id), 3, "no certificate is removed")
		require.Contains(t, w.sendGrid.Certificates(id), stranger)
		w.pass(time.Hour)
		unknown := []problem.Change{{Field: "public_certificate", To: foreign[0].SHA256}}
		require.Equal(t, unknown, w.drifted(r), "a certificate that nobody asked for stays unknown")
		require.Equal(t, unknown, w.drifted(restore))
	})
}

// What SendGrid made of a value is no drift, nor is completed_integration. While reads lag, nothing
// is known.
func TestEnsureReportsNoDriftOfItsOwn(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.sendGrid.Script(sendgridtest.Fault{
			Op: sendgrid.OpCreateIntegration, Commit: true, Status: 200,
			Body: `{"name":"Okta","enabled":true,"signin_url":"https://example.okta.com/app/exk1/sso/saml/","entity_id":"` + entityID + `"}`,
		})
		w.created(oktaRequest())
		id := w.sendGrid.Integrations()[0].ID
		w.pass(time.Hour)
		w.sendGrid.Edit(id, func(i *sendgrid.Integration) { i.CompletedIntegration = new(true) })
		require.Empty(t, w.drifted(oktaRequest()))

		w.sendGrid.SetLag(30*time.Second, 30*time.Second)
		w.succeeds(protocol.OutcomeUpdated, updating(func(r *request.Resolved) { r.Name = "Another" }))
		require.Empty(t, w.drifted(updating(func(r *request.Resolved) { r.Name = "Another" })), "the update is not shown yet")
	})
}

// An entry of version 1.0 has no baseline. The next request takes what it finds for it.
func TestEnsureTakesABaselineOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		id := w.created(oktaRequest()).ID
		entry, _ := w.ledger.state()
		old := entry
		old.Baseline, old.Revision = "", entry.Revision+1
		_, stored, err := w.ledger.Memory.Put(t.Context(), old)
		require.NoError(t, err)
		require.True(t, stored)
		w.pass(time.Hour)
		w.sendGrid.Edit(id, func(i *sendgrid.Integration) { i.Name = "Edited before" })
		require.Empty(t, w.drifted(oktaRequest()))
		w.sendGrid.Edit(id, func(i *sendgrid.Integration) { i.Name = "Edited since" })
		require.Equal(t, []problem.Change{{Field: "name", From: "Edited before", To: "Edited since"}}, w.drifted(oktaRequest()))
	})
}

// A request that finds what it asks for while reads lag does not take what they show for a baseline.
func TestEnsureKeepsItsBaselineWhileReadsLag(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.created(oktaRequest())
		w.pass(time.Hour)
		w.sendGrid.SetLag(30*time.Second, 30*time.Second)
		update := updating(func(r *request.Resolved) { r.Name, r.Certificates = "Another", certificates() })
		w.succeeds(protocol.OutcomeUpdated, update)
		w.pass(time.Second)
		require.Empty(t, w.drifted(update), "the fields and the certificates are not shown yet")
		w.pass(time.Hour)
		require.Empty(t, w.drifted(update))
	})
}
