package connector_test

import (
	"context"
	"encoding/json"
	"fmt"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/lambda/messages"
	"github.com/stretchr/testify/require"

	"sendgrid-sso-integration/internal/connector"
	oktaadapter "sendgrid-sso-integration/internal/connector/okta"
)

// panicking is an Okta whose calls panic.
type panicking struct{ oktaadapter.API }

// One message does not fail another one, and one for which there is no time is not begun.
func TestBatch(t *testing.T) {
	t.Parallel()
	record := func(id, event string) string { return fmt.Sprintf(`{"messageId":%q,"body":%q}`, id, event) }
	event := logEvent("app.keys.rotate", "SUCCESS", "0oa1")
	batch := `{"Records":[` + record("1", "{") + `,` + record("2", event) + `]}`

	f := newFixture(t)
	body, err := f.Invoke(t.Context(), []byte(batch))
	require.NoError(t, err)
	require.JSONEq(t, `{"batchItemFailures":[{"itemIdentifier":"1"}]}`, string(body))

	late, cancel := context.WithTimeout(t.Context(), 5*time.Second)
	defer cancel()
	f = newFixture(t)
	body, err = f.Invoke(late, []byte(batch))
	require.NoError(t, err)
	require.JSONEq(t, `{"batchItemFailures":[{"itemIdentifier":"1"},{"itemIdentifier":"2"}]}`, string(body))
	require.Empty(t, f.bus.details)
	require.Contains(t, f.logs.String(), `"code":"DeadlineExceeded"`)

	f = newFixture(t)
	f.Providers = []connector.Provider{&oktaadapter.Provider{API: panicking{}}}
	body, err = f.Invoke(t.Context(), []byte(batch))
	require.NoError(t, err)
	require.JSONEq(t, `{"batchItemFailures":[{"itemIdentifier":"1"},{"itemIdentifier":"2"}]}`, string(body))
	require.Contains(t, f.logs.String(), `"code":"Internal"`)
}

// Whatever invokes the connector gets a response, and nothing that is not about the one
// application of the org changes anything.
func FuzzInvoke(f *testing.F) {
	f.Add(logEvent("app.keys.rotate", "SUCCESS", "0oa1"))
	f.Add(newResult().String())
	f.Add(`{"Records":[{"messageId":"1","body":"{}"},{"body":null}]}`)
	f.Add(`{"source":"sendgrid.sso","detail-type":"SSO Integration Created","detail":null,"time":"x"}`)
	f.Fuzz(func(t *testing.T, payload string) {
		fixture := newFixture(t)
		body, err := fixture.Invoke(t.Context(), []byte(payload))
		if err == nil {
			require.True(t, json.Valid(body))
			return
		}
		var failure messages.InvokeResponse_Error
		require.ErrorAs(t, err, &failure)
		require.Contains(t, connector.Codes(), connector.Code(failure.Type))
	})
}
