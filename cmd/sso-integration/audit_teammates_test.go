package main_test

import (
	"encoding/json"
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"sendgrid-sso-integration/internal/lambdatest"
	"sendgrid-sso-integration/internal/ledger/dynalite"
	"sendgrid-sso-integration/internal/status"
	"sendgrid-sso-integration/sendgrid"
)

// aboutTeammates returns the codes and the email addresses of events about teammates.
func aboutTeammates(t *testing.T, entries []lambdatest.Entry) (about []string) {
	t.Helper()
	for _, e := range entries {
		var detail struct{ Code, Email string }
		require.NoError(t, json.Unmarshal([]byte(e.Detail), &detail))
		about = append(about, fmt.Sprintf("%s %s %s", e.DetailType, detail.Code, detail.Email))
	}
	return about
}

// Who can log in without SSO is published once, but for those who are meant to; so is a managed teammate whom
// somebody deleted. The status shows both at once.
func TestAuditOfTeammates(t *testing.T) {
	t.Parallel()
	w := newAuditWorld(t, dynalite.Start(t), map[string]string{"TEAMMATES": "true", "BREAK_GLASS_TEAMMATES": "boss@example.com, Safe@example.com"})
	w.sendGrid.AddTeammate(sendgrid.Teammate{Username: "boss", Email: "Boss@example.com", UserType: sendgrid.UserTypeOwner, IsSSO: new(false)})
	w.sendGrid.AddTeammate(sendgrid.Teammate{Username: "safe", Email: "safe@example.com", IsAdmin: true, IsSSO: new(false)})
	w.sendGrid.AddTeammate(sendgrid.Teammate{Username: "pw", Email: "pw@example.com", IsSSO: new(false)})
	s := statusWorld{w.crashWorld, w.bus, w.queue}
	require.Equal(t, []string{"teammates"}, failing(s.status(t, w.f)), "nobody administers it by SSO")

	w.connect(t, "urn:idp", 400)
	for _, email := range []string{"jane@example.com", "ada@example.com"} {
		reply := w.f.Invoke(encode(t, map[string]any{"teammate": map[string]any{"email": email, "first_name": "A", "last_name": "B", "is_admin": true}, "metadata": map[string]string{"ticket": "OPS-7"}}), timeout)
		require.False(t, reply.Failed, "%s", reply.Body)
	}
	w.passTime(t)
	// audit starts the audit of a day, and returns what it publishes about teammates.
	audit := func(findings int) []string {
		t.Helper()
		before := len(w.bus.Taken())
		report, messages := w.schedule(t)
		require.Len(t, messages, 1, "the connection has one, and no teammate")
		require.Empty(t, report.Teammates.Failure)
		require.Len(t, report.Findings, findings)
		all := metrics(t, w.f)
		require.EqualValues(t, findings, all[len(all)-1]["Findings"])
		require.EqualValues(t, 1, all[len(all)-1]["AuditsCompleted"])
		return aboutTeammates(t, w.bus.Taken()[before:])
	}
	require.Equal(t, []string{"SSO Teammate Finding PasswordTeammate pw@example.com"}, audit(1))
	require.Empty(t, audit(1), "it was published before")

	w.sendGrid.DeleteTeammate("jane@example.com")
	require.Equal(t, []string{"SSO Teammate Finding Missing jane@example.com"}, audit(2))
	require.Contains(t, w.bus.Taken()[len(w.bus.Taken())-1].Detail, `"metadata":{"ticket":"OPS-7"}`)
	require.Empty(t, audit(2))

	r := s.status(t, w.f)
	require.Empty(t, failing(r))
	require.Equal(t, "Teammates: 4. Administrators who log in by SSO: 1. Invitations that are pending: 0.", messageOf(t, r, "teammates"))
	require.Equal(t, "The API key has the 8 scopes that are needed.", messageOf(t, r, "scopes"))
	require.Len(t, r.Connections, 1)
	var shown []string
	for _, each := range r.Teammates {
		shown = append(shown, fmt.Sprint(each.Email, " ", each.State, " ", each.IsAdmin, " ", len(each.Findings)))
	}
	require.Equal(t, []string{
		"jane@example.com managed true 1", "pw@example.com unmanaged false 1", "ada@example.com managed true 0", "boss@example.com unmanaged true 0", "safe@example.com unmanaged true 0",
	}, shown)

	// A failure keeps nothing from the connections, is no function error, and ends when SendGrid responds again.
	w.sendGrid.SetScopes(apiKey, sendgrid.ScopeRead, sendgrid.ScopeCreate, sendgrid.ScopeUpdate)
	before := len(w.bus.Taken())
	report, messages := w.schedule(t)
	require.Len(t, messages, 1)
	require.Contains(t, report.Teammates.Failure, "teammates.read")
	require.Len(t, report.Findings, 2, "they still stand")
	all := metrics(t, w.f)
	require.EqualValues(t, 0, all[len(all)-1]["AuditsCompleted"])
	require.Equal(t, []string{"scopes", "teammates"}, failing(s.status(t, w.f)))
	require.Len(t, w.bus.Taken(), before)
}

// Where teammates are off, they are not read, and the status says so.
func TestTeammatesAreOff(t *testing.T) {
	t.Parallel()
	w := newAuditWorld(t, dynalite.Start(t), nil)
	w.sendGrid.SetScopes(apiKey, sendgrid.ScopeRead, sendgrid.ScopeCreate, sendgrid.ScopeUpdate)
	report, _ := w.schedule(t)
	require.Nil(t, report.Teammates)
	r := statusWorld{w.crashWorld, w.bus, w.queue}.status(t, w.f)
	require.Empty(t, failing(r))
	require.Equal(t, []status.Teammate(nil), r.Teammates)
	require.Contains(t, messageOf(t, r, "teammates"), "TEAMMATES is not true")
	require.Zero(t, w.sendGrid.Count(sendgrid.OpListTeammates)+w.sendGrid.Count(sendgrid.OpListPending))
}
