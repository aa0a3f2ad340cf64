package main_test

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"sendgrid-sso-integration/internal/okta/oktatest"
)

// The API token is replaced after the first of the calls for one event.
func TestTokenIsRotatedBetweenTwoCalls(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.okta.Put(application(t), metadata(t))
	f := w.start(t)
	rotated := false
	w.afterOkta = func(*http.Request) {
		if !rotated {
			rotated = true
			w.okta.SetTokens("00-the-next-token")
			w.secrets.Put("okta/credential", `{"api_token":"00-the-next-token"}`)
		}
	}
	require.JSONEq(t, allProcessed, string(f.Invoke(queued(t, sample(t, "result-event")), timeout).Body))
	require.Equal(t, written(t, w), tree(t, w.okta.App(appID)))
	require.Equal(t, 2, w.secrets.Calls())
}

// The daily check finds out that Okta has revoked the token. A new token in the secret is enough.
func TestCheckNoticesARevokedToken(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	f := w.start(t)
	require.JSONEq(t, `{"outcome":"Checked"}`, string(f.Invoke(sample(t, "check"), timeout).Body))
	require.Equal(t, []string{"GET /api/v1/apps?limit=50"}, w.sent())
	require.Zero(t, metric(t, f, "CredentialRefused"))

	w.okta.SetTokens("00-the-next-token")
	require.Equal(t, "CredentialRefused", f.Invoke(sample(t, "check"), timeout).ErrorType())
	require.InDelta(t, 1, metric(t, f, "CredentialRefused"), 0)
}

func TestRateLimit(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.okta.Put(application(t), metadata(t))
	f := w.start(t)

	w.okta.Fail(oktatest.Fault{Method: http.MethodPut, Status: http.StatusTooManyRequests, RetryAfter: time.Second})
	start := time.Now()
	require.False(t, f.Invoke(sample(t, "result-event"), timeout).Failed)
	require.GreaterOrEqual(t, time.Since(start), time.Second)
	require.Equal(t, written(t, w), tree(t, w.okta.App(appID)))

	// A limit that outlasts the invocation is no reason to wait for its end.
	w.okta.Fail(oktatest.Fault{Status: http.StatusTooManyRequests, RetryAfter: time.Hour})
	start = time.Now()
	require.Equal(t, "RateLimited", f.Invoke(sample(t, "log-event"), timeout).ErrorType())
	require.Less(t, time.Since(start), 5*time.Second)
}

// newKey returns the secret of a service application with a new key.
func newKey(t *testing.T) (secret, privateKey string, public *rsa.PublicKey) {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	require.NoError(t, err)
	der, err := x509.MarshalPKCS8PrivateKey(key)
	require.NoError(t, err)
	privateKey = string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}))
	text, err := json.Marshal(map[string]string{"client_id": "0oaservice", "key_id": "kid-1", "private_key": privateKey})
	require.NoError(t, err)
	return string(text), privateKey, &key.PublicKey
}

// tokenRequests counts the requests for an access token.
func tokenRequests(w *world) (n int) {
	for _, r := range w.okta.Requests() {
		if r.Path == "/oauth2/v1/token" {
			n++
		}
	}
	return n
}

func TestServiceApplication(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.okta.SetTokens()
	w.okta.Put(application(t), metadata(t))
	secret, _, public := newKey(t)
	w.secrets.Put("okta/credential", secret)
	w.okta.SetClient("0oaservice", "kid-1", public)
	f := w.start(t)
	require.Equal(t, 1, tokenRequests(w), "the token is there before the first event")

	require.False(t, f.Invoke(sample(t, "result-event"), timeout).Failed)
	require.False(t, f.Invoke(sample(t, "log-event"), timeout).Failed)
	require.Equal(t, 1, tokenRequests(w), "the token is cached")

	w.okta.RevokeAccessTokens()
	require.False(t, f.Invoke(sample(t, "log-event"), timeout).Failed)
	require.Equal(t, 2, tokenRequests(w), "a token that was refused is replaced")

	// The key is replaced, in Okta and in the secret; then in Okta alone.
	secret, _, public = newKey(t)
	w.okta.SetClient("0oaservice", "kid-1", public)
	w.secrets.Put("okta/credential", secret)
	require.False(t, f.Invoke(sample(t, "check"), timeout).Failed)
	_, _, public = newKey(t)
	w.okta.SetClient("0oaservice", "kid-1", public)
	require.Equal(t, "CredentialRefused", f.Invoke(sample(t, "check"), timeout).ErrorType())
	require.Len(t, w.bus.Taken(), 3)
}

// Whatever Okta's responses repeat of what it was sent, nothing secret comes out of the function.
func TestNothingSecretComesOut(t *testing.T) {
	t.Parallel()
	secret, privateKey, public := newKey(t)
	echo := oktatest.Fault{Status: http.StatusForbidden, Body: `{"errorCode":"{{sent}}","error":"{{sent}}","errorSummary":"{{sent}}","error_description":"{{sent}}"}`}
	unusable := `{"api_token":"` + token + `","client_id":"both"}`
	for name, tt := range map[string]struct {
		secret string
		fault  oktatest.Fault
	}{
		"API token echoed":        {`{"api_token":"` + token + `"}`, echo},
		"redirect":                {`{"api_token":"` + token + `"}`, oktatest.Fault{Status: http.StatusFound, Body: "{{sent}}"}},
		"access token echoed":     {secret, oktatest.Fault{Path: "/api/v1/apps/" + appID, Status: echo.Status, Body: echo.Body}},
		"assertion echoed":        {secret, oktatest.Fault{Path: "/oauth2/v1/token", Status: echo.Status, Body: echo.Body}},
		"unusable token response": {secret, oktatest.Fault{Path: "/oauth2/v1/token", Status: 200, Body: `{"access_token":"{{sent}}"}`}},
		"unusable secret":         {unusable, oktatest.Fault{}},
		"secret is not JSON":      {token, oktatest.Fault{}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.okta.Put(application(t), metadata(t))
			w.okta.SetClient("0oaservice", "kid-1", public)
			w.secrets.Put("okta/credential", tt.secret)
			w.okta.Fail(tt.fault, tt.fault, tt.fault)
			f := w.start(t)
			out := string(f.Invoke(sample(t, "log-event"), timeout).Body) + string(f.Invoke(sample(t, "result-event"), timeout).Body)
			require.Contains(t, out, "errorType")
			out += f.Log()
			for _, e := range w.bus.Taken() {
				out += e.Detail
			}
			forbidden := []string{token, "PRIVATE KEY", "eyJ", "access-"}
			for _, r := range w.okta.Requests() {
				if _, credential, ok := strings.Cut(r.Authorization, " "); ok {
					forbidden = append(forbidden, credential)
				}
			}
			for line := range strings.Lines(privateKey) {
				forbidden = append(forbidden, strings.TrimSpace(line))
			}
			for _, text := range forbidden {
				require.NotContains(t, out, text)
			}
		})
	}
}
