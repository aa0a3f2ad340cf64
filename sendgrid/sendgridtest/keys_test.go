package sendgridtest_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"sendgrid-sso-integration/sendgrid"
	"sendgrid-sso-integration/sendgrid/sendgridtest"
)

const scopes = "/v3/scopes"

// Every key that is known may read its scopes, and gets those that it is limited to.
func TestListScopes(t *testing.T) {
	t.Parallel()
	s := sendgridtest.New()
	s.SetKeys("key", "reader", "nobody")
	s.SetScopes("reader", "mail.send", sendgrid.ScopeRead)
	s.SetScopes("nobody")
	type list struct{ Scopes []string }
	for key, want := range map[string][]string{"reader": {"mail.send", sendgrid.ScopeRead}, "nobody": {}} {
		w := send(t, s, http.MethodGet, scopes, "", "Authorization", "Bearer "+key)
		require.Equal(t, http.StatusOK, w.Code)
		require.Equal(t, list{want}, decode[list](t, w), key)
	}
	full := decode[list](t, send(t, s, http.MethodGet, scopes, "")).Scopes
	for _, op := range sendgrid.Ops() {
		if op.Scope() != "" {
			require.Contains(t, full, op.Scope())
		}
	}
	require.Equal(t, 3, s.Count(sendgrid.OpListScopes))
}

// Refusals of this path have the form that is documented for it: an object around the errors.
func TestRefusalsOfScopes(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		method, key, allow string
		limit              int
		status             int
	}{
		"an unknown key": {method: http.MethodGet, key: "stranger", limit: 9, status: 401},
		"another method": {method: http.MethodPost, key: "key", limit: 9, status: 405, allow: "GET"},
		"the rate limit": {method: http.MethodGet, key: "key", status: 429},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := sendgridtest.New()
			s.SetKeys("key")
			s.SetRateLimit(tt.limit, time.Minute)
			w := send(t, s, tt.method, scopes, "", "Authorization", "Bearer "+tt.key)
			require.Equal(t, tt.status, w.Code)
			require.Equal(t, tt.allow, w.Header().Get("Allow"))
			response := decode[map[string][]map[string]any](t, w)
			require.Len(t, response, 1)
			require.Len(t, response["errors"], 1)
			require.NotEmpty(t, response["errors"][0]["message"])
			require.Contains(t, w.Body.String(), `"field":null`)
		})
	}
}
