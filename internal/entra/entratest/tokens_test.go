package entratest_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"sendgrid-sso-integration/internal/entra/entratest"
)

// assertion asks the STS for a token as a caller who is not the connector would.
func assertion(t *testing.T, sts *entratest.STS, audience, algorithm string) string {
	t.Helper()
	form := url.Values{
		"Action": {"GetWebIdentityToken"}, "Version": {"2011-06-15"}, "Audience.member.1": {audience}, "SigningAlgorithm": {algorithm}, "DurationSeconds": {"300"},
	}
	r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/", strings.NewReader(form.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	w := httptest.NewRecorder()
	sts.ServeHTTP(w, r)
	_, rest, found := strings.Cut(w.Body.String(), "<WebIdentityToken>")
	require.True(t, found, w.Body)
	token, _, _ := strings.Cut(rest, "<")
	return token
}

// The tenant is as strict as Entra with what the connector sends.
func TestTokenEndpoint(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		audience, algorithm string
		lifetime            time.Duration
		change              func(url.Values)
		status              int
		body                string
	}{
		"accepted":         {change: func(url.Values) {}, status: 200, body: "access_token"},
		"another audience": {audience: "https://example.com", status: 401, body: "AADSTS700212"},
		"ES384":            {algorithm: "ES384", status: 401, body: "AADSTS50013"},
		"expired":          {lifetime: -time.Minute, status: 401, body: "AADSTS700024"},
		"another client":   {change: func(f url.Values) { f.Set("client_id", "x") }, status: 400, body: "AADSTS700016"},
		"another scope":    {change: func(f url.Values) { f.Set("scope", "openid") }, status: 400, body: "AADSTS70011"},
		"another grant":    {change: func(f url.Values) { f.Set("grant_type", "password") }, status: 400, body: "AADSTS70003"},
		"no proof":         {change: func(f url.Values) { f.Del("client_assertion") }, status: 401, body: "AADSTS7000218"},
		"forged":           {change: func(f url.Values) { f.Set("client_assertion", f.Get("client_assertion")+"x") }, status: 401, body: "AADSTS50013"},
		"wrong type":       {change: func(f url.Values) { f.Del("client_assertion_type") }, status: 400, body: "AADSTS900144"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			sts, err := entratest.NewSTS("https://issuer", "role")
			require.NoError(t, err)
			sts.Lifetime = tt.lifetime
			tenant := entratest.New("tenant")
			tenant.Trust("client", sts.Credential())
			audience, algorithm := "api://AzureADTokenExchange", "RS256"
			if tt.audience != "" {
				audience = tt.audience
			}
			if tt.algorithm != "" {
				algorithm = tt.algorithm
			}
			form := url.Values{
				"grant_type": {"client_credentials"}, "client_id": {"client"}, "scope": {"http://example.com/.default"},
				"client_assertion_type": {"urn:ietf:params:oauth:client-assertion-type:jwt-bearer"},
				"client_assertion":      {assertion(t, sts, audience, algorithm)},
			}
			if tt.change != nil {
				tt.change(form)
			}
			r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/tenant/oauth2/v2.0/token", strings.NewReader(form.Encode()))
			w := httptest.NewRecorder()
			tenant.ServeHTTP(w, r)
			body, err := io.ReadAll(w.Body)
			require.NoError(t, err)
			require.Equal(t, tt.status, w.Code, string(body))
			require.Contains(t, string(body), tt.body)
		})
	}
}
