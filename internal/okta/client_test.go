package okta_test

import (
	"context"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"sendgrid-sso-integration/internal/okta"
)

func TestResponseIsBounded(t *testing.T) {
	t.Parallel()
	large := newClient(func(*http.Request) *http.Response {
		return respond(http.StatusOK, strings.Repeat("x", okta.MaxMetadataBytes+1))
	})
	_, err := large.Metadata(t.Context(), "0oa1", "kid-1")
	require.ErrorContains(t, err, "the response is larger than 131072 bytes")
}

// The metadata is that of one key, and Okta writes it as text/xml only.
func TestMetadataIsThatOfAKey(t *testing.T) {
	t.Parallel()
	for kid, want := range map[string]string{
		"akm5hvbbevE341ovl0h7": "/api/v1/apps/0oa1/sso/saml/metadata?kid=akm5hvbbevE341ovl0h7",
		"a&kid=b/c":            "/api/v1/apps/0oa1/sso/saml/metadata?kid=a%26kid%3Db%2Fc",
		"":                     "/api/v1/apps/0oa1/sso/saml/metadata",
	} {
		client := newClient(func(r *http.Request) *http.Response {
			require.Equal(t, want, r.URL.RequestURI())
			require.Equal(t, "text/xml", r.Header.Get("Accept"))
			return respond(http.StatusOK, "<md:EntityDescriptor/>")
		})
		document, err := client.Metadata(t.Context(), "0oa1", kid)
		require.NoError(t, err)
		require.Equal(t, "<md:EntityDescriptor/>", string(document))
	}
}

// The pages are followed by the cursor of their link alone, whatever host the link has.
func TestApplicationsHavePages(t *testing.T) {
	t.Parallel()
	var paths []string
	client := newClient(func(r *http.Request) *http.Response {
		require.Equal(t, "example.okta.com", r.URL.Host)
		paths = append(paths, r.URL.RequestURI())
		if len(paths) == 3 {
			return respond(http.StatusOK, `[]`, "Link", `<https://example.okta.com/api/v1/apps?limit=50>; rel="self"`)
		}
		res := respond(http.StatusOK, `[{"id":"0oa`+strconv.Itoa(len(paths))+`"}]`)
		res.Header.Add("Link", `<https://example.okta.com/api/v1/apps?limit=50>; rel="self"`)
		res.Header.Add("Link", `<https://attacker.example.com/api/v1/apps?after=c%26`+strconv.Itoa(len(paths))+`&limit=50>; rel="next"`)
		return res
	})
	var ids []string
	for app, err := range client.Applications(t.Context()) {
		require.NoError(t, err)
		ids = append(ids, app.ID)
	}
	require.Equal(t, []string{"0oa1", "0oa2"}, ids)
	require.Equal(t, []string{"/api/v1/apps?limit=50", "/api/v1/apps?after=c%261&limit=50", "/api/v1/apps?after=c%262&limit=50"}, paths)
}

// A link that leads back to itself ends.
func TestApplicationsEnd(t *testing.T) {
	t.Parallel()
	err := list(t.Context(), newClient(func(*http.Request) *http.Response {
		return respond(http.StatusOK, `[]`, "Link", `<https://example.okta.com/api/v1/apps?after=x>; rel="next"`)
	}))
	require.ErrorContains(t, err, "more than 1000 pages")
}

func TestAppID(t *testing.T) {
	t.Parallel()
	require.True(t, okta.IsAppID("0oa1gjh63g214q0Hq0g4"))
	for _, text := range []string{"", "../users", "0oa1/x", "0oa 1", "0oa1\n", strings.Repeat("a", 65)} {
		require.False(t, okta.IsAppID(text), text)
	}
}

// The wait after a 429 is measured by Okta's clock, ends with the context, and is not begun
// where it could not end in time.
func TestRateLimitIsHonoured(t *testing.T) {
	t.Parallel()
	const skew = time.Hour // Okta's clock is not ours.
	limited := func(wait time.Duration) *http.Response {
		now := time.Now().Add(skew)
		return respond(http.StatusTooManyRequests, "{}", "Date", now.UTC().Format(http.TimeFormat),
			"X-Rate-Limit-Reset", strconv.FormatInt(now.Add(wait).Unix(), 10))
	}
	for name, tt := range map[string]struct {
		responses []func() *http.Response
		timeout   time.Duration
		took      time.Duration
		calls     int
		fails     bool
	}{
		"waits twice": {
			[]func() *http.Response{func() *http.Response { return limited(7 * time.Second) }, func() *http.Response { return limited(-time.Minute) }},
			time.Minute, 8 * time.Second, 3, false,
		},
		"no time named": {
			[]func() *http.Response{func() *http.Response { return respond(http.StatusTooManyRequests, "") }}, time.Minute, 5 * time.Second, 2, false,
		},
		"too long": {[]func() *http.Response{func() *http.Response { return limited(2 * time.Minute) }}, time.Minute, 0, 1, true},
		"no end": {
			[]func() *http.Response{
				func() *http.Response { return limited(time.Second) }, func() *http.Response { return limited(time.Second) },
				func() *http.Response { return limited(time.Second) }, func() *http.Response { return limited(time.Second) },
			},
			time.Minute, 3 * time.Second, 4, true,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				calls := 0
				client := newClient(func(*http.Request) *http.Response {
					calls++
					if calls <= len(tt.responses) {
						return tt.responses[calls-1]()
					}
					return respond(http.StatusOK, "[]")
				})
				ctx, cancel := context.WithTimeout(t.Context(), tt.timeout)
				defer cancel()
				start := time.Now()
				err := list(ctx, client)
				require.Equal(t, tt.fails, err != nil, "%v", err)
				require.Equal(t, tt.took, time.Since(start))
				require.Equal(t, tt.calls, calls)
			})
		})
	}
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(time.Second, cancel)
		start := time.Now()
		require.Error(t, list(ctx, newClient(func(*http.Request) *http.Response { return limited(time.Hour) })))
		require.Equal(t, time.Second, time.Since(start), "a caller without a deadline can still end the wait")
	})
}
