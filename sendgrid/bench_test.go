package sendgrid_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"sendgrid-sso-integration/internal/keytest"
	"sendgrid-sso-integration/sendgrid"
)

// A list is read before every create, so its cost grows with the account.
func BenchmarkListIntegrations(b *testing.B) {
	var rows []string
	for i := range 100 {
		rows = append(rows, fmt.Sprintf(`{"completed_integration":false,"enabled":true,"entity_id":"http://www.okta.com/exk%d","id":"b0b98502-9408-4b24-9e3d-%012d",`+
			`"last_updated":1621288964,"name":"Okta","signin_url":"https://example.okta.com/app/exk/sso/saml","signout_url":"",`+
			`"single_signon_url":"https://api.sendgrid.com/v3/public/sso/saml/response/id/x","audience_url":"https://api.sendgrid.com/v3/public/sso/saml/response/id/x"}`, i, i))
	}
	body := "[" + strings.Join(rows, ",") + "]"
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte(body)) }))
	b.Cleanup(server.Close)
	client := &sendgrid.Client{Keys: keytest.Fixed("SG.key"), BaseURL: server.URL}
	b.ReportAllocs()
	for b.Loop() {
		list, err := client.ListIntegrations(b.Context())
		require.NoError(b, err)
		require.Len(b, list, 100)
	}
}
