package refusal_test

import (
	"crypto/x509"
	"encoding/base64"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"sendgrid-sso-integration/internal/refusal"
	"sendgrid-sso-integration/internal/saml"
	"sendgrid-sso-integration/sendgrid"
	"sendgrid-sso-integration/sendgrid/sendgridtest"
	"sendgrid-sso-integration/sendgrid/sendgridtest/logintest"
)

// FuzzRead: what is read is XML, and is read the same from base64.
func FuzzRead(f *testing.F) {
	for _, pasted := range []string{"", document, inBase64(document), "SAMLResponse=" + inBase64(document) + "&", "PH%3D", "\uFEFF<"} {
		f.Add([]byte(pasted))
	}
	f.Fuzz(func(t *testing.T, pasted []byte) {
		read, err := refusal.Read(pasted)
		if err != nil {
			return
		}
		require.True(t, saml.IsXML(read))
		again, err := refusal.Read([]byte(base64.StdEncoding.EncodeToString(read)))
		if len(read) <= refusal.MaxBytes/2 {
			require.NoError(t, err)
			require.Equal(t, read, again)
		}
	})
}

// FuzzExplain: no text ends the program, controls the terminal, or is called right where the simulator
// refuses it.
func FuzzExplain(f *testing.F) {
	idp, err := sendgridtest.NewIDP(logintest.EntityID, time.Now().Add(-time.Hour), time.Now().Add(24*time.Hour))
	require.NoError(f, err)
	const address = "https://api.sendgrid.com/v3/public/sso/saml/response/id/1"
	integration := sendgrid.Integration{ID: "1", Enabled: true, EntityID: logintest.EntityID, SingleSignOnURL: address, AudienceURL: address}
	response, err := idp.Respond(address, address, logintest.Person)
	require.NoError(f, err)
	f.Add(response)
	for _, text := range []string{"<Response/>", `<Response><Assertion xmlns="urn:oasis:names:tc:SAML:2.0:assertion"><Subject><NameID>` + "\u009b" + `</NameID></Subject></Assertion></Response>`} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, pasted []byte) {
		v := refusal.Explain(refusal.Question{
			Pasted: pasted, Integration: integration, Certificates: []sendgrid.Certificate{{PublicCertificate: idp.PEM()}}, Now: time.Now(),
		})
		requireReadable(t, v)
		if len(v.Reasons) > 0 {
			return
		}
		document, err := refusal.Read(pasted)
		require.NoError(t, err)
		nameID, err := sendgridtest.Judge(integration, []*x509.Certificate{idp.Certificate}, document, v.At)
		require.NoError(t, err)
		require.Equal(t, nameID, v.NameID)
	})
}
