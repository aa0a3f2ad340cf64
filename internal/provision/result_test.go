package provision_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/json"
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
)

func TestDaysLeft(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 23, 15, 0, 0, 0, time.UTC)
	require.Nil(t, provision.DaysLeft(nil, now))
	for name, tt := range map[string]struct {
		lasts []time.Duration // Of each certificate.
		want  int
	}{
		"the last one counts":  {[]time.Duration{24 * time.Hour, 72 * time.Hour, 48 * time.Hour}, 3},
		"a day that has begun": {[]time.Duration{47 * time.Hour}, 1},
		"the last day":         {[]time.Duration{time.Second}, 0},
		"has just expired":     {[]time.Duration{-time.Second}, -1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var certificates []provision.Certificate
			for _, lasts := range tt.lasts {
				certificates = append(certificates, provision.Certificate{NotAfter: now.Add(lasts)})
			}
			require.Equal(t, tt.want, *provision.DaysLeft(certificates, now))
		})
	}
	far := time.Date(9966, 11, 2, 1, 26, 42, 0, time.UTC) // Longer than a time.Duration can be.
	require.Equal(t, 2_900_003, *provision.DaysLeft([]provision.Certificate{{NotAfter: far}}, now))
	require.Equal(t, -1, *provision.DaysLeft([]provision.Certificate{{NotAfter: now}}, now.Add(time.Nanosecond)))
	require.Equal(t, 0, *provision.DaysLeft([]provision.Certificate{{NotAfter: now}}, now))
}

// A result has the days left if it has the certificates.
func TestEnsureReportsDaysLeft(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.pass(time.Until(certificates()[0].NotAfter.AddDate(0, 0, -20)))
		r := oktaRequest()
		r.Certificates = certificates()[:1]
		for _, outcome := range []protocol.Outcome{protocol.OutcomeCreated, protocol.OutcomeUnchanged} {
			text, err := json.Marshal(w.succeeds(outcome, r))
			require.NoError(t, err)
			require.Contains(t, string(text), `"days_left":20,`)
		}
		r.Certificates = nil
		text, err := json.Marshal(w.succeeds(protocol.OutcomeUnchanged, r))
		require.NoError(t, err)
		require.NotContains(t, string(text), "days_left")
	})
}

// A result has at most 20 certificates: those of the request, then those that are valid longest.
func TestCertificatesOfAResultAreBounded(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		const stored, shown = 25, 20
		w := newWorld(t)
		r := oktaRequest()
		id := w.sendGrid.Add(asSent(r)).ID
		key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
		require.NoError(t, err)
		for days := range stored {
			text := samltest.PEM(samltest.NewCertificate(key, "idp.example.com", time.Now(), time.Now().AddDate(1, 0, days)))
			w.sendGrid.AddCertificate(sendgrid.CertificateRequest{PublicCertificate: text, IntegrationID: id, Enabled: true})
			if days == 0 {
				r.Certificates, err = saml.ParseCertificates(text, time.Now())
				require.NoError(t, err)
			}
		}
		certificates := w.succeeds(protocol.OutcomeUnchanged, r).Certificates
		require.Len(t, certificates, shown)
		require.Equal(t, r.Certificates[0].SHA256, certificates[0].SHA256)
		for i, c := range certificates[1:] {
			require.WithinDuration(t, time.Now().AddDate(1, 0, stored-1-i), c.NotAfter, time.Second)
		}
	})
}

// A certificate that SendGrid shows in a form that is none counts by the dates that SendGrid
// reports, in a result as in an audit.
func TestUnreadableCertificatesCount(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
		require.NoError(t, err)
		text := func(days int) string {
			return samltest.PEM(samltest.NewCertificate(key, "idp.example.com", time.Now(), time.Now().AddDate(0, 0, days)))
		}
		r := oktaRequest()
		id := w.sendGrid.Add(asSent(r)).ID
		w.sendGrid.AddCertificate(sendgrid.CertificateRequest{PublicCertificate: text(90), IntegrationID: id, Enabled: true})
		w.sendGrid.SetCertificateForm(func(string) string { return "?" })
		r.Certificates, err = saml.ParseCertificates(text(9), time.Now())
		require.NoError(t, err)
		e := w.fails(problem.Conflict, r)
		require.Contains(t, e.Fields[0].Message, "is sha256 unknown in SendGrid")

		r.IfExists = request.UpdateExisting
		result := w.succeeds(protocol.OutcomeUpdated, r)
		require.Len(t, result.Certificates, 2)
		require.Empty(t, result.Certificates[0].SHA256)
		require.Equal(t, 90, *result.DaysLeft)
	})
}
