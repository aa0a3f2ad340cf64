package entra_test

import (
	"context"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"sendgrid-sso-integration/internal/entra"
	"sendgrid-sso-integration/internal/idp"
	"sendgrid-sso-integration/internal/secret"
)

const (
	tenantID = "7d2f4a10-3c5e-4b8a-9f61-0e8d5c2b7a34"
	appID    = "1f0c6c0e-2b53-4c7d-9a86-6a1f5d9e3b20"
	object   = `{"id":"5b7a3c91-84e6-4f0d-b2a7-c9d1e0f38465","appId":"` + appID + `"}`
)

// credentials is a client secret that never changes.
type credentials string

func (c credentials) Get(context.Context) (entra.Credential, string, error) {
	return entra.Credential{Secret: secret.NewString(string(c))}, "1", nil
}

func (c credentials) Refresh(ctx context.Context, _ string) (entra.Credential, string, error) {
	return c.Get(ctx)
}

// network responds to requests without a connection, so that tests can run in fake time.
type network func(*http.Request) *http.Response

func (n network) RoundTrip(r *http.Request) (*http.Response, error) {
	if err := r.Context().Err(); err != nil {
		return nil, err
	}
	if strings.HasSuffix(r.URL.Path, "/token") {
		return respond(http.StatusOK, `{"access_token":"token","token_type":"Bearer","expires_in":3599}`), nil
	}
	return n(r), nil
}

func respond(status int, body string, header ...string) *http.Response {
	res := &http.Response{StatusCode: status, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(body))}
	for i := 0; i < len(header); i += 2 {
		res.Header.Set(header[i], header[i+1])
	}
	return res
}

func newClient(n network) *entra.Client {
	return &entra.Client{
		LoginURL: entra.LoginURL, GraphURL: entra.GraphURL, TenantID: tenantID, ClientID: "client", Credentials: credentials("S3CRET"),
		HTTP: &http.Client{Transport: n},
	}
}

// Retry-After is seconds or a time. What ends too late is not waited for.
func TestRetryAfterIsHonoured(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		header func() string
		took   time.Duration
		calls  int
		fails  bool
	}{
		"seconds":       {func() string { return "7" }, 7 * time.Second, 2, false},
		"a time":        {func() string { return time.Now().Add(9 * time.Second).UTC().Format(http.TimeFormat) }, 9 * time.Second, 2, false},
		"none":          {func() string { return "" }, 5 * time.Second, 2, false},
		"not a number":  {func() string { return "-3" }, 5 * time.Second, 2, false},
		"zero":          {func() string { return "0" }, time.Second, 2, false},
		"too long":      {func() string { return "90" }, 0, 1, true},
		"much too long": {func() string { return "9999999999999" }, 5 * time.Second, 2, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				calls := 0
				client := newClient(func(*http.Request) *http.Response {
					if calls++; calls == 1 {
						return respond(http.StatusTooManyRequests, "", "Retry-After", tt.header())
					}
					return respond(http.StatusOK, object)
				})
				ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
				defer cancel()
				start := time.Now()
				_, err := client.Application(ctx, appID)
				require.Equal(t, tt.fails, err != nil, "%v", err)
				require.Equal(t, tt.took, time.Since(start))
				require.Equal(t, tt.calls, calls)
			})
		})
	}
}

func TestErrors(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		status     int
		body, text string
	}{
		"Graph's":     {400, `{"error":{"code":"HostNameNotOnVerifiedDomain","message":"Values of identifierUris"}}`, "HTTP 400: HostNameNotOnVerifiedDomain: Values of identifierUris"},
		"OAuth's":     {400, `{"error":"invalid_request","error_description":"AADSTS1: no\r\nTrace ID: 1"}`, "HTTP 400: invalid_request: AADSTS1: no  Trace ID: 1"},
		"HTML":        {502, `<html>`, "HTTP 502"},
		"a number":    {500, `{"error":5}`, "HTTP 500"},
		"token":       {500, `{"error":{"message":"Bearer token"}}`, "HTTP 500: Bearer [redacted]"},
		"too large":   {200, strings.Repeat("x", 1<<20+1), "HTTP 200: the response is larger than 1048576 bytes"},
		"no redirect": {302, "", "HTTP 302"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := newClient(func(*http.Request) *http.Response { return respond(tt.status, tt.body) }).ServicePrincipal(t.Context(), appID)
			var failure *idp.Error
			require.ErrorAs(t, err, &failure)
			require.Equal(t, tt.status, failure.Status)
			require.True(t, strings.HasPrefix(err.Error(), "entra: GET /v1.0/servicePrincipals(appId='"+appID+"')?$select="), err.Error())
			require.True(t, strings.HasSuffix(err.Error(), ": "+tt.text), err.Error())
		})
	}
}

// A response about another application, or in another form, is not taken for the application.
func TestResponseIsAboutTheApplication(t *testing.T) {
	t.Parallel()
	for name, body := range map[string]string{
		"no JSON": "<html>", "a list": "[]", "another": strings.Replace(object, appID, tenantID, 1),
		"a path": strings.Replace(object, "5b7a3c91-84e6-4f0d-b2a7-c9d1e0f38465", "x/../y", 1),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := newClient(func(*http.Request) *http.Response { return respond(http.StatusOK, body) }).Application(t.Context(), appID)
			require.ErrorContains(t, err, "not the documented JSON")
		})
	}
}

func TestIsGUID(t *testing.T) {
	t.Parallel()
	require.True(t, entra.IsGUID(appID))
	require.True(t, entra.IsGUID(strings.ToUpper(appID)))
	for _, text := range []string{"", appID + "\n", appID + "/owners", "{" + appID + "}", strings.ReplaceAll(appID, "-", "")} {
		require.False(t, entra.IsGUID(text), text)
	}
}
