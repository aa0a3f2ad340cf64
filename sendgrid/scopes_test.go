package sendgrid_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"sendgrid-sso-integration/sendgrid"
)

func TestListScopes(t *testing.T) {
	t.Parallel()
	many := make([]string, 3000)
	for i := range many {
		many[i] = fmt.Sprint("scope.", i)
	}
	for name, tt := range map[string]struct {
		body string
		want []string
	}{
		"some":              {`{"scopes":["mail.send","sso.settings.read"],"new":1}`, []string{"mail.send", "sso.settings.read"}},
		"none":              {`{"scopes":[]}`, []string{}},
		"more than anybody": {`{"scopes":["` + strings.Join(many, `","`) + `"]}`, many},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := newHarness(t, reply(http.StatusOK, tt.body))
			scopes, err := h.client().ListScopes(t.Context())
			require.NoError(t, err)
			require.Equal(t, tt.want, scopes)
			sent := h.only()
			require.Equal(t, "GET /base/v3/scopes ", sent.method+" "+sent.path+" "+sent.query)
			require.Equal(t, "Bearer "+testKey, sent.header.Get("Authorization"))
			require.Empty(t, sent.body)
		})
	}
}

// A response that lists no scopes must not count as a key that has none.
func TestOtherResponsesListNoScopes(t *testing.T) {
	t.Parallel()
	for name, body := range map[string]string{
		"an error":          `{"message":"internal error"}`,
		"null":              `null`,
		"scopes are null":   `{"scopes":null}`,
		"an array":          `["sso.settings.read"]`,
		"another type":      `{"scopes":{"sso.settings.read":true}}`,
		"numbers as scopes": `{"scopes":[1]}`,
		"HTML":              `<html>`,
		"nothing":           ``,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			scopes, err := newHarness(t, reply(http.StatusOK, body)).client().ListScopes(t.Context())
			require.Nil(t, scopes)
			failure := requireError(t, err)
			require.Equal(t, sendgrid.OpListScopes, failure.Op)
			require.Equal(t, sendgrid.Unavailable, sendgrid.ClassOf(err))
		})
	}
}
