package connector_test

import (
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"sendgrid-sso-integration/internal/connector"
	"sendgrid-sso-integration/internal/idp"
	"sendgrid-sso-integration/internal/okta"
)

const schedule = `{"id":"s","source":"aws.events","detail-type":"Scheduled Event","time":"2026-11-23T15:00:00Z","detail":{}}`

// Every application with the prefix is requested as it is, with a time at which Okta certainly
// showed this state, so that an event of the last minutes wins.
func TestSurveyRequestsEveryApplication(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := newFixture(t)
		f.okta.others = []*okta.Application{
			{ID: "0oa2", Label: "Payroll", SignOnMode: okta.SAML}, {ID: "0oa3", Label: "SendGrid", SignOnMode: "OPENID_CONNECT"},
			{ID: "0oa4", Label: "SendGrid, new", SignOnMode: okta.SAML},
		}
		f.Metrics = &connector.Metrics{Out: &f.logs, FunctionName: "f"}
		body, err := f.Invoke(t.Context(), []byte(schedule))
		require.NoError(t, err, "what has no metadata does not stop the others")
		require.JSONEq(t, `{"outcome":"Checked","applications":{"Announced":1,"Failed":1}}`, string(body))
		require.Len(t, f.bus.details, 1)
		require.Equal(t, time.Now().Add(-10*time.Minute), f.bus.at)
		want, err := json.Marshal(map[string]any{
			"name": "SendGrid", "enabled": true, "saml_metadata": string(f.okta.metadata), "if_exists": "update",
			"metadata": map[string]string{"okta_app": "0oa1"},
		})
		require.NoError(t, err)
		require.JSONEq(t, string(want), f.bus.details[0])
		require.Contains(t, f.logs.String(), `"okta_app":"0oa4"`)
		require.Contains(t, f.logs.String(), `"code":"ApplicationNotReady"`)
		require.NotContains(t, f.logs.String(), "0oa2")
		require.Contains(t, f.logs.String(), `"ApplicationsFailing":1`)
	})
}

// What passes by itself fails the event, so that Lambda sends it again.
func TestSurveyIsRepeated(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		fail func(*fixture)
		code string
	}{
		"Okta is unavailable": {func(f *fixture) { f.okta.err = &idp.Error{Provider: okta.Name, Status: http.StatusBadGateway} }, "OktaUnavailable"},
		"the bus is": {
			func(f *fixture) {
				f.bus.err = &connector.Error{Code: connector.EventBusUnavailable, Err: errors.New("no")}
			}, "EventBusUnavailable",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFixture(t)
			f.Metrics = &connector.Metrics{Out: &f.logs, FunctionName: "f"}
			tt.fail(f)
			outcome, _ := f.invoke(t, schedule)
			require.Equal(t, tt.code, outcome)
			require.Equal(t, 1, strings.Count(f.logs.String(), `"`+tt.code+`":1`), "it is counted once")
		})
	}
}
