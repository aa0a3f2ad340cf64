package simulation_test

import (
	"context"
	"net/http"
	"slices"
	"time"

	"sendgrid-sso-integration/sendgrid"
)

// teammate is the person with an email, over time.
type teammate struct {
	history[sendgrid.Teammate]
	email string
}

// person returns the teammate with an email, who may not exist.
func (sim *peopleSimulation) person(email string) *teammate {
	for _, p := range sim.people {
		if p.email == email {
			return p
		}
	}
	p := &teammate{email: email}
	sim.people = append(sim.people, p)
	return p
}

// administrators returns how many teammates administer the account and log in by SSO.
func (sim *peopleSimulation) administrators() int {
	n := 0
	for _, p := range sim.people {
		if value, exists := p.now(); exists && value.SSO() && value.IsAdmin {
			n++
		}
	}
	return n
}

// granted returns a teammate with an access as SendGrid gives it. It reports false where SendGrid refuses it.
func granted(t sendgrid.Teammate, in sendgrid.TeammateAccess, creates bool) (sendgrid.Teammate, bool) {
	t.IsAdmin, t.UserType, t.HasRestrictedSubuserAccess, t.SubuserAccess = in.IsAdmin, "teammate", false, nil
	t.Scopes = []string{ownScope}
	switch {
	case in.IsAdmin:
		t.UserType = "admin"
		t.Scopes = append(t.Scopes, "all")
	case in.Persona != "":
		t.Scopes = append(t.Scopes, "scope of a "+in.Persona)
	}
	for _, scope := range in.Scopes {
		if scope != droppedScope {
			t.Scopes = append(t.Scopes, scope)
		}
	}
	for _, g := range in.SubuserAccess {
		if slices.Contains(g.Scopes, invalidScope) {
			return t, creates
		}
	}
	for _, g := range in.SubuserAccess {
		t.HasRestrictedSubuserAccess = true
		a := sendgrid.SubuserAccess{Subuser: sendgrid.Subuser{ID: g.ID, Username: subuserName}, PermissionType: g.PermissionType}
		if g.PermissionType == sendgrid.PermissionRestricted {
			a.Scopes = append(slices.Clone(g.Scopes), "baseline.read")
		}
		t.SubuserAccess = append(t.SubuserAccess, a)
	}
	return t, true
}

// accessOf returns what is sent of a declaration.
func (q *declared) accessOf() sendgrid.TeammateAccess {
	asks := q.resolve().Teammate
	in := sendgrid.TeammateAccess{IsAdmin: asks.IsAdmin, Persona: asks.Persona, Scopes: asks.Scopes}
	for _, a := range asks.Access {
		in.SubuserAccess = append(in.SubuserAccess, sendgrid.SubuserGrant{ID: subuserID, PermissionType: a.PermissionType, Scopes: a.Scopes})
	}
	return in
}

// isMet reports whether a teammate is as declared, except for what SendGrid drops.
func (q *declared) isMet(t sendgrid.Teammate) bool {
	want, _ := granted(t, q.accessOf(), true)
	want.FirstName, want.LastName = q.name, "Doe"
	return personText(t) == personText(want)
}

// peopleClient is SendGrid as the function calls it. It implements provision.Teammates.
type peopleClient struct{ sim *peopleSimulation }

func (c peopleClient) call(ctx context.Context, op sendgrid.Op, describe string, apply func(*peopleTry) error) error {
	t := peopleTryOf(ctx)
	err := c.sim.call(ctx, op, describe, func() error { return apply(t) })
	if !op.Writes() {
		c.sim.mu.Lock()
		defer c.sim.mu.Unlock()
		t.readFailed = err != nil && !sendgrid.IsNotFound(err)
	}
	return err
}

func refused(op sendgrid.Op, status int, message string) error {
	return &sendgrid.Error{Op: op, Sent: true, StatusCode: status, Errors: []sendgrid.FieldError{{Message: message}}}
}

// at returns the teammates that a read shows, without what only some reads have.
func (c peopleClient) at(when time.Time, email string) (shown []sendgrid.Teammate) {
	for _, p := range c.sim.people {
		if value, exists := p.at(when); exists && (email == "" || p.email == email) {
			shown = append(shown, value)
		}
	}
	return shown
}

func (c peopleClient) ListTeammates(ctx context.Context) (list []sendgrid.Teammate, err error) {
	err = c.call(ctx, sendgrid.OpListTeammates, "list", func(t *peopleTry) error {
		list = c.at(t.shown(t.calls), "")
		for i := range list {
			list[i].Scopes, list[i].HasRestrictedSubuserAccess, list[i].SubuserAccess = nil, false, nil
		}
		return nil
	})
	return list, err
}

// ListPendingTeammates shows that nobody is invited.
func (c peopleClient) ListPendingTeammates(ctx context.Context) ([]sendgrid.PendingTeammate, error) {
	return nil, c.call(ctx, sendgrid.OpListPending, "list pending", func(*peopleTry) error { return nil })
}

func (c peopleClient) GetTeammate(ctx context.Context, username string) (found *sendgrid.Teammate, err error) {
	err = c.call(ctx, sendgrid.OpGetTeammate, "get "+username, func(t *peopleTry) error {
		shown := c.at(t.shown(t.calls), username)
		if len(shown) == 0 {
			return refused(sendgrid.OpGetTeammate, http.StatusNotFound, "username not found")
		}
		found = &shown[0]
		found.HasRestrictedSubuserAccess, found.SubuserAccess = false, nil
		return nil
	})
	return found, err
}

func (c peopleClient) ListSubuserAccess(ctx context.Context, username string) (list *sendgrid.SubuserAccessList, err error) {
	err = c.call(ctx, sendgrid.OpListSubuserAccess, "list the subusers of "+username, func(t *peopleTry) error {
		shown := c.at(t.shown(t.calls), username)
		if len(shown) == 0 {
			return refused(sendgrid.OpListSubuserAccess, http.StatusNotFound, "username not found")
		}
		list = &sendgrid.SubuserAccessList{Restricted: shown[0].HasRestrictedSubuserAccess, Subusers: shown[0].SubuserAccess}
		return nil
	})
	return list, err
}

func (c peopleClient) FindSubuser(ctx context.Context, username string) (found sendgrid.Subuser, exists bool, err error) {
	err = c.call(ctx, sendgrid.OpFindSubuser, "find the subuser "+username, func(*peopleTry) error {
		found, exists = sendgrid.Subuser{ID: subuserID, Username: subuserName}, username == subuserName
		return nil
	})
	return found, exists, err
}

func (c peopleClient) CreateTeammate(ctx context.Context, in sendgrid.TeammateRequest) (*sendgrid.Teammate, error) {
	var made sendgrid.Teammate
	c.sim.sends(ctx, sendgrid.OpCreateTeammate)
	_, mode := peek(ctx, false)
	err := c.call(ctx, sendgrid.OpCreateTeammate, "POST "+in.Email, func(t *peopleTry) error {
		p := c.sim.person(in.Email)
		_, exists := p.now()
		c.sim.mayCreate(t, exists)
		if exists || in.FirstName == refusedByName {
			return refused(sendgrid.OpCreateTeammate, http.StatusBadRequest, "refused")
		}
		made = sendgrid.Teammate{Username: in.Email, Email: in.Email, FirstName: in.FirstName, LastName: in.LastName, IsSSO: new(true)}
		made, _ = granted(made, in.Access, true)
		p.set(made, false)
		c.sim.wrote(t, "creates")
		return nil
	})
	if mode == nameless {
		made.Username, made.Email, made.IsSSO = "", "", nil
	}
	return &made, err
}

func (c peopleClient) UpdateTeammate(ctx context.Context, email string, in sendgrid.TeammateUpdate) (*sendgrid.Teammate, error) {
	var changed sendgrid.Teammate
	c.sim.sends(ctx, sendgrid.OpUpdateTeammate)
	err := c.call(ctx, sendgrid.OpUpdateTeammate, "PATCH "+email, func(t *peopleTry) error {
		p := c.sim.person(email)
		value, exists := p.now()
		c.sim.mayChange(t, value, exists)
		if !exists || !value.SSO() {
			return refused(sendgrid.OpUpdateTeammate, http.StatusNotFound, "username not found")
		}
		value.FirstName, value.LastName = in.FirstName, in.LastName
		var valid bool
		if changed, valid = granted(value, in.Access, false); !valid {
			return refused(sendgrid.OpUpdateTeammate, http.StatusInternalServerError, "invalid scopes provided")
		}
		if in.FirstName == refusedByName {
			return refused(sendgrid.OpUpdateTeammate, http.StatusBadRequest, "refused")
		}
		before := c.sim.administrators()
		p.set(changed, false)
		c.sim.wrote(t, "changes")
		c.sim.keepsAdministrator(t, before)
		return nil
	})
	return &changed, err
}

func (c peopleClient) DeleteTeammate(ctx context.Context, username string) error {
	c.sim.sends(ctx, sendgrid.OpDeleteTeammate)
	return c.call(ctx, sendgrid.OpDeleteTeammate, "DELETE "+username, func(t *peopleTry) error {
		p := c.sim.person(username)
		value, exists := p.now()
		c.sim.mayChange(t, value, exists)
		if !exists { // The client takes 404 for success.
			return nil
		}
		if value.UserType == sendgrid.UserTypeOwner {
			return refused(sendgrid.OpDeleteTeammate, http.StatusForbidden, "access forbidden")
		}
		before := c.sim.administrators()
		p.set(sendgrid.Teammate{}, true)
		c.sim.wrote(t, "deletes")
		c.sim.keepsAdministrator(t, before)
		return nil
	})
}

// applyEdit applies the edit of a person.
func (sim *peopleSimulation) applyEdit(h peopleEdit) {
	p := sim.person(h.email)
	value, exists := p.now()
	fresh := sendgrid.Teammate{Username: h.email, Email: h.email, FirstName: "Hand", LastName: "Made"}
	switch {
	case h.action == invites, h.action == adds && !exists:
		fresh.IsSSO = new(h.action == adds)
		made, _ := granted(fresh, sendgrid.TeammateAccess{Scopes: []string{"mail.send"}}, true)
		p.set(made, false)
		return
	case !exists, h.action == adds:
		return
	case h.action == removes:
		p.set(sendgrid.Teammate{}, true)
		return
	case h.action == renames:
		value.FirstName = "Renamed"
	case h.action == widens:
		value.Scopes = append(slices.Clone(value.Scopes), "templates.read")
	case h.action == promotes, h.action == demotes:
		value, _ = granted(value, sendgrid.TeammateAccess{IsAdmin: h.action == promotes}, true)
	}
	p.set(value, false)
}
