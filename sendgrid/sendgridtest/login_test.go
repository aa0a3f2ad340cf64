package sendgridtest_test

import (
	"encoding/base64"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"sendgrid-sso-integration/sendgrid"
	"sendgrid-sso-integration/sendgrid/sendgridtest"
)

const (
	entityID = "https://idp.example/metadata"
	person   = "ada@example.com"
)

// newIDP returns an identity provider with a key of its own, which is valid from an hour
// before now until valid from now.
func newIDP(t *testing.T, entityID string, valid time.Duration) *sendgridtest.IDP {
	t.Helper()
	idp, err := sendgridtest.NewIDP(entityID, time.Now().Add(-time.Hour), time.Now().Add(valid))
	require.NoError(t, err)
	return idp
}

// logInWorld is an integration that trusts the certificate of one identity provider.
type logInWorld struct {
	server      *sendgridtest.Server
	integration sendgrid.Integration
	certificate sendgridtest.Certificate
	idp         *sendgridtest.IDP
}

func newLogInWorld(t *testing.T, idp *sendgridtest.IDP) logInWorld {
	t.Helper()
	w := logInWorld{server: sendgridtest.New(), idp: idp}
	in := request()
	in.EntityID = entityID
	w.integration = w.server.Add(in)
	w.certificate = w.server.AddCertificate(sendgrid.CertificateRequest{
		PublicCertificate: w.idp.PEM(), IntegrationID: w.integration.ID, Enabled: true,
	})
	return w
}

// respond returns what the identity provider sends to the integration.
func (w logInWorld) respond(t *testing.T, idp *sendgridtest.IDP) string {
	t.Helper()
	response, err := idp.Respond(w.integration.AudienceURL, w.integration.SingleSignOnURL, person)
	require.NoError(t, err)
	return string(response)
}

func TestLogIn(t *testing.T) {
	t.Parallel()
	right, err := anIDP()
	require.NoError(t, err)
	stranger := newIDP(t, entityID, time.Hour)
	for name, tt := range map[string]struct {
		set     func(*testing.T, logInWorld)
		respond func(*testing.T, logInWorld) string
		refusal string // empty where the person is logged in
	}{
		"accepted": {},
		"a rotated key, while the former one is still there": {
			set: func(t *testing.T, w logInWorld) {
				t.Helper()
				w.server.AddCertificate(sendgrid.CertificateRequest{PublicCertificate: stranger.PEM(), IntegrationID: w.integration.ID, Enabled: true})
				nameID, err := w.server.LogIn(w.integration.ID, []byte(w.respond(t, stranger)))
				require.NoError(t, err)
				require.Equal(t, person, nameID)
			},
		},
		"another key": {
			respond: func(t *testing.T, w logInWorld) string { t.Helper(); return w.respond(t, stranger) },
			refusal: "Could not verify certificate against trusted certs",
		},
		"a key of another integration": {
			set: func(t *testing.T, w logInWorld) {
				t.Helper()
				other := w.server.Add(request()).ID
				w.server.AddCertificate(sendgrid.CertificateRequest{PublicCertificate: stranger.PEM(), IntegrationID: other, Enabled: true})
			},
			respond: func(t *testing.T, w logInWorld) string { t.Helper(); return w.respond(t, stranger) },
			refusal: "Could not verify certificate against trusted certs",
		},
		"another issuer": {
			set: func(t *testing.T, w logInWorld) {
				t.Helper()
				w.server.Edit(w.integration.ID, func(i *sendgrid.Integration) { i.EntityID = "urn:other" })
			},
			refusal: `response Issuer does not match the IDP metadata (expected "urn:other")`,
		},
		"another audience": {
			respond: func(t *testing.T, w logInWorld) string {
				t.Helper()
				response, err := w.idp.Respond("https://elsewhere.example", w.integration.SingleSignOnURL, person)
				require.NoError(t, err)
				return string(response)
			},
			refusal: `the audience is "https://elsewhere.example"`,
		},
		"another recipient": {
			respond: func(t *testing.T, w logInWorld) string {
				t.Helper()
				response, err := w.idp.Respond(w.integration.AudienceURL, "https://elsewhere.example", person)
				require.NoError(t, err)
				return string(response)
			},
			refusal: "`Destination` does not match",
		},
		"disabled integration": {
			set: func(t *testing.T, w logInWorld) {
				t.Helper()
				w.server.Edit(w.integration.ID, func(i *sendgrid.Integration) { i.Enabled = false })
			},
			refusal: "the integration is disabled",
		},
		"deleted integration": {
			set:     func(t *testing.T, w logInWorld) { t.Helper(); w.server.Delete(w.integration.ID) },
			refusal: "the integration does not exist",
		},
		"missing certificate": {
			set:     func(t *testing.T, w logInWorld) { t.Helper(); w.server.DeleteCertificate(w.certificate.ID) },
			refusal: "the integration has no certificate, and no other",
		},
		"disabled certificate": {
			set: func(t *testing.T, w logInWorld) {
				t.Helper()
				w.server.EditCertificate(w.certificate.ID, func(c *sendgridtest.Certificate) { c.Enabled = false })
			},
			refusal: "the integration has a certificate that is disabled, and no other",
		},
		"unreadable certificate": {
			set: func(t *testing.T, w logInWorld) {
				t.Helper()
				w.server.EditCertificate(w.certificate.ID, func(c *sendgridtest.Certificate) { c.PublicCertificate = "x" })
			},
			refusal: "the integration has a certificate that cannot be read, and no other",
		},
		"expired certificate": {
			set: func(t *testing.T, w logInWorld) {
				t.Helper()
				expired := newIDP(t, entityID, -time.Minute)
				w.server.EditCertificate(w.certificate.ID, func(c *sendgridtest.Certificate) { c.PublicCertificate = expired.PEM() })
			},
			refusal: "the integration has a certificate that is not valid now, and no other",
		},
		"changed after it was signed": {
			respond: func(t *testing.T, w logInWorld) string {
				t.Helper()
				return strings.ReplaceAll(w.respond(t, w.idp), person, "eve@example.com")
			},
			refusal: "Signature could not be verified",
		},
		"no XML":       {respond: func(*testing.T, logInWorld) string { return "x" }, refusal: "the response cannot be read: EOF"},
		"no assertion": {respond: func(*testing.T, logInWorld) string { return "<Response/>" }, refusal: "the response has not exactly one assertion in plain text"},
		"an empty assertion": {
			respond: func(*testing.T, logInWorld) string {
				return `<Response><Assertion xmlns="urn:oasis:names:tc:SAML:2.0:assertion"/></Response>`
			},
			refusal: "the assertion lacks its name id, subject confirmation or conditions",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newLogInWorld(t, right)
			if tt.set != nil {
				tt.set(t, w)
			}
			respond := tt.respond
			if respond == nil {
				respond = func(t *testing.T, w logInWorld) string { t.Helper(); return w.respond(t, w.idp) }
			}
			nameID, err := w.server.LogIn(w.integration.ID, []byte(respond(t, w)))
			if tt.refusal == "" {
				require.NoError(t, err)
				require.Equal(t, person, nameID)
				return
			}
			require.ErrorContains(t, err, tt.refusal)
			require.Empty(t, nameID)
		})
	}
}

// An old response cannot be replayed.
func TestLogInInTime(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newLogInWorld(t, newIDP(t, entityID, time.Hour))
		response := w.respond(t, w.idp)
		_, err := w.server.LogIn(w.integration.ID, []byte(response))
		require.NoError(t, err)
		time.Sleep(10 * time.Minute)
		_, err = w.server.LogIn(w.integration.ID, []byte(response))
		require.ErrorContains(t, err, "expired")
		time.Sleep(time.Hour)
		_, err = w.server.LogIn(w.integration.ID, []byte(w.respond(t, w.idp)))
		require.ErrorContains(t, err, "not valid now")
	})
}

// Over HTTP, at the URL that the integration names.
func TestAssertionConsumerService(t *testing.T) {
	t.Parallel()
	idp, err := anIDP()
	require.NoError(t, err)
	s := sendgridtest.New()
	server := httptest.NewServer(s)
	t.Cleanup(server.Close)
	s.SetPublicURL(server.URL)
	in := request()
	in.EntityID = entityID
	integration := s.Add(in)
	require.True(t, strings.HasPrefix(integration.SingleSignOnURL, server.URL))
	s.AddCertificate(sendgrid.CertificateRequest{PublicCertificate: idp.PEM(), IntegrationID: integration.ID, Enabled: true})
	response, err := idp.Respond(integration.AudienceURL, integration.SingleSignOnURL, person)
	require.NoError(t, err)

	for name, tt := range map[string]struct {
		value  string
		status int
		body   string
	}{
		"accepted":    {base64.StdEncoding.EncodeToString(response), 200, `{"name_id":"ada@example.com"}`},
		"no base64":   {"%", 403, `{"reason":"illegal base64 data at input byte 0"}`},
		"no response": {"", 403, `{"reason":"the response cannot be read: EOF"}`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w, err := http.PostForm(integration.SingleSignOnURL, url.Values{"SAMLResponse": {tt.value}})
			require.NoError(t, err)
			body, err := io.ReadAll(w.Body)
			require.NoError(t, err)
			require.NoError(t, w.Body.Close())
			require.Equal(t, tt.status, w.StatusCode)
			require.JSONEq(t, tt.body, string(body))
		})
	}
	w := send(t, s, http.MethodGet, "/v3/public/sso/saml/response/id/"+integration.ID, "")
	require.Equal(t, http.StatusMethodNotAllowed, w.Code)
	require.Empty(t, s.Requests(), "a log-in is no request to the API")
}
