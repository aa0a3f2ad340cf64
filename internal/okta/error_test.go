package okta_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"sendgrid-sso-integration/internal/idp"
)

func TestErrors(t *testing.T) {
	t.Parallel()
	type flags struct{ notFound, refused, retryable bool }
	for name, tt := range map[string]struct {
		status int
		body   string
		text   string
		flags  flags
	}{
		"rejected":     {400, `{"errorCode":"E0000001","errorSummary":"Api validation failed: label"}`, "HTTP 400: E0000001: Api validation failed: label", flags{}},
		"unauthorized": {401, `{"errorCode":"E0000011","errorSummary":"Invalid token provided"}`, "HTTP 401: E0000011: Invalid token provided", flags{refused: true}},
		"forbidden":    {403, ``, "HTTP 403", flags{refused: true}},
		"not found":    {404, `{"errorCode":"E0000007"}`, "HTTP 404: E0000007", flags{notFound: true}},
		"HTML":         {502, `<html>00token</html>`, "HTTP 502", flags{retryable: true}},
		"long":         {500, `{"errorSummary":"` + strings.Repeat("ü\\n", 10000) + `"}`, "HTTP 500", flags{retryable: true}},
		"long text":    {500, `{"errorSummary":"` + strings.Repeat("x", 1000) + `"}`, "HTTP 500: " + strings.Repeat("x", 253) + "…", flags{retryable: true}},
		"token echoed": {500, `{"errorSummary":"00token\nis bad"}`, "HTTP 500: [redacted] is bad", flags{retryable: true}},
		"redirect":     {302, ``, "HTTP 302", flags{}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			err := list(t.Context(), newClient(func(*http.Request) *http.Response { return respond(tt.status, tt.body) }))
			var failure *idp.Error
			require.ErrorAs(t, err, &failure)
			require.EqualError(t, err, "okta: GET /api/v1/apps?limit=50: "+tt.text)
			got := flags{idp.IsNotFound(err), failure.IsRefused(), failure.Retryable()}
			require.Equal(t, tt.flags, got)
		})
	}
}
