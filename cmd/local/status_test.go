package main

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"sendgrid-sso-integration/internal/audit"
	"sendgrid-sso-integration/internal/provision"
	"sendgrid-sso-integration/internal/status"
)

// statusAt runs "status" with arguments, and returns what it prints.
func statusAt(t *testing.T, args ...string) (string, error) {
	t.Helper()
	var out, logs output
	err := run(t.Context(), append([]string{"status"}, args...), noEnvironment, noInput{}, &out, &logs)
	require.Empty(t, logs.String())
	return out.String(), err
}

func TestStatusOfTheSimulator(t *testing.T) {
	atRoot(t)
	out, err := statusAt(t)
	require.NoError(t, err)
	require.Contains(t, out, "ok      api_key              The secret can be read, and SendGrid accepts the API key.\n")
	require.Contains(t, out, "\nConnections: 2\n  http://www.okta.com/exkexisting  ")
	require.Contains(t, out, "\n  admin@example.com, administrator, unmanaged\n")
	require.Contains(t, out, "\nIntegrationIncomplete: ")

	out, err = statusAt(t, "-json")
	require.NoError(t, err)
	var report status.Report
	require.NoError(t, json.Unmarshal([]byte(out), &report))
	require.True(t, report.OK)
	require.Len(t, report.Connections, 2)
}

// What people have to look at is printed, and whether any check is not ok.
func TestStatusIsPrinted(t *testing.T) {
	t.Parallel()
	days := 12
	var out output
	printReport(&out, &status.Report{
		Checks: []status.Result{{Name: "scopes", Message: "The API key lacks some."}},
		Connections: []audit.Connection{
			{EntityID: "urn:1", Name: "One", Enabled: true, State: audit.Managed, DaysLeft: &days, Findings: []audit.Finding{{Code: provision.Drifted, Message: "It drifted."}}},
			{EntityID: "urn:2", Name: "Two"},
		},
		Omitted:   3,
		Teammates: []status.Teammate{{Email: "a@example.com", Findings: []audit.Finding{{Code: audit.PasswordTeammate, Message: "It has a password."}}}},
		Findings:  []status.Finding{{Code: audit.DuplicateEntityID, Message: "Two have urn:3."}},
	})
	require.Equal(t, `NOT OK  scopes               The API key lacks some.

Connections: 5
  urn:1  "One", enabled, managed, days left: 12
    Drifted: It drifted.
  urn:2  "Two", disabled

Teammates: 1
  a@example.com
    PasswordTeammate: It has a password.

DuplicateEntityID: Two have urn:3.
`, out.String())
}

func TestStatusOfAnAccount(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		environment
		region, want string
	}{
		"without a key":        {nil, "global", "-live needs the API key in SENDGRID_API_KEY"},
		"in an unknown region": {environment{"SENDGRID_API_KEY": "SG.live"}, "mars", `-region must be global or eu, not "mars"`},
		"of a bad variable":    {environment{"SENDGRID_API_KEY": "SG.live", "SENDGRID_REGION": "mars"}, "", `SENDGRID_REGION must be global or eu, not "mars"`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var out, logs output
			err := run(t.Context(), []string{"status", "-live", "-region", tt.region}, tt.getenv, noInput{}, &out, &logs)
			require.ErrorContains(t, err, tt.want)
			require.Empty(t, out.String()+logs.String())
		})
	}
	reporter, err := reporterOf(t.Context(), &live{on: true}, environment{"SENDGRID_API_KEY": "SG.live", "SENDGRID_REGION": "eu"}.getenv)
	require.NoError(t, err)
	require.NotNil(t, reporter)
}

// As in the account, a webhook secret does not read the status.
func TestStatusIsServed(t *testing.T) {
	t.Parallel()
	_, p := newPage(t)
	w := fetch(t, gateway(p.handler, p.journal), http.MethodGet, statusPath, pageSecret, "")
	require.Equal(t, http.StatusUnauthorized, w.Code)
	require.Contains(t, w.Body.String(), "A webhook secret does not read the status")
	a := invoke(t.Context(), p.handler, []byte(`{"status":{}}`))
	require.NoError(t, a.err)
	require.True(t, strings.HasPrefix(a.text(), "{\n  \"ok\": true"))
	require.Equal(t, "reported", verdict(a.deliveries[0]))
}
