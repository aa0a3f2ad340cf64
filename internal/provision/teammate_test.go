package provision_test

import (
	"context"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"sendgrid-sso-integration/internal/problem"
	"sendgrid-sso-integration/internal/protocol"
	"sendgrid-sso-integration/internal/provision"
	"sendgrid-sso-integration/internal/request"
	"sendgrid-sso-integration/sendgrid"
	"sendgrid-sso-integration/sendgrid/sendgridtest"
)

const ada = "ada@example.com"

// teammates is a world in which teammates are switched on.
type teammates struct{ *world }

func newTeammates(t *testing.T) teammates {
	t.Helper()
	w := newWorld(t)
	w.provisioner.Teammates = w.client
	return teammates{w}
}

// declares returns a request for a teammate.
func declares(edits ...func(*request.Request)) request.Request {
	r := request.Request{Teammate: &request.Teammate{Email: ada, FirstName: "Ada", LastName: "Lovelace"}}
	for _, edit := range edits {
		edit(&r)
	}
	return r
}

func persona(r *request.Request)  { r.Teammate.Persona = "developer" }
func admin(r *request.Request)    { r.Teammate.IsAdmin = true }
func updates(r *request.Request)  { r.IfExists = request.UpdateExisting }
func restores(r *request.Request) { r.IfExists = request.Restore }
func dryRun(r *request.Request)   { r.DryRun = true }

func scopes(names ...string) func(*request.Request) {
	return func(r *request.Request) { r.Teammate.Scopes = names }
}

func access(grants ...request.Access) func(*request.Request) {
	return func(r *request.Request) { r.Teammate.Access = grants }
}

func removes(edits ...func(*request.Request)) request.Request {
	r := request.Request{Kind: request.Absent, Teammate: &request.Teammate{Email: ada}}
	for _, edit := range edits {
		edit(&r)
	}
	return r
}

func forgets(edits ...func(*request.Request)) request.Request {
	r := removes(edits...)
	r.Kind = request.Forget
	return r
}

// mayUpdate are deliveries of a caller who may update.
var mayUpdate = provision.Delivery{MayUpdate: true, Caller: "arn:aws:iam::1:role/it"}

// asks makes a request as a caller who may update.
func (w teammates) asks(r request.Request) (*provision.Result, error) {
	return w.delivers(r, mayUpdate)
}

func (w teammates) delivers(r request.Request, d provision.Delivery) (*provision.Result, error) {
	w.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), invocation)
	defer cancel()
	result, err := w.provisioner.Ensure(ctx, request.Resolved{Request: r}, d)
	require.NoError(w.t, ctx.Err(), "the response has to come before the deadline")
	w.pass(time.Millisecond) // The next request is a newer one.
	return result, err
}

func (w teammates) becomes(outcome protocol.Outcome, r request.Request) *provision.Result {
	w.t.Helper()
	result, err := w.asks(r)
	require.NoError(w.t, err)
	require.Equal(w.t, outcome, result.Outcome)
	require.Equal(w.t, ada, result.Teammate.Email)
	return result
}

func (w teammates) refuses(code problem.Code, r request.Request) *problem.Error {
	w.t.Helper()
	_, err := w.asks(r)
	return requireCode(w.t, code, err)
}

// there returns the teammate, and requires that there is one.
func (w teammates) there() sendgrid.Teammate {
	w.t.Helper()
	all := w.sendGrid.Teammates()
	at := slices.IndexFunc(all, func(t sendgrid.Teammate) bool { return strings.EqualFold(t.Email, ada) })
	require.GreaterOrEqual(w.t, at, 0, "there is no such teammate")
	return all[at]
}

// writes returns how many writes SendGrid got.
func (w teammates) writes() int {
	return w.sendGrid.Count(sendgrid.OpCreateTeammate) + w.sendGrid.Count(sendgrid.OpUpdateTeammate) + w.sendGrid.Count(sendgrid.OpDeleteTeammate)
}

// administrator adds another administrator, so that one is left.
func (w teammates) administrator(email string) {
	w.sendGrid.AddTeammate(sendgrid.Teammate{Email: email, IsAdmin: true, IsSSO: new(true)})
}

// Each test is about one rule for teammates, in a bubble of its own.
func TestTeammate(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]func(teammates){
		"created once, with two calls, and then unchanged": func(w teammates) {
			result := w.becomes(protocol.OutcomeCreated, declares(persona))
			require.Equal(w.t, []problem.Change{{Field: "first_name", To: "Ada"}, {Field: "last_name", To: "Lovelace"}, {Field: "is_admin", To: false}, {Field: "persona", To: "developer"}}, result.Changes)
			require.Equal(w.t, 1, w.sendGrid.Count(sendgrid.OpListTeammates))
			require.Equal(w.t, 1, w.writes())
			for _, pass := range []time.Duration{0, 2 * time.Minute} {
				w.pass(pass)
				for _, r := range []request.Request{declares(persona), declares(persona, updates), declares(persona, restores)} {
					require.Empty(w.t, w.becomes(protocol.OutcomeUnchanged, r).Warnings)
				}
			}
			require.Equal(w.t, 1, w.writes(), "a persona is known by the response")
		},
		"what SendGrid adds is no difference": func(w teammates) {
			w.becomes(protocol.OutcomeCreated, declares(scopes("mail.send")))
			w.pass(2 * time.Minute)
			require.Greater(w.t, len(w.there().Scopes), 1)
			w.sendGrid.EditTeammate(ada, func(t *sendgrid.Teammate) { t.Scopes = []string{"2fa_required", "mail.send"} }) // The account requires it from now on.
			require.Empty(w.t, w.becomes(protocol.OutcomeUnchanged, declares(scopes("mail.send"), restores)).Warnings)
		},
		"ten at once make one": func(w teammates) {
			var all sync.WaitGroup
			outcomes := make([]protocol.Outcome, 10)
			for i := range outcomes {
				all.Go(func() {
					ctx, cancel := context.WithTimeout(context.Background(), invocation)
					defer cancel()
					other := w.another()
					other.Teammates = w.client
					if result, err := other.Ensure(ctx, request.Resolved{Request: declares(persona)}, mayUpdate); err == nil {
						outcomes[i] = result.Outcome
					}
				})
			}
			all.Wait()
			slices.Sort(outcomes)
			require.Equal(w.t, slices.Concat([]protocol.Outcome{protocol.OutcomeCreated}, slices.Repeat([]protocol.Outcome{protocol.OutcomeUnchanged}, 9)), outcomes)
			require.Equal(w.t, 1, w.sendGrid.Count(sendgrid.OpCreateTeammate))
		},
		"created, and the response lost": func(w teammates) {
			w.sendGrid.Script(sendgridtest.Fault{Op: sendgrid.OpCreateTeammate, Drop: true, Commit: true})
			require.True(w.t, w.becomes(protocol.OutcomeCreated, declares(scopes("mail.send"))).Adopted)
			require.Equal(w.t, 1, w.sendGrid.Count(sendgrid.OpCreateTeammate))
		},
		"created, and not visible for a while": func(w teammates) {
			w.sendGrid.Script(sendgridtest.Fault{Op: sendgrid.OpCreateTeammate, Drop: true, Commit: true})
			w.sendGrid.SetLag(30*time.Second, 30*time.Second)
			w.refuses(problem.OutcomeUnknown, declares(persona))
			w.pass(provision.DefaultSettling)
			w.becomes(protocol.OutcomeCreated, declares(persona))
			require.Equal(w.t, 1, w.sendGrid.Count(sendgrid.OpCreateTeammate))
		},
		"another declaration is a conflict, and applied by an update": func(w teammates) {
			w.becomes(protocol.OutcomeCreated, declares(scopes("mail.send", "stats.read")))
			w.pass(2 * time.Minute)
			e := w.refuses(problem.Conflict, declares(scopes("mail.send")))
			require.Contains(w.t, e.Message, "if_exists: update")
			require.Equal(w.t, 1, w.writes())
			result := w.becomes(protocol.OutcomeUpdated, declares(scopes("mail.send"), updates))
			require.Equal(w.t, []problem.Change{{Field: "scopes", From: "stats.read"}}, result.Changes)
			require.NotContains(w.t, w.there().Scopes, "stats.read", "a smaller declaration takes away")
		},
		"a dry run and a conflict say what an update takes away": func(w teammates) {
			w.sendGrid.AddSubuser(sendgrid.Subuser{Username: "south", ID: 12})
			differs := func(want []problem.Change, edit func(*request.Request)) {
				w.t.Helper()
				require.Equal(w.t, want, w.becomes(protocol.OutcomePlanned, declares(edit, updates, dryRun)).Changes)
				require.Equal(w.t, want, w.refuses(problem.Conflict, declares(edit)).Changes)
			}
			south := func(more ...string) request.Access {
				return request.Access{Subuser: "south", PermissionType: "restricted", Scopes: append([]string{"mail.send"}, more...)}
			}
			renamed := func(r *request.Request) {
				access(south())(r)
				r.Teammate.LastName = "King"
			}
			w.becomes(protocol.OutcomeCreated, declares(scopes("mail.send", "stats.read")))
			w.pass(2 * time.Minute)
			differs([]problem.Change{{Field: "scopes", From: "stats.read"}}, scopes("mail.send"))
			w.becomes(protocol.OutcomeUpdated, declares(persona, updates))
			w.pass(2 * time.Minute)
			differs([]problem.Change{{Field: "persona", From: "developer"}, {Field: "scopes", From: "api_keys.read"}, {Field: "scopes", From: "templates.read"}}, scopes("mail.send"))
			w.sendGrid.EditTeammate(ada, func(t *sendgrid.Teammate) { t.Scopes = append(t.Scopes, "billing.delete") })
			require.Equal(w.t, []problem.Change{{Field: "scopes", From: "billing.delete"}}, w.becomes(protocol.OutcomePlanned, declares(persona, restores, dryRun)).Changes)
			w.becomes(protocol.OutcomeUpdated, declares(access(south("stats.read")), updates))
			w.pass(2 * time.Minute)
			differs([]problem.Change{
				{Field: "subuser_access", From: "12 (south): restricted to mail.send, stats.read, user.account.read, user.profile.read, user.username.read"},
				{Field: "subuser_access", To: "12 (south): admin"},
			}, access(request.Access{Subuser: "12", PermissionType: "admin"}))
			w.becomes(protocol.OutcomeUpdated, declares(access(south()), updates))
			w.pass(2 * time.Minute)
			differs([]problem.Change{{Field: "last_name", From: "Lovelace", To: "King"}}, renamed)
		},
		"a demotion is sent": func(w teammates) {
			w.administrator("grace@example.com")
			w.becomes(protocol.OutcomeCreated, declares(admin))
			w.pass(2 * time.Minute)
			result := w.becomes(protocol.OutcomeUpdated, declares(persona, updates))
			require.Contains(w.t, result.Changes, problem.Change{Field: "is_admin", From: true, To: false})
			require.False(w.t, w.there().IsAdmin)
		},
		"subusers, by name and by id": func(w teammates) {
			south, north := w.sendGrid.AddSubuser(sendgrid.Subuser{Username: "south"}), w.sendGrid.AddSubuser(sendgrid.Subuser{Username: "north", ID: 12})
			w.becomes(protocol.OutcomeCreated, declares(access(
				request.Access{Subuser: "south", PermissionType: "restricted", Scopes: []string{"mail.send"}}, request.Access{Subuser: "12", PermissionType: "admin"})))
			require.Equal(w.t, []int64{south.ID, north.ID}, []int64{w.there().SubuserAccess[0].ID, w.there().SubuserAccess[1].ID})
			w.pass(2 * time.Minute)
			w.becomes(protocol.OutcomeUpdated, declares(access(request.Access{Subuser: "12", PermissionType: "admin"}), updates))
			require.Len(w.t, w.there().SubuserAccess, 1, "an update replaces all")
			w.becomes(protocol.OutcomeUpdated, declares(persona, updates))
			require.False(w.t, w.there().HasRestrictedSubuserAccess)
		},
		"a subuser that does not exist": func(w teammates) {
			e := w.refuses(problem.InvalidRequest, declares(access(request.Access{Subuser: "south", PermissionType: "admin"})))
			require.Contains(w.t, e.Public(), `the subuser "south"`)
			w.sendGrid.AddSubuser(sendgrid.Subuser{Username: "south", ID: 12})
			e = w.refuses(problem.InvalidRequest, declares(access(request.Access{Subuser: "south", PermissionType: "admin"}, request.Access{Subuser: "12", PermissionType: "admin"})))
			require.Contains(w.t, e.Public(), "twice")
			require.Zero(w.t, w.writes())
		},
		"what was dropped silently is an error until it is corrected": func(w teammates) {
			w.sendGrid.AddSubuser(sendgrid.Subuser{Username: "south"})
			dropped := declares(access(request.Access{Subuser: "south", PermissionType: "restricted", Scopes: []string{"mail.sent"}}))
			for range 2 {
				e := w.refuses(problem.SendGridRejected, dropped)
				require.Equal(w.t, "teammate.subuser_access", e.Fields[0].Field)
				require.Contains(w.t, e.Message, "exists")
				w.pass(2 * time.Minute)
			}
			require.Equal(w.t, 1, w.writes())
			require.Contains(w.t, w.refuses(problem.Conflict, declares(persona)).Message, "another request, which is not complete")
			w.becomes(protocol.OutcomeUpdated, declares(access(request.Access{Subuser: "south", PermissionType: "restricted", Scopes: []string{"mail.send"}}), updates))
		},
		"SendGrid rejects a scope of a subuser with a status of its own failures": func(w teammates) {
			w.sendGrid.AddSubuser(sendgrid.Subuser{Username: "south"})
			w.becomes(protocol.OutcomeCreated, declares(persona))
			e := w.refuses(problem.SendGridRejected, declares(access(request.Access{Subuser: "south", PermissionType: "restricted", Scopes: []string{"mail.sent"}}), updates))
			require.Contains(w.t, e.Message, "rejected the teammate")
			require.Contains(w.t, e.Message, "invalid scopes")
		},
		"SendGrid rejects a scope": func(w teammates) {
			e := w.refuses(problem.SendGridRejected, declares(scopes("mail.sent")))
			require.Contains(w.t, e.Public(), "scopes: invalid or unassignable")
			require.Empty(w.t, w.sendGrid.Teammates())
		},
		"invited, and to be removed": func(w teammates) {
			w.sendGrid.AddPendingTeammate("Ada@example.com")
			for _, r := range []request.Request{removes(dryRun), removes()} {
				require.Contains(w.t, w.refuses(problem.Conflict, r).Message, "delete the invitation")
			}
			require.Zero(w.t, w.writes())
		},
		"invited already": func(w teammates) {
			w.sendGrid.AddPendingTeammate(ada)
			require.Contains(w.t, w.refuses(problem.SendGridRejected, declares(persona)).Public(), "already exists")
		},
		"made by hand, and adopted by an update": func(w teammates) {
			w.sendGrid.AddTeammate(sendgrid.Teammate{Email: "Ada@Example.com", FirstName: "A", IsSSO: new(true), Scopes: []string{"mail.send"}})
			require.Contains(w.t, w.refuses(problem.Conflict, declares(persona)).Message, "not created by this function")
			w.becomes(protocol.OutcomeUpdated, declares(persona, updates))
			require.Equal(w.t, "Ada", w.there().FirstName)
			w.pass(2 * time.Minute)
			w.becomes(protocol.OutcomeUnchanged, declares(persona))
		},
		"a teammate with a password, the owner, and one of whom SendGrid does not say": func(w teammates) {
			w.administrator("grace@example.com")
			for _, one := range []sendgrid.Teammate{
				{Email: ada, IsSSO: new(false)}, {Email: ada}, {Email: ada, IsSSO: new(true), UserType: sendgrid.UserTypeOwner},
			} {
				w.sendGrid.AddTeammate(one)
				for _, r := range []request.Request{declares(persona), declares(persona, updates), declares(persona, restores)} {
					require.NotContains(w.t, w.refuses(problem.Conflict, r).Message, "To end this person's access")
				}
				for _, r := range []request.Request{removes(), removes(dryRun)} {
					require.NotContains(w.t, w.refuses(problem.Conflict, r).Message, "send the request again")
				}
				if one.UserType == sendgrid.UserTypeOwner {
					require.NotContains(w.t, w.refuses(problem.Conflict, declares(persona)).Message, "remove them", "nobody can")
				}
				require.True(w.t, w.sendGrid.DeleteTeammate(ada))
			}
			require.Zero(w.t, w.writes())
		},
		"an email that is another's username": func(w teammates) {
			w.becomes(protocol.OutcomeCreated, declares(persona))
			w.pass(2 * time.Minute)
			w.sendGrid.AddTeammate(sendgrid.Teammate{Username: ada, Email: "other@example.com", IsSSO: new(false)})
			w.refuses(problem.Conflict, removes())
			w.refuses(problem.Conflict, declares(scopes("mail.send"), updates))
			require.Equal(w.t, 1, w.writes())
		},
		"edited by hand, noticed, and restored": func(w teammates) {
			w.becomes(protocol.OutcomeCreated, declares(persona))
			w.pass(2 * time.Minute)
			w.sendGrid.EditTeammate(ada, func(t *sendgrid.Teammate) { t.Scopes = append(t.Scopes, "billing.delete") })
			warnings := w.becomes(protocol.OutcomeUnchanged, declares(persona, updates)).Warnings
			require.Len(w.t, warnings, 1)
			require.Equal(w.t, provision.Drifted, warnings[0].Code)
			require.Equal(w.t, []problem.Change{{Field: "scopes", To: "billing.delete"}}, warnings[0].Changes)
			w.becomes(protocol.OutcomeUpdated, declares(persona, restores))
			require.NotContains(w.t, w.there().Scopes, "billing.delete")
		},
		"deleted by hand": func(w teammates) {
			w.becomes(protocol.OutcomeCreated, declares(persona))
			w.pass(2 * time.Minute)
			w.sendGrid.DeleteTeammate(ada)
			e := w.refuses(problem.Gone, declares(persona))
			require.Contains(w.t, e.Message, "the teammate "+ada)
			require.Empty(w.t, e.IntegrationID)
			unattended := mayUpdate
			unattended.Unattended = true
			result, err := w.delivers(declares(persona), unattended)
			require.NoError(w.t, err)
			require.Equal(w.t, protocol.OutcomeSuperseded, result.Outcome)
			require.Equal(w.t, provision.Missing, result.Warnings[0].Code)
			w.becomes(protocol.OutcomeCreated, declares(persona, restores))
		},
		"removed, and back only by a request that restores": func(w teammates) {
			w.becomes(protocol.OutcomeCreated, declares(persona))
			w.pass(2 * time.Minute)
			w.becomes(protocol.OutcomeDeleted, removes())
			require.Empty(w.t, w.sendGrid.Teammates())
			w.becomes(protocol.OutcomeUnchanged, removes())
			for _, r := range []request.Request{declares(persona), declares(persona, updates), declares(scopes("mail.send"), updates)} {
				require.Contains(w.t, w.refuses(problem.Conflict, r).Message, "This teammate was removed on")
			}
			w.pass(30 * 24 * time.Hour)
			require.Contains(w.t, w.refuses(problem.Conflict, declares(persona)).Message, mayUpdate.Caller)
			w.becomes(protocol.OutcomeCreated, declares(persona, restores))
			require.Equal(w.t, 2, w.sendGrid.Count(sendgrid.OpCreateTeammate))
		},
		"removed, and nothing of the person is kept but the email": func(w teammates) {
			w.becomes(protocol.OutcomeCreated, declares(persona))
			w.becomes(protocol.OutcomeDeleted, removes())
			e := w.ledger.entry
			require.Equal(w.t, ada, e.Teammate)
			require.Empty(w.t, []string{e.Kept, e.KeptIdentity, e.Baseline, e.Findings, e.Deleting}[0])
			require.NotContains(w.t, strings.Join([]string{e.Kept, e.Baseline, e.Findings}, ""), "Lovelace")
		},
		"removed where there is none, an older create makes nothing": func(w teammates) {
			sent := time.Now().Add(-time.Hour)
			w.becomes(protocol.OutcomeUnchanged, removes())
			older := provision.Delivery{MayUpdate: true, Order: at(sent)}
			_, err := w.delivers(declares(persona), older)
			requireCode(w.t, problem.Gone, err)
			w.becomes(protocol.OutcomeCreated, declares(persona))
		},
		"removed, an older request that restores brings nobody back": func(w teammates) {
			sent := time.Now()
			w.pass(time.Hour)
			w.becomes(protocol.OutcomeCreated, declares(persona))
			w.becomes(protocol.OutcomeDeleted, removes())
			_, err := w.delivers(declares(persona, restores), provision.Delivery{MayUpdate: true, Order: at(sent)})
			require.Contains(w.t, requireCode(w.t, problem.Gone, err).Message, "A newer request removed the teammate")
		},
		"an older removal changes nothing": func(w teammates) {
			w.becomes(protocol.OutcomeCreated, declares(persona))
			result, err := w.delivers(removes(), provision.Delivery{MayUpdate: true, Order: at(time.Now().Add(-time.Hour))})
			require.NoError(w.t, err)
			require.Equal(w.t, protocol.OutcomeSuperseded, result.Outcome)
			w.there()
		},
		"removed while reads lag, and created again at once": func(w teammates) {
			w.becomes(protocol.OutcomeCreated, declares(persona))
			w.pass(2 * time.Minute)
			w.sendGrid.SetLag(30*time.Second, 30*time.Second)
			w.becomes(protocol.OutcomeDeleted, removes())
			w.becomes(protocol.OutcomeUnchanged, removes())
			require.Equal(w.t, 1, w.sendGrid.Count(sendgrid.OpDeleteTeammate))
			w.becomes(protocol.OutcomeCreated, declares(admin, restores))
			require.True(w.t, w.there().IsAdmin)
		},
		"removed, and the response lost": func(w teammates) {
			w.becomes(protocol.OutcomeCreated, declares(persona))
			w.sendGrid.Script(sendgridtest.Fault{Op: sendgrid.OpDeleteTeammate, Drop: true, Commit: true, Times: 4})
			w.becomes(protocol.OutcomeDeleted, removes())
		},
		"removed, and it is not known whether by this": func(w teammates) {
			w.sendGrid.AddTeammate(sendgrid.Teammate{Email: ada, IsSSO: new(true)}) // The ledger does not know of it.
			w.sendGrid.Script(
				sendgridtest.Fault{Op: sendgrid.OpDeleteTeammate, Drop: true, Commit: true, Times: 4}, sendgridtest.Fault{Op: sendgrid.OpGetTeammate, Status: 503, Times: -1})
			w.refuses(problem.OutcomeUnknown, removes())
			w.sendGrid.ClearFaults()
			w.pass(2 * time.Minute)
			w.becomes(protocol.OutcomeDeleted, removes())
		},
		"a removal that did not happen, of a teammate that is adopted then": func(w teammates) {
			w.sendGrid.AddTeammate(sendgrid.Teammate{Email: ada, IsSSO: new(true)})
			w.sendGrid.Script(sendgridtest.Fault{Op: sendgrid.OpDeleteTeammate, Drop: true, Times: 4})
			w.refuses(problem.OutcomeUnknown, removes())
			w.pass(2 * time.Minute)
			w.refuses(problem.Conflict, declares(persona)) // It finds that the removal did not happen.
			w.sendGrid.DeleteTeammate(ada)
			w.becomes(protocol.OutcomeUnchanged, removes())
		},
		"removed after it was deleted by hand": func(w teammates) {
			w.becomes(protocol.OutcomeCreated, declares(persona))
			w.pass(2 * time.Minute)
			w.sendGrid.DeleteTeammate(ada)
			w.becomes(protocol.OutcomeUnchanged, removes())
			require.Contains(w.t, w.refuses(problem.Conflict, declares(persona)).Message, "was removed")
		},
		"created again, and the one before is still shown": func(w teammates) {
			w.becomes(protocol.OutcomeCreated, declares(persona))
			w.pass(2 * time.Minute)
			w.sendGrid.SetLag(30*time.Second, 30*time.Second)
			w.becomes(protocol.OutcomeDeleted, removes())
			w.sendGrid.Script(sendgridtest.Fault{Op: sendgrid.OpCreateTeammate, Drop: true}) // It did not happen.
			w.refuses(problem.OutcomeUnknown, declares(persona, restores))
			w.pass(2 * time.Minute)
			w.refuses(problem.OutcomeUnknown, declares(persona, restores)) // It may still be on its way.
			w.pass(2 * time.Minute)
			w.becomes(protocol.OutcomeCreated, declares(persona, restores))
		},
		"an update that takes away, and no response": func(w teammates) {
			w.becomes(protocol.OutcomeCreated, declares(scopes("mail.send", "stats.read")))
			w.pass(2 * time.Minute)
			w.sendGrid.Script(sendgridtest.Fault{Op: sendgrid.OpUpdateTeammate, Drop: true, Times: 4}) // What is shown has it all along.
			w.refuses(problem.OutcomeUnknown, declares(scopes("mail.send"), updates))
			w.pass(2 * time.Minute)
			w.becomes(protocol.OutcomeUpdated, declares(scopes("mail.send"), updates))
		},
		"what is shown before an update is no edit": func(w teammates) {
			w.becomes(protocol.OutcomeCreated, declares(persona))
			w.pass(2 * time.Minute)
			w.sendGrid.SetLag(30*time.Second, 30*time.Second)
			w.becomes(protocol.OutcomeUpdated, declares(scopes("billing.read"), updates))
			require.Empty(w.t, w.becomes(protocol.OutcomeUnchanged, declares(scopes("billing.read"), updates)).Warnings)
		},
		"the last administrator stays": func(w teammates) {
			w.becomes(protocol.OutcomeCreated, declares(admin))
			w.sendGrid.AddTeammate(sendgrid.Teammate{Email: "owner@example.com", UserType: sendgrid.UserTypeOwner, IsSSO: new(false)})
			w.sendGrid.AddTeammate(sendgrid.Teammate{Email: "bob@example.com", IsAdmin: true, IsSSO: new(false)})
			w.pass(2 * time.Minute)
			for _, r := range []request.Request{removes(), removes(dryRun), declares(persona, updates), declares(persona, updates, dryRun)} {
				require.Contains(w.t, w.refuses(problem.Conflict, r).Message, "last administrator")
			}
			w.administrator("grace@example.com")
			w.becomes(protocol.OutcomeDeleted, removes())
		},
		"of two administrators who are removed at once, one stays": func(w teammates) {
			w.administrator(ada)
			w.administrator("grace@example.com")
			w.pass(2 * time.Minute)
			w.sendGrid.SetLag(30*time.Second, 30*time.Second)
			var all sync.WaitGroup
			for _, email := range []string{ada, "grace@example.com"} {
				all.Go(func() {
					r := removes()
					r.Teammate = &request.Teammate{Email: email}
					ctx, cancel := context.WithTimeout(context.Background(), invocation)
					defer cancel()
					_, _ = w.provisioner.Ensure(ctx, request.Resolved{Request: r}, mayUpdate)
				})
			}
			all.Wait()
			require.Len(w.t, w.sendGrid.Teammates(), 1)
		},
		"a removal that SendGrid refuses is not counted": func(w teammates) {
			w.administrator(ada)
			w.administrator("grace@example.com")
			w.sendGrid.Script(sendgridtest.Fault{Op: sendgrid.OpDeleteTeammate, Status: 403})
			w.refuses(problem.SendGridForbidden, removes())
			other := removes()
			other.Teammate = &request.Teammate{Email: "grace@example.com"}
			result, err := w.asks(other)
			require.NoError(w.t, err)
			require.Equal(w.t, protocol.OutcomeDeleted, result.Outcome)
		},
		"a dry run writes nothing": func(w teammates) {
			result := w.becomes(protocol.OutcomePlanned, declares(persona, dryRun))
			require.Equal(w.t, sendgrid.OpCreateTeammate, result.Steps[0].Operation)
			w.becomes(protocol.OutcomeCreated, declares(persona))
			require.Empty(w.t, w.becomes(protocol.OutcomePlanned, declares(persona, dryRun)).Steps)
			result = w.becomes(protocol.OutcomePlanned, declares(scopes("billing.read"), updates, dryRun))
			require.Equal(w.t, sendgrid.OpUpdateTeammate, result.Steps[0].Operation)
			require.Contains(w.t, result.Changes, problem.Change{Field: "scopes", To: "billing.read"})
			require.Equal(w.t, sendgrid.OpDeleteTeammate, w.becomes(protocol.OutcomePlanned, removes(dryRun)).Steps[0].Operation)
			require.Empty(w.t, w.becomes(protocol.OutcomePlanned, forgets(dryRun)).Steps)
			require.True(w.t, w.ledger.entry.Managed())
			w.refuses(problem.Conflict, declares(scopes("mail.send"), dryRun))
			require.Equal(w.t, 1, w.writes())
		},
		"forgotten": func(w teammates) {
			w.becomes(protocol.OutcomeCreated, declares(persona))
			w.becomes(protocol.OutcomeUnchanged, forgets())
			require.False(w.t, w.ledger.entry.Managed())
			w.there()
			w.pass(16 * 24 * time.Hour)
			w.refuses(problem.Conflict, declares(persona))
		},
		"an email is no entity id": func(w teammates) {
			r := oktaRequest()
			r.EntityID = ada
			_, err := w.ensure(r)
			require.NoError(w.t, err)
			w.becomes(protocol.OutcomeCreated, declares(persona))
		},
		"switched off": func(w teammates) {
			w.provisioner.Teammates = nil
			require.Contains(w.t, w.refuses(problem.InvalidRequest, declares(persona)).Public(), "the parameter Teammates (TEAMMATES)")
			require.Zero(w.t, w.sendGrid.Count(sendgrid.OpListTeammates))
		},
		"a key without the scope": func(w teammates) {
			w.sendGrid.SetScopes(testKey, sendgrid.ScopeTeammatesRead)
			require.Contains(w.t, w.refuses(problem.SendGridForbidden, declares(persona)).Message, sendgrid.ScopeTeammatesCreate)
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) { test(newTeammates(t)) })
		})
	}
}
