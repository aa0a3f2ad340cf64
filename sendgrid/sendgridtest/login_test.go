package sendgridtest_test

import (
	"cmp"
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
	"sendgrid-sso-integration/sendgrid/sendgridtest/logintest"
)

// newIDP returns an identity provider with a key of its own, which is valid from an hour
// before now until valid from now.
func newIDP(t *testing.T, entityID string, valid time.Duration) *sendgridtest.IDP {
	t.Helper()
	idp, err := sendgridtest.NewIDP(entityID, time.Now().Add(-time.Hour), time.Now().Add(valid))
	require.NoError(t, err)
	return idp
}

func TestLogIn(t *testing.T) {
	t.Parallel()
	for name, tt := range logintest.Cases() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w, response := tt.Make(t)
			nameID, err := w.Server.LogIn(w.Integration.ID, response)
			if tt.Refusal != "" {
				require.ErrorContains(t, err, tt.Refusal)
				require.Empty(t, nameID)
				return
			}
			require.NoError(t, err)
			require.Equal(t, cmp.Or(tt.NameID, logintest.Person), nameID)
		})
	}
}

func TestLogInWithADeletedIntegration(t *testing.T) {
	t.Parallel()
	w := logintest.New(t)
	w.Server.Delete(w.Integration.ID)
	_, err := w.Server.LogIn(w.Integration.ID, w.Respond(w.Right))
	require.EqualError(t, err, "the integration does not exist")
}

// An old response cannot be replayed.
func TestLogInInTime(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := logintest.NewOf(t, logintest.IDPs{Right: newIDP(t, logintest.EntityID, time.Hour)})
		response := w.Respond(w.Right)
		_, err := w.Server.LogIn(w.Integration.ID, response)
		require.NoError(t, err)
		time.Sleep(10 * time.Minute)
		_, err = w.Server.LogIn(w.Integration.ID, response)
		require.ErrorContains(t, err, "expired")
		time.Sleep(time.Hour)
		_, err = w.Server.LogIn(w.Integration.ID, w.Respond(w.Right))
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
	in.EntityID = logintest.EntityID
	integration := s.Add(in)
	require.True(t, strings.HasPrefix(integration.SingleSignOnURL, server.URL))
	s.AddCertificate(sendgrid.CertificateRequest{PublicCertificate: idp.PEM(), IntegrationID: integration.ID, Enabled: true})
	response, err := idp.Respond(integration.AudienceURL, integration.SingleSignOnURL, logintest.Person)
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
	require.Empty(t, s.Requests(), "a login is no request to the API")
}
