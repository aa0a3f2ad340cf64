package provision_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"sendgrid-sso-integration/internal/protocol"
	"sendgrid-sso-integration/internal/saml"
	"sendgrid-sso-integration/internal/saml/samltest"
	"sendgrid-sso-integration/sendgrid"
)

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
