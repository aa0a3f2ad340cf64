package provision_test

import (
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"sendgrid-sso-integration/internal/provision"
	"sendgrid-sso-integration/internal/saml"
	"sendgrid-sso-integration/internal/saml/samltest"
	"sendgrid-sso-integration/sendgrid"
)

// scenario is a request in the fault matrix, and the write to SendGrid that the faults meet.
type scenario struct {
	name    string
	request func() provision.Request
	// prepare makes what is there before.
	prepare func(w *matrixWorld)
	// write is the write that faults meet, and announced its step in the ledger.
	write     sendgrid.Op
	announced string
	// reconcile is the read that finds out the outcome of the write, after so many others.
	reconcile      sendgrid.Op
	readsBefore    int
	certificates   int
	outcome        provision.Outcome
	commitByItself func(w *matrixWorld)
}

func scenarios() []scenario {
	return []scenario{
		{
			name: "create", request: request, prepare: func(*matrixWorld) {},
			write: sendgrid.OpCreateIntegration, announced: stepCreating,
			reconcile: sendgrid.OpListIntegrations, readsBefore: 1, outcome: provision.OutcomeCreated,
			commitByItself: func(w *matrixWorld) { w.sendGrid.Add(asSent(request())) },
		},
		{
			name: "certificates", request: withCertificates, prepare: func(*matrixWorld) {},
			write: sendgrid.OpCreateCertificate, announced: stepAdding,
			reconcile: sendgrid.OpListCertificates, certificates: 2, outcome: provision.OutcomeCreated,
			commitByItself: func(w *matrixWorld) {
				if all := w.sendGrid.Integrations(); len(all) == 1 {
					w.sendGrid.AddCertificate(sendgrid.CertificateRequest{
						PublicCertificate: certificates()[0].PEM(), IntegrationID: all[0].ID, Enabled: true,
					})
				}
			},
		},
		{
			name: "update",
			request: func() provision.Request {
				r := withCertificates()
				r.IfExists = provision.UpdateExisting
				return r
			},
			prepare: func(w *matrixWorld) {
				before := asSent(request())
				before.Name, before.Enabled = "Before", false
				made := w.sendGrid.Add(before)
				w.sendGrid.AddCertificate(sendgrid.CertificateRequest{
					PublicCertificate: certificates()[0].PEM(), IntegrationID: made.ID, Enabled: true,
				})
				time.Sleep(time.Minute)
			},
			write: sendgrid.OpUpdateIntegration, announced: stepPending,
			reconcile: sendgrid.OpGetIntegration, certificates: 2, outcome: provision.OutcomeUpdated,
			commitByItself: func(w *matrixWorld) {
				w.sendGrid.Edit(w.sendGrid.Integrations()[0].ID, func(i *sendgrid.Integration) { i.Name, i.Enabled = request().Name, true })
			},
		},
	}
}

// certificates are two certificates of an IdP. A bubble's clock is in the past of them.
var certificates = sync.OnceValue(func() []saml.Certificate {
	var both []saml.Certificate
	for range 2 {
		_, der := samltest.NewKeyPair("idp", time.Now().Add(-time.Hour), time.Now().Add(10*365*24*time.Hour))
		parsed, err := saml.ParseStored(samltest.PEM(der))
		if err != nil {
			panic(err)
		}
		both = append(both, parsed)
	}
	return both
})

func withCertificates() provision.Request {
	r := request()
	r.Certificates = certificates()
	return r
}

// requireCertificates requires that SendGrid has so many certificates, none of them twice.
func requireCertificates(t *testing.T, w *world, atMost int) (hashes []string) {
	t.Helper()
	seen := map[string]bool{}
	for _, i := range w.sendGrid.Integrations() {
		for _, c := range w.sendGrid.Certificates(i.ID) {
			parsed, err := saml.ParseStored(c.PublicCertificate)
			require.NoError(t, err)
			require.False(t, seen[parsed.SHA256], "a certificate is there twice")
			require.True(t, c.Enabled)
			seen[parsed.SHA256] = true
			hashes = append(hashes, parsed.SHA256)
		}
	}
	require.LessOrEqual(t, len(hashes), atMost)
	return hashes
}
