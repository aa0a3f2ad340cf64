package entra_test

import (
	"io"
	"net/http"
	"strconv"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"sendgrid-sso-integration/internal/entra"
)

// An access token is used until a minute before it expires, and is one of Graph alone.
func TestAccessTokenIsRenewedInTime(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		issued := 0
		client := newClient(nil)
		client.HTTP = &http.Client{Transport: roundTripper(func(r *http.Request) *http.Response {
			if r.URL.Host == "login.microsoftonline.com" {
				body, _ := io.ReadAll(r.Body)
				require.Contains(t, string(body), "scope=https%3A%2F%2Fgraph.microsoft.com%2F.default")
				require.Contains(t, string(body), "client_secret=S3CRET")
				issued++
				return respond(http.StatusOK, `{"access_token":"access-`+strconv.Itoa(issued)+`","token_type":"Bearer","expires_in":3600}`)
			}
			require.Equal(t, "graph.microsoft.com", r.URL.Host)
			require.Equal(t, "Bearer access-"+strconv.Itoa(issued), r.Header.Get("Authorization"))
			return respond(http.StatusOK, object)
		})}
		for _, step := range []struct {
			wait   time.Duration
			issued int
		}{{0, 1}, {58 * time.Minute, 1}, {90 * time.Second, 2}} {
			time.Sleep(step.wait)
			_, err := client.Application(t.Context(), appID)
			require.NoError(t, err)
			require.Equal(t, step.issued, issued)
		}
	})
}

type roundTripper func(*http.Request) *http.Response

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r), nil }

func TestParseCredential(t *testing.T) {
	t.Parallel()
	credential, err := entra.ParseCredential("\ufeff{\"client_secret\":\" a~b.c \",\"note\":1}\n")
	require.NoError(t, err)
	require.Equal(t, "a~b.c", credential.Secret.Reveal())
	for text, want := range map[string]string{
		"S3CRET": "is not a JSON object", `"S3CRET"`: "is not a JSON object", `{"secret":"S3CRET"}`: "client_secret", `{"client_secret":" "}`: "client_secret",
		`{"client_secret":["S3CRET"]}`: "is not a JSON object",
	} {
		_, err := entra.ParseCredential(text)
		require.ErrorContains(t, err, want)
		require.NotContains(t, err.Error(), "S3CRET")
	}
}
