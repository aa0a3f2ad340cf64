package main_test

import (
	"encoding/json"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"sendgrid-sso-integration/internal/lambdatest"
	"sendgrid-sso-integration/internal/status"
)

// reportIn returns the report in an answer, which may be one to an HTTP request.
func reportIn(t *testing.T, answer lambdatest.Reply) status.Report {
	t.Helper()
	require.False(t, answer.Failed, "%s", answer.Body)
	body := answer.Body
	var response struct{ Body string }
	if json.Unmarshal(body, &response) == nil && response.Body != "" {
		body = []byte(response.Body)
	}
	var report status.Report
	require.NoError(t, json.Unmarshal(body, &report), "%s", body)
	require.NotEmpty(t, report.Checks, "%s", body)
	return report
}

// The status of a stack to which nobody has given a key yet says how to do that, and nothing else is wrong.
func TestStatusBeforeTheKeyIsThere(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.env["SENDGRID_API_KEY_SECRET_ID"] = "sso/nothing-yet"
	report := reportIn(t, w.start(t).Invoke(read(t, "../../events/direct-status.json"), timeout))
	require.False(t, report.OK)
	var wrong []string
	for _, c := range report.Checks {
		if !c.OK {
			wrong = append(wrong, c.Name)
		}
	}
	require.Equal(t, []string{"api_key", "scopes"}, wrong)
	at := slices.IndexFunc(report.Checks, func(c status.Result) bool { return c.Name == "api_key" })
	require.Contains(t, report.Checks[at].Message, "PutApiKeyCommand")
}
