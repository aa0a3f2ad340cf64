package provision_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"sendgrid-sso-integration/internal/problem"
	"sendgrid-sso-integration/internal/protocol"
	"sendgrid-sso-integration/internal/provision"
	"sendgrid-sso-integration/internal/request"
	"sendgrid-sso-integration/internal/saml"
	"sendgrid-sso-integration/sendgrid"
	"sendgrid-sso-integration/sendgrid/sendgridtest"
)

// The schedules in this file each broke a promise once, and are rarer than the simulation draws.

// delivered delivers a request with an id and an order.
func (w *world) delivered(r request.Resolved, id string, order protocol.Order) (*provision.Result, error) {
	ctx, cancel := context.WithTimeout(context.Background(), invocation)
	defer cancel()
	return w.provisioner.Ensure(ctx, r, provision.Delivery{IDs: []string{id}, Order: order})
}

func signin(url string) request.Resolved {
	return updating(func(r *request.Resolved) { r.SigninURL = url })
}

// A certificate that was added once, and deleted by a person since, is missing, even while another one settles.
func TestCertificateThatWasDeletedIsAddedAgain(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		c := certificates()
		r1 := oktaRequest()
		r1.Certificates = c[:1]
		made := w.created(r1)
		w.pass(24 * time.Hour)
		w.sendGrid.DeleteCertificate(w.sendGrid.Certificates(made.ID)[0].ID)
		w.pass(24 * time.Hour)
		result, err := w.delivered(updating(func(r *request.Resolved) { r.Certificates = []saml.Certificate{c[1], c[0]} }), "event:2", protocol.Order{})
		require.NoError(t, err)
		require.Equal(t, protocol.OutcomeUpdated, result.Outcome)
		require.Len(t, result.Certificates, 2, "updated, and the result lacks one")
		require.Len(t, requireCertificates(t, w, 2), 2)
	})
}

// Creates of a certificate without a response do not count as creates of the integration.
func TestUnknownCreatesOfACertificateDoNotCountForTheIntegration(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.sendGrid.Script(sendgridtest.Fault{Op: sendgrid.OpCreateCertificate, Status: 504, Times: 2})
		r := oktaRequest()
		r.Certificates = certificates()[:1]
		w.fails(problem.OutcomeUnknown, r) // The certificate, once.
		w.pass(2 * time.Minute)
		w.fails(problem.OutcomeUnknown, r) // Recheck.
		w.pass(2 * time.Minute)
		w.fails(problem.OutcomeUnknown, r) // The certificate, twice.
		w.pass(2 * time.Minute)
		require.True(t, w.sendGrid.Delete(w.sendGrid.Integrations()[0].ID))
		w.pass(2 * time.Minute)
		w.sendGrid.Script(sendgridtest.Fault{Op: sendgrid.OpCreateIntegration, Status: 504})
		r2 := oktaRequest()
		w.fails(problem.OutcomeUnknown, r2) // The create of the integration, once.
		w.pass(2 * time.Minute)
		w.fails(problem.OutcomeUnknown, r2) // Recheck.
		w.pass(2 * time.Minute)
		e, err := w.ensure(r2)
		require.NoError(t, err, "%v", e)
	})
}

// What has another entity id now is not created again by a request that is older than the one applied.
func TestOlderRequestDoesNotCreateAfterTheEntityIDWasEdited(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		start := time.Now()
		w.pass(time.Hour)
		first, err := w.delivered(signin("https://example.okta.com/new"), "event:new", at(start.Add(2*time.Second)))
		require.NoError(t, err)
		w.pass(time.Hour)
		w.sendGrid.Edit(first.Integration.ID, func(i *sendgrid.Integration) { i.EntityID = "https://other" })
		w.pass(time.Hour)
		result, err := w.delivered(signin("https://example.okta.com/old"), "event:old", at(start.Add(time.Second)))
		if err == nil {
			require.Len(t, w.sendGrid.Integrations(), 1, "the older request: %s", result.Outcome)
		}
		requireCode(t, problem.Gone, err)
	})
}

// Nor by a delivery that was applied.
func TestAppliedDeliveryDoesNotCreateAfterTheEntityIDWasEdited(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		start := time.Now()
		w.pass(time.Hour)
		first, err := w.delivered(signin("https://example.okta.com/1"), "event:1", at(start.Add(1*time.Second)))
		require.NoError(t, err)
		_, err = w.delivered(signin("https://example.okta.com/2"), "event:2", at(start.Add(2*time.Second)))
		require.NoError(t, err)
		w.pass(time.Hour)
		w.sendGrid.Edit(first.Integration.ID, func(i *sendgrid.Integration) { i.EntityID = "https://other" })
		w.pass(time.Hour)
		_, err = w.delivered(signin("https://example.okta.com/1"), "event:1", at(start.Add(1*time.Second)))
		require.Len(t, w.sendGrid.Integrations(), 1, "%v", err)
	})
}

// An integration that was missing once, and is back, is found once that has settled.
func TestGoneIntegrationMayComeBack(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		first := w.created(oktaRequest())
		w.pass(time.Hour)
		w.sendGrid.Edit(first.ID, func(i *sendgrid.Integration) { i.EntityID = "https://other" })
		w.pass(time.Hour)
		second := w.succeeds(protocol.OutcomeCreated, signin("https://example.okta.com/2")).Integration
		w.pass(time.Hour)
		w.sendGrid.Edit(first.ID, func(i *sendgrid.Integration) { i.EntityID = entityID })
		require.True(t, w.sendGrid.Delete(second.ID))
		w.pass(time.Hour)
		_, err := w.ensure(signin("https://example.okta.com/3"))
		require.NoError(t, err)
		require.Len(t, w.sendGrid.Integrations(), 1)
	})
}

// What SendGrid shows while reads lag is not sent back.
func TestUpdateFromStaleReadKeepsCompletion(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.created(oktaRequest())
		w.pass(time.Hour)
		w.sendGrid.SetLag(20*time.Second, 20*time.Second)
		w.succeeds(protocol.OutcomeUpdated, updating(func(r *request.Resolved) { r.CompletedIntegration = new(true) }))
		w.pass(2 * time.Second)
		w.succeeds(protocol.OutcomeUpdated, updating(func(r *request.Resolved) { r.Name = "Renamed" }))
		w.pass(time.Hour)
		require.True(t, *w.sendGrid.Integrations()[0].CompletedIntegration, "what the request does not name stays")
	})
}

// An update whose fields SendGrid showed before it was sent is not confirmed by them.
func TestUpdateOfCompletionAloneIsNotConfirmedByReading(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.created(oktaRequest())
		w.pass(time.Hour)
		base := time.Now()
		// No try of the update takes effect.
		w.sendGrid.Script(sendgridtest.Fault{Op: sendgrid.OpUpdateIntegration, Status: 504, Times: 4})
		newest := updating(func(r *request.Resolved) { r.CompletedIntegration = new(true) })
		_, err := w.delivered(newest, "event:new", at(base.Add(2*time.Second)))
		requireCode(t, problem.OutcomeUnknown, err)
		w.pass(5 * time.Minute)
		result, err := w.delivered(signin("https://example.okta.com/old"), "event:old", at(base.Add(time.Second)))
		require.NoError(t, err)
		require.Equal(t, protocol.OutcomeUpdated, result.Outcome, "the newer request was never applied")
	})
}

// What version 1.0 counted counts.
func TestUnknownCreatesOfVersion1Count(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		r := oktaRequest()
		r.Certificates = certificates()[:1]
		there := w.sendGrid.Add(asSent(r))
		old := protocol.Entry{
			Key: protocol.NewEntry(w.provisioner.Account, entityID).Key, EntityID: entityID, Revision: 1, State: protocol.Unknown, Outcome: protocol.OutcomeCreated,
			Fingerprint: r.Fingerprint(), IntegrationID: there.ID, Certificate: r.Certificates[0].SHA256, UnknownCreates: 2, Rechecked: true,
			Expires: time.Now().Add(24 * time.Hour),
		}
		_, _, _ = w.ledger.Put(t.Context(), old)
		w.sendGrid.Script(sendgridtest.Fault{Op: sendgrid.OpCreateCertificate, Status: 504, Times: -1})
		for range 10 {
			_, err := w.ensure(r)
			require.Error(t, err)
			w.pass(3 * time.Minute)
		}
		require.LessOrEqual(t, 2+w.sendGrid.Count(sendgrid.OpCreateCertificate), 3)
	})
}

// The announcement of a request that was rejected does not lift an older one with the same content over a newer one.
func TestOlderCopyOfARejectedRequestIsSuperseded(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.created(oktaRequest())
		w.pass(time.Hour)
		base := time.Now()
		_, err := w.delivered(signin("https://example.okta.com/b"), "event:5", at(base.Add(5*time.Second)))
		require.NoError(t, err)
		w.pass(time.Hour)
		w.sendGrid.Script(sendgridtest.Fault{Op: sendgrid.OpUpdateIntegration, Status: 504, Times: 4}, sendgridtest.Fault{Op: sendgrid.OpUpdateIntegration, Status: 400})
		_, err = w.delivered(signin("https://example.okta.com/a"), "event:6", at(base.Add(6*time.Second)))
		requireCode(t, problem.OutcomeUnknown, err)
		w.pass(5 * time.Minute)
		_, err = w.delivered(signin("https://example.okta.com/a"), "event:6", at(base.Add(6*time.Second)))
		requireCode(t, problem.SendGridRejected, err)
		w.pass(5 * time.Minute)
		result, err := w.delivered(signin("https://example.okta.com/a"), "event:3", at(base.Add(3*time.Second)))
		require.NoError(t, err)
		require.Equal(t, protocol.OutcomeSuperseded, result.Outcome)
	})
}

// SendGrid keeps completed_integration false, whatever is sent. A certificate that may be on its way is still waited for.
func TestCertificateIsRecheckedBeforeAnUpdate(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.created(oktaRequest())
		w.pass(time.Hour)
		w.sendGrid.Script(sendgridtest.Fault{
			Op: sendgrid.OpUpdateIntegration, Status: 200, Times: -1,
			Body: `{"id":"x","name":"Okta","enabled":true,"entity_id":"` + entityID + `","completed_integration":false}`,
		}, sendgridtest.Fault{Op: sendgrid.OpCreateCertificate, Status: 504})
		r := updating(func(r *request.Resolved) { r.CompletedIntegration, r.Certificates = new(true), certificates()[:1] })
		w.fails(problem.OutcomeUnknown, r)
		w.pass(2 * time.Minute)
		_, err := w.ensure(r)
		require.Equal(t, 1, w.sendGrid.Count(sendgrid.OpCreateCertificate), "the next attempt has to recheck first: %v", err)
	})
}

// A request with if_exists: update is not told to send it.
func TestUpdateOfAnIntegrationWithoutAnID(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.sendGrid.Add(asSent(oktaRequest()))
		w.sendGrid.Script(sendgridtest.Fault{Op: sendgrid.OpListIntegrations, Times: -1, Omit: []string{"id"}})
		_, err := w.ensure(signin("https://example.okta.com/new"))
		var e *problem.Error
		require.ErrorAs(t, err, &e)
		require.Equal(t, problem.SendGridUnavailable, e.Code)
	})
}

// A request that may not update does not carry out an announced update with the same content.
func TestPlainRequestDoesNotCarryOutAnUpdate(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.created(oktaRequest())
		w.pass(time.Hour)
		w.sendGrid.Script(sendgridtest.Fault{Op: sendgrid.OpUpdateIntegration, Status: 504, Times: 4})
		w.fails(problem.OutcomeUnknown, signin("https://example.okta.com/new"))
		w.pass(5 * time.Minute)
		r := signin("https://example.okta.com/new")
		r.IfExists = request.ReportConflict
		w.fails(problem.Conflict, r)
	})
}

// An update whose create was lost, and that finds what a person made, makes it as requested.
func TestUpdateChangesWhatItAdopts(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.sendGrid.Script(sendgridtest.Fault{Op: sendgrid.OpCreateIntegration, Status: 504})
		r := signin("https://example.okta.com/wanted")
		w.fails(problem.OutcomeUnknown, r)
		w.sendGrid.Add(asSent(oktaRequest())) // A person makes it meanwhile.
		w.pass(5 * time.Minute)
		result, err := w.ensure(r)
		require.NoError(t, err)
		require.Equal(t, r.SigninURL, w.sendGrid.Integrations()[0].SigninURL, "if_exists: update, result %s", result.Outcome)
	})
}

// A failure about a certificate does not speak of the create of the integration.
func TestRecheckOfACertificateIsAboutTheCertificate(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.sendGrid.Script(sendgridtest.Fault{Op: sendgrid.OpCreateCertificate, Status: 504})
		r := oktaRequest()
		r.Certificates = certificates()[:1]
		w.fails(problem.OutcomeUnknown, r)
		e := w.fails(problem.OutcomeUnknown, r) // While it settles.
		require.Contains(t, e.Message, "may have added a certificate")
		w.pass(2 * time.Minute)
		e = w.fails(problem.OutcomeUnknown, r) // Recheck.
		require.Contains(t, e.Message, "may have added a certificate")
	})
}
