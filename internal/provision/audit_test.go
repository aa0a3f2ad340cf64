package provision_test

import (
	"context"
	"errors"
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

// published is SAML metadata at a URL.
type published struct {
	signin       string
	certificates []saml.Certificate
}

func (published) CheckURL(string) error { return nil }

func (p published) Fetch(context.Context, string) ([]byte, error) {
	params := samltest.Params{EntityID: entityID, SigninURL: p.signin, SignoutURL: oktaRequest().SignoutURL}
	for _, c := range p.certificates {
		params.Certificates = append(params.Certificates, c.DER)
	}
	return samltest.Shapes()[0].Build(params), nil
}

// audited audits the connection, with what its SAML metadata supplies, and returns what is found.
func (w *world) audited(p published) provision.Audited {
	w.t.Helper()
	var found provision.Audited
	audited, err := w.audit(p, func(_ context.Context, a provision.Audited) (string, error) {
		found = a
		return "findings", nil
	})
	require.NoError(w.t, err)
	require.True(w.t, audited)
	return found
}

func (w *world) audit(p published, judge func(context.Context, provision.Audited) (string, error)) (bool, error) {
	w.t.Helper()
	w.pass(time.Second)
	ctx, cancel := context.WithTimeout(w.t.Context(), invocation)
	defer cancel()
	return w.provisioner.Audit(ctx, provision.Audit{EntityID: entityID, Began: time.Now(), Renews: true, SAMLMetadata: p, Judge: judge})
}

// renewing is a world with a connection that is renewed from SAML metadata, an hour ago, which had the
// first certificate.
func renewing(t *testing.T) (*world, published, sendgrid.Integration) {
	t.Helper()
	w := newWorld(t)
	before := published{signin: "https://idp.example/sso", certificates: certificates()[:1]}
	r := named(before.signin, 0)
	r.Supplied = true
	made := w.created(r)
	w.pass(time.Hour)
	return w, before, made
}

func TestAuditRenews(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w, before, made := renewing(t)
		require.Empty(t, w.audited(before).Renewed)
		require.Len(t, w.writes(), 2, "nothing new, nothing sent")

		w.sendGrid.Edit(made.ID, func(i *sendgrid.Integration) { i.Name, i.Enabled = edited, false })
		today := published{signin: "https://idp.example/new", certificates: certificates()}
		found := w.audited(today)
		require.Equal(t, []problem.Change{
			{Field: "signin_url", From: before.signin, To: today.signin}, {Field: "public_certificate", To: certificates()[1].SHA256},
		}, found.Renewed)
		drift := []problem.Change{{Field: "enabled", From: true, To: false}, {Field: "name", From: "Okta", To: edited}}
		require.Equal(t, drift, found.Drift)
		now := w.sendGrid.Integrations()[0]
		require.Equal(t, today.signin, now.SigninURL)
		require.Equal(t, edited, now.Name, "what was edited is not the audit's")
		require.False(t, now.Enabled, "nothing is enabled")
		requireCertificates(t, w, 2)

		w.pass(time.Hour)
		found = w.audited(today)
		require.Equal(t, drift, found.Drift, "drift stays, and a renewal is none")
		require.Empty(t, found.Renewed)
		kept, _ := w.kept()
		require.Equal(t, today.signin, kept.SigninURL)
		require.Len(t, kept.Certificates, 2)
	})
}

// What SendGrid has is not what is compared: a certificate that somebody deleted is not added again, and
// a URL that somebody edited stays.
func TestAuditUndoesNothing(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w, before, made := renewing(t)
		w.sendGrid.Edit(made.ID, func(i *sendgrid.Integration) { i.SigninURL = "https://stranger.example" })
		w.sendGrid.DeleteCertificate(w.sendGrid.Certificates(made.ID)[0].ID)
		found := w.audited(before)
		require.Len(t, found.Drift, 2)
		require.Empty(t, found.Renewed)
		require.Len(t, w.writes(), 2)
		w.sendGrid.Delete(made.ID)
		require.True(t, w.audited(before).Missing)
		w.creates(1, 0)
	})
}

// An audit that ends before it has recorded what it renewed is repeated, and until then what it changed is
// nobody's edit.
func TestAuditIsRepeatedUntilItIsRecorded(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w, _, _ := renewing(t)
		today := published{signin: "https://idp.example/new", certificates: certificates()}
		_, err := w.audit(today, func(context.Context, provision.Audited) (string, error) { return "", errors.New("the bus is down") })
		requireCode(t, problem.Internal, err)
		w.pass(time.Hour)
		same := named("https://idp.example/sso", 0)
		require.Empty(t, w.drifted(same))
		same.IfExists = request.UpdateExisting
		require.Empty(t, w.drifted(same))

		writes := len(w.writes())
		found := w.audited(today)
		require.Empty(t, found.Drift)
		require.Len(t, found.Renewed, 2, "it is published now")
		require.Len(t, w.writes(), writes)
	})
}

// An audit makes nothing newer, and knows nothing while a write settles.
func TestAuditIsNoRequest(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w, before, _ := renewing(t)
		entry, _ := w.ledger.state()
		w.audited(published{signin: before.signin, certificates: certificates()})
		after, _ := w.ledger.state()
		require.Equal(t, entry.Applied, after.Applied)
		require.Equal(t, entry.KeptIdentity, after.KeptIdentity)
		require.Equal(t, protocol.Completed, after.State)
		require.Equal(t, "findings", after.Findings)

		judge := func(context.Context, provision.Audited) (string, error) { return "", nil }
		_, err := w.audit(before, judge)
		requireCode(t, problem.InProgress, err)
		w.pass(time.Hour)
		w.sendGrid.Script(sendgridtest.Fault{Op: sendgrid.OpListCertificates, Status: 503, Times: -1})
		_, err = w.audit(published{signin: "https://idp.example/new"}, judge)
		requireCode(t, problem.SendGridUnavailable, err)
		require.Len(t, w.writes(), 3, "a read that failed in part changes nothing")
	})
}

// Whoever is audited twice by one audit is audited once, and a request with steps left is left alone.
func TestAuditLeavesAlone(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w, before, _ := renewing(t)
		began := time.Now()
		w.pass(time.Second)
		w.audited(before)
		lists := w.sendGrid.Count(sendgrid.OpListIntegrations)
		audited, err := w.provisioner.Audit(t.Context(), provision.Audit{EntityID: entityID, Began: began})
		require.NoError(t, err)
		require.False(t, audited)
		require.Equal(t, lists, w.sendGrid.Count(sendgrid.OpListIntegrations))

		w.sendGrid.Script(sendgridtest.Fault{Op: sendgrid.OpCreateCertificate, Status: 403})
		w.fails(problem.SendGridForbidden, updating(func(r *request.Resolved) { r.Name, r.Certificates = "Another", certificates() }))
		w.pass(time.Hour)
		found := w.audited(published{signin: "https://idp.example/new", certificates: certificates()})
		require.True(t, found.Unfinished)
		require.Empty(t, found.Renewed)
		require.Empty(t, found.Drift)
	})
}
