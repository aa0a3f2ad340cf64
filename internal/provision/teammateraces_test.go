package provision_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
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

// outageAfterRemoval makes the ledger fail once a teammate was deleted, until failAt ends it.
func (w teammates) outageAfterRemoval() {
	w.ledger.mu.Lock()
	defer w.ledger.mu.Unlock()
	w.ledger.meet = func(context.Context, string) error {
		if w.sendGrid.Count(sendgrid.OpDeleteTeammate) > 0 {
			return errors.New("outage")
		}
		return nil
	}
}

// removalOf removes another teammate.
func removalOf(email string) request.Request {
	r := removes()
	r.Teammate = &request.Teammate{Email: email}
	return r
}

// withoutSSO is a client whose reads of one teammate lack is_sso.
type withoutSSO struct{ provision.Teammates }

func (c withoutSSO) GetTeammate(ctx context.Context, username string) (*sendgrid.Teammate, error) {
	t, err := c.Teammates.GetTeammate(ctx, username)
	if err == nil {
		t.IsSSO = nil
	}
	return t, err
}

// between does something after the first response.
type between struct {
	http.RoundTripper
	do func()
}

func (b *between) RoundTrip(r *http.Request) (*http.Response, error) {
	response, err := b.RoundTripper.RoundTrip(r)
	if b.do != nil {
		b.do()
		b.do = nil
	}
	return response, err
}

// What happens at the same time as a write of a teammate, or keeps it from being recorded.
func TestTeammatesMeanwhile(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]func(teammates){
		"a removal after an update whose outcome is unknown is final": func(w teammates) {
			w.becomes(protocol.OutcomeCreated, declares(persona))
			w.pass(2 * time.Minute)
			w.sendGrid.Script(sendgridtest.Fault{Op: sendgrid.OpUpdateTeammate, Status: 503, Times: 4})
			w.refuses(problem.OutcomeUnknown, declares(scopes("mail.send"), updates))
			w.pass(2 * time.Minute)
			w.becomes(protocol.OutcomeDeleted, removes())
			w.pass(2 * time.Minute)
			w.refuses(problem.Conflict, declares(scopes("mail.send"), updates))
			require.Empty(w.t, w.sendGrid.Teammates())
		},
		"a removal that was not recorded stands against an older request": func(w teammates) {
			w.becomes(protocol.OutcomeCreated, declares(persona))
			w.pass(2 * time.Minute)
			older := provision.Delivery{MayUpdate: true, Order: at(time.Now())}
			w.pass(2 * time.Minute)
			w.outageAfterRemoval()
			_, err := w.asks(removes())
			require.Error(w.t, err)
			w.ledger.failAt("", nil)
			w.pass(5 * time.Minute)
			_, err = w.delivers(declares(scopes("mail.send")), older)
			require.Error(w.t, err)
			require.Empty(w.t, w.sendGrid.Teammates())
			require.Empty(w.t, w.ledger.entry.Kept, "what was declared of the person is forgotten")
		},
		"a removal that was not recorded stands against a newer request": func(w teammates) {
			w.becomes(protocol.OutcomeCreated, declares(persona))
			w.pass(2 * time.Minute)
			w.outageAfterRemoval()
			_, err := w.asks(removes())
			require.Error(w.t, err)
			w.ledger.failAt("", nil)
			w.pass(5 * time.Minute)
			w.refuses(problem.Conflict, declares(scopes("mail.send")))
			require.Empty(w.t, w.sendGrid.Teammates())
		},
		"only the list has is_sso, and lags": func(w teammates) {
			w.provisioner.Teammates = withoutSSO{w.client}
			w.sendGrid.SetLag(30*time.Second, 0)
			w.becomes(protocol.OutcomeCreated, declares(persona))
			w.pass(time.Second)
			w.refuses(problem.OutcomeUnknown, declares(scopes("mail.send"), updates))
		},
		"another teammate is deleted while the list is read": func(w teammates) {
			for n := range 600 {
				w.sendGrid.AddTeammate(sendgrid.Teammate{Email: fmt.Sprintf("a%03d@example.com", n), IsSSO: new(true)})
			}
			client := w.network.HTTPClient()
			client.Transport = &between{client.Transport, func() { w.sendGrid.DeleteTeammate("a000@example.com") }}
			w.provisioner.Teammates = &sendgrid.Client{Keys: w.keys, HTTP: client}
			result, err := w.asks(removalOf("a500@example.com"))
			require.NoError(w.t, err)
			require.Equal(w.t, protocol.OutcomeDeleted, result.Outcome)
		},
		"a restriction that an update lifts is not confirmed by the scopes alone": func(w teammates) {
			w.sendGrid.AddSubuser(sendgrid.Subuser{Username: "south", ID: 12})
			w.becomes(protocol.OutcomeCreated, declares(access(request.Access{Subuser: "south", PermissionType: "restricted", Scopes: []string{"mail.send"}})))
			w.pass(2 * time.Minute)
			w.sendGrid.EditTeammate(ada, func(t *sendgrid.Teammate) { t.Scopes = []string{"mail.send"} })
			w.sendGrid.Script(sendgridtest.Fault{Op: sendgrid.OpUpdateTeammate, Drop: true, Times: 4})
			_, err := w.asks(declares(scopes("mail.send"), restores))
			require.Error(w.t, err)
			require.True(w.t, w.there().HasRestrictedSubuserAccess)
		},
		"managed: false that is delivered again after a removal is superseded": func(w teammates) {
			w.becomes(protocol.OutcomeCreated, declares(persona))
			w.pass(2 * time.Minute)
			message := provision.Delivery{MayUpdate: true, IDs: []string{"message 1"}, Order: at(time.Now())}
			_, err := w.delivers(forgets(), message)
			require.NoError(w.t, err)
			w.pass(2 * time.Minute)
			w.becomes(protocol.OutcomeDeleted, removes())
			w.pass(2 * time.Minute)
			result, err := w.delivers(forgets(), message)
			require.NoError(w.t, err)
			require.Equal(w.t, protocol.OutcomeSuperseded, result.Outcome)
			w.refuses(problem.Conflict, declares(persona))
		},
		"the removal of an administrator that did not happen blocks that of another for a while": func(w teammates) {
			w.administrator(ada)
			w.administrator("grace@example.com")
			w.sendGrid.Script(sendgridtest.Fault{Op: sendgrid.OpDeleteTeammate, Status: 503, Times: 4})
			w.refuses(problem.OutcomeUnknown, removes())
			w.refuses(problem.InProgress, removalOf("grace@example.com"))
			w.pass(2 * time.Minute)
			result, err := w.asks(removalOf("grace@example.com"))
			require.NoError(w.t, err)
			require.Equal(w.t, protocol.OutcomeDeleted, result.Outcome)
		},
		"an address that only folds to another one is somebody else": func(w teammates) {
			w.sendGrid.AddTeammate(sendgrid.Teammate{Email: "boss@example.com", IsSSO: new(true)})
			_, _ = w.asks(removalOf("bo\u017fs@example.com"))
			require.Len(w.t, w.sendGrid.Teammates(), 1)
		},
		"a password teammate whom the list does not show yet was not created": func(w teammates) {
			w.sendGrid.SetLag(30*time.Second, 0)
			w.sendGrid.AddTeammate(sendgrid.Teammate{Email: ada, FirstName: "Ada", LastName: "Lovelace", IsSSO: new(false), Scopes: []string{"mail.send"}})
			w.sendGrid.Script(sendgridtest.Fault{Op: sendgrid.OpCreateTeammate, Drop: true, Times: -1})
			_, err := w.asks(declares(scopes("mail.send")))
			require.Error(w.t, err)
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) { test(newTeammates(t)) })
		})
	}
}
