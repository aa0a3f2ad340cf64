package provision_test

import (
	"sync"
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

func warned(t *testing.T, result *provision.Result, code provision.WarningCode) string {
	t.Helper()
	for _, w := range result.Warnings {
		if w.Code == code {
			return w.Message
		}
	}
	require.FailNow(t, "no such warning", "%s in %v", code, result.Warnings)
	return ""
}

func unwarned(t *testing.T, result *provision.Result) {
	t.Helper()
	for _, w := range result.Warnings {
		require.NotEqual(t, provision.NoCertificate, w.Code)
	}
}

// thirdCertificate is none of withCertificates, and withThird asks for it alone.
var thirdCertificate = sync.OnceValue(func() saml.Certificate {
	_, der := samltest.NewKeyPair("third", time.Unix(0, 0), time.Date(2099, 1, 1, 0, 0, 0, 0, time.UTC))
	parsed, err := saml.ParseCertificates(samltest.PEM(der), time.Now())
	if err != nil {
		panic(err)
	}
	return parsed[0]
})

func withThird() request.Resolved {
	r := oktaRequest()
	r.Certificates = []saml.Certificate{thirdCertificate()}
	return r
}

// The warning of the create says what a plain request may do, and it may.
func TestEnsureCompletesACreateWithItsFirstCertificates(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		for _, outcome := range []protocol.Outcome{protocol.OutcomeCreated, protocol.OutcomeUnchanged} {
			result := w.succeeds(outcome, oktaRequest())
			require.Contains(t, warned(t, result, provision.NoCertificate), "needs no if_exists")
		}
		w.counts(nil)

		result := w.succeeds(protocol.OutcomeUpdated, withCertificates())
		require.Len(t, w.sendGrid.Certificates(result.Integration.ID), 2)
		unwarned(t, result)
		w.counts(map[sendgrid.Op]int{sendgrid.OpListCertificates: 2, sendgrid.OpCreateCertificate: 2}) // Read, and again as the owner.
		unwarned(t, w.succeeds(protocol.OutcomeUnchanged, oktaRequest()))
		unwarned(t, w.succeeds(protocol.OutcomeUnchanged, withCertificates()))

		another := withThird()
		e := w.fails(problem.Conflict, another)
		require.Contains(t, e.Message, "WEBHOOK_MAY_UPDATE")
	})
}

// A caller who may only create completes only what such a caller created: else a webhook secret alone would bring
// the certificate by which people log in to a connection that somebody else declared.
func TestEnsureCompletesNoCreateOfSomebodyWhoMayMore(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		_, err := w.deliveredBy("operator", oktaRequest())
		require.NoError(t, err)
		require.Contains(t, warned(t, w.succeeds(protocol.OutcomeUnchanged, oktaRequest()), provision.NoCertificate), "WEBHOOK_MAY_UPDATE")
		w.fails(problem.Conflict, withCertificates())
		require.Zero(t, w.sendGrid.Count(sendgrid.OpCreateCertificate))

		result, err := w.deliveredBy("operator", oktaRequest())
		require.NoError(t, err)
		require.Contains(t, warned(t, result, provision.NoCertificate), "needs no if_exists")
		result, err = w.deliveredBy("operator", withCertificates())
		require.NoError(t, err)
		require.Equal(t, protocol.OutcomeUpdated, result.Outcome)
	})
}

// Whatever else is there or was done, only an update adds a certificate.
func TestEnsureAddsNoFirstCertificateToAnythingElse(t *testing.T) {
	t.Parallel()
	for name, prepare := range map[string]func(*world) request.Resolved{
		"made by hand": func(w *world) request.Resolved {
			_, err := w.client.CreateIntegration(w.t.Context(), oktaRequest().Integration())
			require.NoError(w.t, err)
			w.unchanged(oktaRequest())
			return withCertificates()
		},
		"adopted": func(w *world) request.Resolved {
			w.sendGrid.Script(sendgridtest.Fault{Op: sendgrid.OpCreateIntegration, Commit: true, Status: 504})
			result := w.succeeds(protocol.OutcomeCreated, oktaRequest())
			require.Contains(w.t, warned(w.t, result, provision.NoCertificate), "if_exists: update")
			return withCertificates()
		},
		"with a certificate of a person": func(w *world) request.Resolved {
			made := w.created(oktaRequest())
			_, err := w.client.CreateCertificate(w.t.Context(), sendgrid.CertificateRequest{PublicCertificate: thirdCertificate().PEM(), IntegrationID: made.ID})
			require.NoError(w.t, err)
			return withCertificates()
		},
		"with one that cannot be read": func(w *world) request.Resolved {
			w.created(oktaRequest())
			w.sendGrid.Script(sendgridtest.Fault{Op: sendgrid.OpListCertificates, Times: -1, Status: 200, Body: `[{"id":7,"public_certificate":"?"}]`})
			return withCertificates()
		},
		"edited": func(w *world) request.Resolved {
			w.created(oktaRequest())
			w.succeeds(protocol.OutcomeUpdated, updating(func(r *request.Resolved) { r.Name = "Renamed" }))
			w.pass(2 * provision.DefaultSettling)
			r := withCertificates()
			r.Name = "Renamed"
			return r
		},
		"with other fields": func(w *world) request.Resolved {
			w.created(oktaRequest())
			r := withCertificates()
			r.Name = "Another"
			return r
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t)
				r := prepare(w)
				before := w.sendGrid.Count(sendgrid.OpCreateCertificate)
				w.fails(problem.Conflict, r)
				require.Equal(t, before, w.sendGrid.Count(sendgrid.OpCreateCertificate))
			})
		})
	}
}

// A certificate that SendGrid refuses leaves the way open for another one.
func TestEnsureCompletesACreateAfterARefusedCertificate(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.created(oktaRequest())
		w.sendGrid.Script(sendgridtest.Fault{Op: sendgrid.OpCreateCertificate, Status: 400, Body: `{"error":"bad"}`})
		w.fails(problem.SendGridRejected, withCertificates())
		w.succeeds(protocol.OutcomeUpdated, withThird())
	})
}

// What was there, and a person removed, is said once it is known.
func TestEnsureWarnsOfARemovedCertificate(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.succeeds(protocol.OutcomeCreated, withCertificates())
		w.sendGrid.Script(sendgridtest.Fault{Op: sendgrid.OpListCertificates, Status: 200, Body: `[]`})
		result := w.succeeds(protocol.OutcomeUnchanged, withCertificates())
		require.Contains(t, warned(t, result, provision.NoCertificate), "removed in SendGrid")
	})
}
