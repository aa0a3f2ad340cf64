package okta_test

import (
	"net/http"
	"strconv"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"sendgrid-sso-integration/internal/secret"
)

// An access token is used until a minute before it expires.
func TestAccessTokenIsRenewedInTime(t *testing.T) {
	t.Parallel()
	pem := pemKey(t)
	synctest.Test(t, func(t *testing.T) {
		issued := 0
		client := newClient(func(r *http.Request) *http.Response {
			if r.URL.Path == "/oauth2/v1/token" {
				issued++
				return respond(http.StatusOK, `{"access_token":"access-`+strconv.Itoa(issued)+`","token_type":"Bearer","expires_in":3600}`)
			}
			require.Equal(t, "Bearer access-"+strconv.Itoa(issued), r.Header.Get("Authorization"))
			return respond(http.StatusOK, "[]")
		})
		client.Credentials = credentials{ClientID: "0oa1", KeyID: "k", PrivateKey: secret.NewString(pem)}
		for _, step := range []struct {
			wait   time.Duration
			issued int
		}{{0, 1}, {58 * time.Minute, 1}, {90 * time.Second, 2}, {time.Minute, 2}} {
			time.Sleep(step.wait)
			require.NoError(t, list(t.Context(), client))
			require.Equal(t, step.issued, issued)
		}
	})
}

// A client asks for no scope that it does not use: without teammates nobody has to grant it one
// that reads people.
func TestScopes(t *testing.T) {
	t.Parallel()
	for readsUsers, want := range map[bool]string{false: "okta.apps.manage", true: "okta.apps.manage okta.users.read"} {
		var asked string
		client := newClient(func(r *http.Request) *http.Response {
			if r.URL.Path == "/oauth2/v1/token" {
				asked = r.PostFormValue("scope")
				return respond(http.StatusOK, `{"access_token":"a","token_type":"Bearer","expires_in":3600}`)
			}
			return respond(http.StatusOK, "[]")
		})
		client.Credentials = credentials{ClientID: "0oa1", KeyID: "k", PrivateKey: secret.NewString(pemKey(t))}
		client.ReadsUsers = readsUsers
		require.NoError(t, list(t.Context(), client))
		require.Equal(t, want, asked)
	}
}

func TestTokenResponseIsUnusable(t *testing.T) {
	t.Parallel()
	for name, body := range map[string]string{
		"no JSON": "S3CRET", "no token": `{"token_type":"Bearer"}`, "DPoP": `{"access_token":"S3CRET","token_type":"DPoP"}`,
		"line break": `{"access_token":"S3\nCRET","token_type":"Bearer"}`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			client := newClient(func(*http.Request) *http.Response { return respond(http.StatusOK, body) })
			client.Credentials = credentials{ClientID: "0oa1", KeyID: "k", PrivateKey: secret.NewString(pemKey(t))}
			require.EqualError(t, list(t.Context(), client), "okta: POST /oauth2/v1/token: HTTP 200: the response has no bearer token")
		})
	}
}
