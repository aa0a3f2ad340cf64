package status_test

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"sendgrid-sso-integration/internal/audit"
	"sendgrid-sso-integration/internal/protocol"
	"sendgrid-sso-integration/internal/request"
	"sendgrid-sso-integration/internal/status"
	"sendgrid-sso-integration/sendgrid"
)

// declared returns the entry of a managed teammate.
func declared(email string, isAdmin bool) protocol.Entry {
	e := protocol.NewTeammateEntry(nil, email)
	e.State, e.IntegrationID, e.Expires = protocol.Completed, email, time.Now().Add(day)
	e.Kept = request.KeptTeammate{Teammate: request.Teammate{Email: email, IsAdmin: isAdmin}, At: time.Now().Add(-day)}.String()
	return e
}

func sso(email string, isAdmin bool) sendgrid.Teammate {
	return sendgrid.Teammate{Username: email, Email: email, IsAdmin: isAdmin, IsSSO: new(true)}
}

// summary returns the teammates of a report, one in each line.
func summary(r *status.Report) (lines []string) {
	for _, t := range r.Teammates {
		line := fmt.Sprintf("%s %s %t", t.Email, t.State, t.IsAdmin)
		for _, f := range t.Findings {
			line += " " + string(f.Code)
		}
		lines = append(lines, line)
	}
	return lines
}

// The lists and the ledger show what is the case now, without an audit.
func TestTeammates(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		a := account{people: &people{
			listed: []sendgrid.Teammate{
				{Username: "boss", Email: "Boss@example.com", UserType: sendgrid.UserTypeOwner, IsAdmin: true}, {Username: "pw", Email: "pw@example.com", IsSSO: new(false)},
				sso("Ada@example.com", true), sso("promoted@example.com", true), sso("jit@example.com", false), sso("back@example.com", false), {IsSSO: new(true)},
			},
			pending: []sendgrid.PendingTeammate{{Email: "New@example.com", IsAdmin: true}},
		}}
		ended := declared("back@example.com", false)
		ended.Ended = time.Now()
		left := declared("left@example.com", false)
		left.Ended = time.Now()
		old := declared("old@example.com", false)
		old.Expires = time.Now().Add(-time.Hour)
		a.entries = []protocol.Entry{
			own(time.Now()), declared("ada@example.com", true), declared("promoted@example.com", false), ended, left, old, managed("urn:one", nil),
			{Key: "administrators", Expires: time.Now().Add(day)}, protocol.NewTeammateEntry(nil, "never@example.com"),
		}
		r := a.report(t)
		require.Equal(t, []string{
			"new@example.com unmanaged true PasswordTeammate", "promoted@example.com managed true Drifted", "pw@example.com unmanaged false PasswordTeammate",
			"ada@example.com managed true", "back@example.com ended false", "boss@example.com unmanaged true", "jit@example.com unmanaged false",
		}, summary(r))
		require.Equal(t, status.Result{Name: "teammates", OK: true, Message: "Teammates: 7. Administrators who log in by SSO: 2. Invitations that are pending: 1."}, check(t, r, "teammates"))
		require.Equal(t, "The ledger can be read. Connections whose request it keeps: 1.", check(t, r, "ledger").Message)
		require.Len(t, r.Connections, 1)
		require.Empty(t, r.Findings)

		a.people.listed = a.people.listed[:3]
		require.Equal(t, "promoted@example.com managed false Missing", summary(a.report(t))[1])
	})
}

func TestNobodyAdministersBySSO(t *testing.T) {
	t.Parallel()
	for name, listed := range map[string][]sendgrid.Teammate{
		"nobody":              nil,
		"only a password":     {{Email: "a@example.com", IsAdmin: true, IsSSO: new(false)}},
		"it is not said":      {{Email: "a@example.com", IsAdmin: true}},
		"only just in time":   {sso("a@example.com", false)},
		"only an invitation":  {},
		"the owner of course": {{Email: "boss@example.com", IsAdmin: true, UserType: sendgrid.UserTypeOwner}},
	} {
		r := account{people: &people{listed: listed, pending: []sendgrid.PendingTeammate{{Email: "a@example.com", IsAdmin: true}}}}.report(t)
		require.Equal(t, []string{"teammates"}, failing(r), name)
		require.Contains(t, check(t, r, "teammates").Message, "Send a request for a teammate with is_admin: true.")
	}
}

// Where they are off, nothing is said about anybody, and an empty account has none.
func TestTeammatesAreOff(t *testing.T) {
	t.Parallel()
	off := account{entries: []protocol.Entry{declared("a@example.com", false)}}.report(t)
	require.True(t, off.OK)
	require.NotContains(t, jsonOf(t, off), `"teammates":`)
	require.Contains(t, jsonOf(t, account{people: &people{}}.report(t)), `"teammates":[]`)
}

// Where the lists or the ledger cannot be read, the rest is there.
func TestTeammatesThatCannotBeRead(t *testing.T) {
	t.Parallel()
	before := own(time.Now())
	before.Findings = `{"findings":[{"code":"Missing","email":"b@example.com","message":"m","identity":"1"},{"code":"PasswordTeammate","email":"c@example.com","message":"m","identity":"2"}]}`
	a := account{entries: []protocol.Entry{before, declared("a@example.com", true), declared("b@example.com", false)}}
	for name, tt := range map[string]struct {
		err error
		say string
	}{
		"outage":   {&sendgrid.Error{Op: sendgrid.OpListTeammates, StatusCode: 503, Sent: true}, "The teammates could not be read, so only those whose request the ledger keeps are here. Run the status again"},
		"no scope": {&sendgrid.Error{Op: sendgrid.OpListTeammates, StatusCode: 403, Sent: true}, "does not let the API key list the teammates"},
	} {
		a.people = &people{listed: []sendgrid.Teammate{sso("half@example.com", true)}, wait: fails(tt.err)}
		r := a.report(t)
		require.Equal(t, []string{"teammates"}, failing(r), name)
		require.Contains(t, check(t, r, "teammates").Message, tt.say)
		require.ErrorIs(t, check(t, r, "teammates").Cause, tt.err)
		require.Equal(t, []string{"b@example.com managed false Missing", "a@example.com managed true"}, summary(r), "half of a list is none")
	}
	a.people, a.scan = &people{listed: []sendgrid.Teammate{sso("a@example.com", true), {Email: "c@example.com", IsSSO: new(false)}}}, fails(errBroken)
	r := a.report(t)
	require.Equal(t, []string{"ledger", "audit"}, failing(r))
	require.Equal(t, []string{"c@example.com  false PasswordTeammate", "a@example.com  true"}, summary(r))
}

// A report has a thousand teammates, those with findings first, and fits.
func TestMoreThanAThousandTeammates(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("x", 200)
	a := account{people: &people{listed: []sendgrid.Teammate{sso("admin@example.com", true)}}}
	for i := range 1500 {
		t := sso(fmt.Sprintf("%04d%s@example.com", i, long), false)
		*t.IsSSO = i < 700
		a.people.listed = append(a.people.listed, t)
	}
	for i := range 2000 {
		a.integrations = append(a.integrations, integration(fmt.Sprint(i), fmt.Sprint("urn:", i, strings.Repeat(`"`, 1000))))
	}
	r := a.report(t)
	require.Len(t, r.Teammates, 1000)
	for at, each := range r.Teammates {
		require.Equal(t, at < 800, len(each.Findings) == 1)
	}
	require.Equal(t, audit.PasswordTeammate, r.Teammates[0].Findings[0].Code)
	require.Greater(t, len(r.Connections), 300)
	require.Less(t, len(jsonOf(t, jsonOf(t, r))), 6_000_000-10_000)
}
