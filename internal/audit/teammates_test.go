package audit_test

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"sendgrid-sso-integration/internal/audit"
	"sendgrid-sso-integration/internal/problem"
	"sendgrid-sso-integration/internal/protocol"
	"sendgrid-sso-integration/internal/provision"
	"sendgrid-sso-integration/internal/request"
	"sendgrid-sso-integration/sendgrid"
	"sendgrid-sso-integration/sendgrid/sendgridtest"
)

// withTeammates switches teammates on.
func (w *world) withTeammates(breakGlass ...string) {
	client := w.SendGrid.(*sendgrid.Client)
	w.Teammates, w.BreakGlass = client, breakGlass
	w.Connections.(*provision.Provisioner).Teammates = client
}

// declare has a teammate made, and lets that settle.
func (w *world) declare(email string, isAdmin bool) {
	w.t.Helper()
	teammate := map[string]any{"email": email, "first_name": "Jane", "last_name": "Doe", "is_admin": true}
	if !isAdmin {
		delete(teammate, "is_admin")
		teammate["scopes"] = []string{"mail.send"}
	}
	require.NoError(w.t, w.send(map[string]any{"teammate": teammate, "metadata": map[string]string{"ticket": "OPS-2"}}))
	time.Sleep(time.Hour)
}

func about(findings []audit.Finding) []string {
	list := []string{}
	for _, f := range findings {
		list = append(list, fmt.Sprint(f.Code, " ", f.Email))
	}
	return list
}

// Whoever does not surely log in by SSO is found once, but for those who may log in with a password.
func TestTeammatesWithAPassword(t *testing.T) {
	t.Parallel()
	is := func(email string, sso *bool) sendgrid.Teammate {
		return sendgrid.Teammate{Username: email, Email: email, IsSSO: sso}
	}
	owner := sendgrid.Teammate{Username: "boss", Email: "Boss@example.com", UserType: sendgrid.UserTypeOwner, IsAdmin: true, IsSSO: new(false)}
	for name, tt := range map[string]struct {
		listed     []sendgrid.Teammate
		invited    []string
		breakGlass []string
		want       []string // the address, and words of the message
	}{
		"nobody":                  {},
		"SSO":                     {listed: []sendgrid.Teammate{is("a@example.com", new(true))}},
		"a password":              {listed: []sendgrid.Teammate{is("A@example.com", new(false))}, want: []string{"a@example.com", "can log in without SSO. Remove this teammate"}},
		"SendGrid does not say":   {listed: []sendgrid.Teammate{is("a@example.com", nil)}, want: []string{"a@example.com", "SendGrid does not say"}},
		"the owner":               {listed: []sendgrid.Teammate{owner}, want: []string{"boss@example.com", "owns the account"}},
		"the owner, meant":        {listed: []sendgrid.Teammate{owner}, breakGlass: []string{"x@example.com", "boss@example.com"}},
		"meant, by the username":  {listed: []sendgrid.Teammate{{Username: "A@example.com", IsSSO: new(false)}}, breakGlass: []string{"a@example.com"}},
		"only a username":         {listed: []sendgrid.Teammate{{Username: "Jane", IsSSO: new(false)}}, want: []string{"jane", "can log in without SSO"}},
		"no name at all":          {listed: []sendgrid.Teammate{{IsSSO: new(false)}}},
		"invited":                 {invited: []string{"New@example.com"}, want: []string{"new@example.com", "is invited, and will log in without SSO. Delete the invitation"}},
		"invited, meant":          {invited: []string{"New@example.com"}, breakGlass: []string{"new@example.com"}},
		"invited without a name":  {invited: []string{""}},
		"listed and invited, too": {listed: []sendgrid.Teammate{is("a@example.com", new(false))}, invited: []string{"A@example.com"}, want: []string{"a@example.com", "Remove"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := audit.People{Listed: tt.listed, AsOf: time.Now()}
			for _, email := range tt.invited {
				p.Pending = append(p.Pending, sendgrid.PendingTeammate{Email: email})
			}
			findings := p.Findings(nil, tt.breakGlass)
			if tt.want == nil {
				require.Empty(t, findings)
				return
			}
			require.Len(t, findings, 1)
			require.Equal(t, audit.PasswordTeammate, findings[0].Code)
			require.Equal(t, tt.want[0], findings[0].Email)
			require.Contains(t, findings[0].Message, tt.want[1])
			require.Contains(t, findings[0].Message, "BREAK_GLASS_TEAMMATES")
			require.True(t, findings[0].Alarms())
		})
	}
}

// What was declared is compared with the list, but not while anything may be under way.
func TestManagedTeammates(t *testing.T) {
	t.Parallel()
	now := time.Now()
	const email = "jane@example.com"
	sso := sendgrid.Teammate{Username: email, Email: "Jane@example.com", IsSSO: new(true)}
	admin := sso
	admin.IsAdmin = true
	managed := func(isAdmin bool, change func(*protocol.Entry)) protocol.Entry {
		e := protocol.NewTeammateEntry(account, email)
		e.State, e.IntegrationID, e.Expires = protocol.Completed, email, now.Add(day)
		e.Kept = request.KeptTeammate{Teammate: request.Teammate{Email: email, IsAdmin: isAdmin}, By: "operator", At: now}.String()
		if change != nil {
			change(&e)
		}
		return e
	}
	soon := now.Add(time.Second)
	for name, tt := range map[string]struct {
		listed []sendgrid.Teammate
		entry  protocol.Entry
		want   provision.WarningCode // none where it is empty
		change problem.Change
	}{
		"as declared":                {listed: []sendgrid.Teammate{sso}, entry: managed(false, nil)},
		"an administrator":           {listed: []sendgrid.Teammate{admin}, entry: managed(true, nil)},
		"promoted":                   {[]sendgrid.Teammate{admin}, managed(false, nil), provision.Drifted, problem.Change{Field: "is_admin", From: false, To: true}},
		"demoted":                    {[]sendgrid.Teammate{sso}, managed(true, nil), provision.Drifted, problem.Change{Field: "is_admin", From: true, To: false}},
		"gone":                       {entry: managed(false, nil), want: provision.Missing},
		"gone, among others":         {listed: []sendgrid.Teammate{{Email: "b@example.com", IsSSO: new(true)}}, entry: managed(false, nil), want: provision.Missing},
		"listed by username":         {listed: []sendgrid.Teammate{{Username: "JANE@example.com", IsSSO: new(true)}}, entry: managed(false, nil)},
		"another's username":         {listed: []sendgrid.Teammate{sso, {Username: email, Email: "b@example.com", IsAdmin: true, IsSSO: new(true)}}, entry: managed(false, nil)},
		"a row without a name":       {listed: []sendgrid.Teammate{{IsSSO: new(true)}}, entry: managed(false, nil)},
		"not managed":                {entry: managed(false, func(e *protocol.Entry) { e.Kept = "" })},
		"of a later version":         {entry: managed(false, func(e *protocol.Entry) { e.Kept = "{}" })},
		"ended":                      {entry: managed(false, func(e *protocol.Entry) { e.Ended = now })},
		"a request has steps left":   {entry: managed(false, func(e *protocol.Entry) { e.State = protocol.Pending })},
		"a create is on its way":     {entry: managed(false, func(e *protocol.Entry) { e.State = protocol.Creating })},
		"a deletion is announced":    {entry: managed(false, func(e *protocol.Entry) { e.Deleting = email })},
		"a request is working":       {entry: managed(false, func(e *protocol.Entry) { e.Owner, e.Lease = "another", soon })},
		"a write settles":            {entry: managed(false, func(e *protocol.Entry) { e.Lease = soon })},
		"it was created just now":    {entry: managed(false, func(e *protocol.Entry) { e.Settles = soon })},
		"it was changed just now":    {listed: []sendgrid.Teammate{admin}, entry: managed(false, func(e *protocol.Entry) { e.Stale = soon })},
		"it was created long ago":    {entry: managed(false, func(e *protocol.Entry) { e.Settles, e.Lease = now, now }), want: provision.Missing},
		"it was deleted and invited": {entry: managed(false, nil), want: provision.Missing},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			findings := audit.People{Listed: tt.listed, AsOf: now}.Findings([]protocol.Entry{tt.entry}, nil)
			if tt.want == "" {
				require.Empty(t, findings)
				return
			}
			require.Len(t, findings, 1)
			f := findings[0]
			require.Equal(t, []any{tt.want, email, "operator"}, []any{f.Code, f.Email, f.Kept.By})
			require.Contains(t, f.Message, "if_exists: restore")
			if tt.want == provision.Drifted {
				require.Equal(t, []problem.Change{tt.change}, f.Changes)
			} else {
				require.Empty(t, f.Changes)
			}
		})
	}
}

// What is found about teammates is published once, and again when it changes, and stored with the account's findings.
func TestAuditOfTeammates(t *testing.T) {
	t.Parallel()
	for name, q := range map[string]audit.Queue{"with a queue": &queue{}, "without a queue": nil} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t)
				w.Queue = q
				w.withTeammates("owner@example.com")
				w.sendGrid.AddTeammate(sendgrid.Teammate{Email: "Owner@example.com", UserType: sendgrid.UserTypeOwner})
				w.sendGrid.AddTeammate(sendgrid.Teammate{Username: "pw", Email: "pw@example.com", IsSSO: new(false)})
				w.sendGrid.AddPendingTeammate("invited@example.com")
				for _, email := range []string{"gone@example.com", "promoted@example.com"} {
					w.declare(email, false)
				}
				expect := func(news []string, all ...string) {
					t.Helper()
					w.bus.notices = nil
					report := w.started()
					require.Equal(t, all, about(report.Findings))
					require.Empty(t, report.Teammates.Failure)
					var fresh []audit.Finding
					for _, n := range w.bus.notices {
						fresh = append(fresh, n.New...)
					}
					require.Equal(t, news, about(fresh))
					own, err := w.ledger.Get(t.Context(), audit.LedgerKey)
					require.NoError(t, err)
					require.Equal(t, all, about(audit.Stored(own.Findings)))
					time.Sleep(day)
				}
				passwords := []string{"PasswordTeammate invited@example.com", "PasswordTeammate pw@example.com"}
				expect(passwords, passwords...)
				expect([]string{}, passwords...)

				w.sendGrid.DeleteTeammate("gone@example.com")
				w.sendGrid.EditTeammate("promoted@example.com", func(t *sendgrid.Teammate) { t.IsAdmin = true })
				changed := []string{"Missing gone@example.com", "Drifted promoted@example.com"}
				expect(changed, append(changed, passwords...)...)
				require.Equal(t, map[string]string{"ticket": "OPS-2"}, w.bus.notices[0].New[0].Kept.Metadata)
				expect([]string{}, append(changed, passwords...)...)

				w.sendGrid.DeleteTeammate("pw@example.com")
				expect([]string{}, append(changed, passwords[0])...)
				w.sendGrid.AddTeammate(sendgrid.Teammate{Username: "pw", Email: "pw@example.com", IsSSO: new(false)})
				expect(passwords[1:], append(changed, passwords...)...)

				w.Teammates = nil
				calls := w.sendGrid.Count(sendgrid.OpListTeammates)
				report := w.started()
				require.Nil(t, report.Teammates)
				require.Empty(t, report.Findings)
				require.Equal(t, calls, w.sendGrid.Count(sendgrid.OpListTeammates))
			})
		})
	}
}

// A failure keeps nothing from the connections. What was found stays, and is not new again.
func TestTeammatesThatCannotBeRead(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		fault sendgridtest.Fault
		want  string
		slow  bool
	}{
		"no scope":              {sendgridtest.Fault{Op: sendgrid.OpListTeammates, Status: 403}, "teammates.read", false},
		"the second list fails": {sendgridtest.Fault{Op: sendgrid.OpListPending, Status: 503}, "status 503 when asked to list the invitations of teammates", false},
		"half a list":           {sendgridtest.Fault{Op: sendgrid.OpListTeammates, Status: 200, Body: `{"result":[null]}`}, "could not be read when it was asked to list the teammates", false},
		"SendGrid hangs":        {sendgridtest.Fault{Op: sendgrid.OpListTeammates, Delay: time.Hour}, "SendGrid did not respond in time", true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t)
				w.withTeammates()
				w.sendGrid.AddTeammate(sendgrid.Teammate{Username: "pw", Email: "pw@example.com", IsSSO: new(false)})
				w.declare("gone@example.com", false)
				w.sendGrid.DeleteTeammate("gone@example.com")
				w.addMany(3)
				found := []string{"Missing gone@example.com", "PasswordTeammate pw@example.com"}
				require.Equal(t, found, about(w.started().Findings))
				for range 2 {
					time.Sleep(day)
					w.bus.notices = nil
					w.sendGrid.Script(sendgridtest.Fault{Op: tt.fault.Op, Status: tt.fault.Status, Body: tt.fault.Body, Delay: tt.fault.Delay, Times: 3})
					report := w.started()
					require.Contains(t, report.Teammates.Failure, "The teammates could not be audited. ")
					require.Contains(t, report.Teammates.Failure, tt.want)
					require.Len(t, report.Connections, 3)
					require.Equal(t, found, about(report.Findings), "it still stands")
					require.Empty(t, w.bus.news())
					w.sendGrid.ClearFaults()
				}
				require.Contains(t, w.log.String(), "the teammates could not be audited")
			})
		})
	}
}

// Without the ledger it is not known who is managed, so nothing is said about anybody.
func TestTeammatesNeedTheLedger(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w, q := newWorld(t), &queue{}
		w.withTeammates()
		w.sendGrid.AddTeammate(sendgrid.Teammate{Username: "pw", Email: "pw@example.com", IsSSO: new(false)})
		w.add(entity)
		w.Queue = sender{q, func() { w.ledger.lists = errBroken }} // It breaks after the connections are sent.
		report := w.started()
		require.Len(t, q.bodies, 1)
		require.Contains(t, report.Teammates.Failure, "The ledger, which has")
		require.Empty(t, report.Findings)
	})
}

// Of very many teammates with a password, so many are published and stored as fit, and each once.
func TestFindingsAboutTeammatesAreBounded(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.Queue = &queue{}
		w.withTeammates()
		for i := range 250 {
			w.sendGrid.AddTeammate(sendgrid.Teammate{Username: fmt.Sprint(i), Email: fmt.Sprintf("%03d%s@example.com", i, strings.Repeat("x", 200)), IsSSO: new(false)})
		}
		report := w.started()
		require.Equal(t, []int{250, 150, 100}, []int{report.Teammates.Total, report.Teammates.Omitted, len(report.Findings)})
		require.Len(t, w.bus.news(), 100)
		own, err := w.ledger.Get(t.Context(), audit.LedgerKey)
		require.NoError(t, err)
		require.LessOrEqual(t, len(own.Findings), 32<<10)
		require.GreaterOrEqual(t, len(audit.Stored(own.Findings)), 10)
		for range 3 {
			time.Sleep(day)
			w.sendGrid.Script(sendgridtest.Fault{Op: sendgrid.OpListTeammates, Status: 403, Times: 1})
			failed := w.started()
			for _, f := range failed.Findings {
				require.NotEmpty(t, f.Code)
			}
			text, err := json.Marshal(failed)
			require.NoError(t, err)
			require.NotContains(t, string(text), "{}")
			time.Sleep(day)
			require.Len(t, w.started().Findings, 100)
			require.Empty(t, w.bus.news())
		}
	})
}

// Entries of teammates, and the one that orders the removal of administrators, are no connections.
func TestTeammatesAreNoConnections(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w, q := newWorld(t), &queue{}
		w.withTeammates()
		w.manage(byHand(entity))
		w.declare("a@example.com", true)
		w.declare("b@example.com", true)
		w.declare("c@example.com", false)
		require.NoError(t, w.send(map[string]any{"state": "absent", "teammate": map[string]any{"email": "a@example.com"}}))
		time.Sleep(time.Hour)
		administrators, err := w.ledger.Get(t.Context(), protocol.NewAdministratorsEntry(account).Key)
		require.NoError(t, err)
		require.NotEmpty(t, administrators.Removed)

		require.Equal(t, []string{entity}, entities(w.started()))
		w.Queue = q
		report := w.started()
		require.Equal(t, []string{entity}, q.tasks(t, report.Began))
		require.Equal(t, 1, report.Total)
		require.Equal(t, 2, report.Teammates.Total)
		require.Empty(t, report.Findings)
	})
}

// sender does something after each time that it sends.
type sender struct {
	*queue
	after func()
}

func (s sender) Send(ctx context.Context, bodies []string, spread time.Duration) error {
	defer s.after()
	return s.queue.Send(ctx, bodies, spread)
}
