package connector_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/lambda/messages"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge/types"
	"github.com/stretchr/testify/require"

	"sendgrid-sso-integration/internal/okta"
	"sendgrid-sso-integration/internal/okta/connector"
	"sendgrid-sso-integration/internal/secret"
)

func TestCodes(t *testing.T) {
	t.Parallel()
	status := func(op string, status int) error {
		return fmt.Errorf("wrapped: %w", &okta.Error{Op: op, Status: status})
	}
	for name, tt := range map[string]struct {
		err  error
		code connector.Code
	}{
		"401":            {status("GET /", http.StatusUnauthorized), connector.CredentialRefused},
		"403":            {status("GET /", http.StatusForbidden), connector.CredentialRefused},
		"wrong client":   {status("POST /oauth2/v1/token", http.StatusBadRequest), connector.CredentialRefused},
		"400":            {status("GET /", http.StatusBadRequest), connector.OktaRejected},
		"redirect":       {status("GET /", http.StatusFound), connector.OktaRejected},
		"429":            {status("GET /", http.StatusTooManyRequests), connector.RateLimited},
		"500":            {status("GET /", http.StatusInternalServerError), connector.OktaUnavailable},
		"no answer":      {&okta.Error{Op: "GET /", Err: errors.New("reset")}, connector.OktaUnavailable},
		"late answer":    {&okta.Error{Op: "GET /", Err: context.DeadlineExceeded}, connector.DeadlineExceeded},
		"late":           {context.DeadlineExceeded, connector.DeadlineExceeded},
		"no secret":      {&secret.Error{ID: "s", Unusable: true, Err: errors.New("is empty")}, connector.SecretUnavailable},
		"401, no secret": {errors.Join(status("GET /", http.StatusUnauthorized), &secret.Error{ID: "s", Err: errors.New("x")}), connector.CredentialRefused},
		"anything else":  {errors.New("x"), connector.Internal},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFixture(t)
			f.okta.err = tt.err
			outcome, _ := f.invoke(t, `{"source":"aws.events","detail-type":"Scheduled Event","time":"2026-11-23T15:00:00Z","detail":{}}`)
			require.Equal(t, string(tt.code), outcome)
			require.Contains(t, f.logs.String(), `"outcome":"Failed"`)
		})
	}
}

// panicking is an Okta whose calls panic.
type panicking struct{ connector.Okta }

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
	f.Okta = panicking{}
	body, err = f.Invoke(t.Context(), []byte(batch))
	require.NoError(t, err)
	require.JSONEq(t, `{"batchItemFailures":[{"itemIdentifier":"1"},{"itemIdentifier":"2"}]}`, string(body))
	require.Contains(t, f.logs.String(), `"code":"Internal"`)
}

// eventBridge answers a call as told.
type eventBridge func() (*eventbridge.PutEventsOutput, error)

func (e eventBridge) PutEvents(context.Context, *eventbridge.PutEventsInput, ...func(*eventbridge.Options)) (*eventbridge.PutEventsOutput, error) {
	return e()
}

func TestEventBusErrors(t *testing.T) {
	t.Parallel()
	code := "InternalFailure"
	for name, tt := range map[string]struct {
		out  *eventbridge.PutEventsOutput
		err  error
		want string
	}{
		"call failed":    {nil, errors.New("no network"), "no network"},
		"entry refused":  {&eventbridge.PutEventsOutput{FailedEntryCount: 1, Entries: []types.PutEventsResultEntry{{ErrorCode: &code}}}, nil, "InternalFailure"},
		"no reason sent": {&eventbridge.PutEventsOutput{FailedEntryCount: 1}, nil, "the event was not taken"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			bus := connector.EventBus{Name: "b", API: eventBridge(func() (*eventbridge.PutEventsOutput, error) { return tt.out, tt.err })}
			err := bus.Put(t.Context(), time.Now(), []byte("{}"))
			var failure *connector.Error
			require.ErrorAs(t, err, &failure)
			require.Equal(t, connector.EventBusUnavailable, failure.Code)
			require.ErrorContains(t, err, tt.want)
		})
	}
}

// Whatever invokes the connector gets an answer, and nothing that is not about the one
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
