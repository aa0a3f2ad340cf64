package provision

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"sendgrid-sso-integration/internal/problem"
	"sendgrid-sso-integration/internal/request"
	"sendgrid-sso-integration/sendgrid"
)

// resolveAccess finds the subusers that the request names.
func (a *teammateAttempt) resolveAccess(ctx context.Context) error {
	a.access = sendgrid.TeammateAccess{IsAdmin: a.asks.IsAdmin, Persona: a.asks.Persona, Scopes: a.asks.Scopes}
	for _, each := range a.asks.Access {
		grant := sendgrid.SubuserGrant{PermissionType: each.PermissionType, Scopes: each.Scopes}
		id, given := each.ID()
		if !given {
			exists := false
			found, err := read(ctx, a.attempt, func(ctx context.Context) (found sendgrid.Subuser, err error) {
				found, exists, err = a.Teammates.FindSubuser(ctx, each.Subuser)
				return found, err
			})
			switch {
			case err != nil:
				return err
			case !exists:
				return problem.InvalidField("teammate.subuser_access", fmt.Sprintf("names the subuser %q, and the account has none of this name", each.Subuser))
			}
			id = found.ID
		}
		grant.ID = id
		if slices.ContainsFunc(a.access.SubuserAccess, func(g sendgrid.SubuserGrant) bool { return g.ID == id }) {
			return problem.InvalidField("teammate.subuser_access", fmt.Sprintf("names the subuser %d twice: by its name and by its id", id))
		}
		a.access.SubuserAccess = append(a.access.SubuserAccess, grant)
	}
	return nil
}

// observe implements resource. The list says how a teammate logs in, and the read of one has the scopes. Only an
// SSO teammate is ever changed.
func (a *teammateAttempt) observe(ctx context.Context) error {
	a.seen = nil
	var err error
	if a.all, err = read(ctx, a.attempt, a.Teammates.ListTeammates); err != nil {
		return err
	}
	found := a.named(a.all)
	if found == nil && (a.entry.IntegrationID != "" || a.request.Kind == request.Absent) { // The list may lag behind a read by name, or have a gap.
		if found, err = a.getIfThere(ctx, a.asks.Email); err != nil {
			return err
		}
		if found != nil && !a.isThis(*found) { // SendGrid takes another address for this one.
			found = nil
		}
		if found != nil && found.IsSSO == nil && a.entry.Settles.After(a.asOf) { // Only the list says how this teammate logs in.
			return notYetVisible(subjectOf(a.entry), a.entry.Settles.Sub(a.asOf))
		}
	}
	deleted := a.entry.IntegrationID == "" && a.entry.Gone != "" && a.entry.Stale.After(a.asOf) // It may still be shown.
	switch {
	case found == nil && a.request.Kind == request.Absent:
		return a.checkInvited(ctx)
	case found == nil || deleted:
		return nil
	}
	if !found.SSO() || found.UserType == sendgrid.UserTypeOwner {
		return a.notSSO(*found)
	}
	a.seen = found
	if a.request.Kind != request.Present {
		return nil
	}
	return a.readAccess(ctx)
}

// named returns a copy of the teammate in a list that has the email of the request. One with a password comes first:
// the email may be the username of one, and a path that ends in it would name both.
func (a *teammateAttempt) named(all []sendgrid.Teammate) *sendgrid.Teammate {
	at := slices.IndexFunc(all, func(t sendgrid.Teammate) bool { return a.isThis(t) && !t.SSO() })
	if at < 0 {
		at = slices.IndexFunc(all, a.isThis)
	}
	if at < 0 {
		return nil
	}
	found := all[at]
	return &found
}

func (a *teammateAttempt) isThis(t sendgrid.Teammate) bool {
	// As the key is made: other letters that fold to the same are another entry.
	return strings.ToLower(t.Email) == a.asks.Email || strings.ToLower(t.Username) == a.asks.Email
}

// getIfThere reads a teammate; one that SendGrid does not show is nil.
func (a *teammateAttempt) getIfThere(ctx context.Context, username string) (*sendgrid.Teammate, error) {
	return ifThere(read(ctx, a.attempt, func(ctx context.Context) (*sendgrid.Teammate, error) { return a.Teammates.GetTeammate(ctx, username) }))
}

// readAccess reads what the teammate that is seen may do. One that a list shows and a read does not was just
// created or deleted; then nothing more is known of it.
func (a *teammateAttempt) readAccess(ctx context.Context) error {
	one, err := a.getIfThere(ctx, a.username())
	if err != nil || one == nil {
		return err
	}
	if one.IsSSO == nil {
		one.IsSSO = a.seen.IsSSO
	}
	a.seen = one
	before, _ := parseTeammateBaseline(a.entry.Baseline)
	if len(a.asks.Access) == 0 && !before.Restricted && !one.HasRestrictedSubuserAccess {
		return nil
	}
	access, err := read(ctx, a.attempt, func(ctx context.Context) (*sendgrid.SubuserAccessList, error) {
		return a.Teammates.ListSubuserAccess(ctx, a.username())
	})
	switch {
	case sendgrid.IsNotFound(err):
		return nil
	case err != nil:
		return err
	}
	a.seen.HasRestrictedSubuserAccess, a.seen.SubuserAccess = access.Restricted, access.Subusers
	return nil
}

// username returns the name under which SendGrid knows the teammate.
func (a *teammateAttempt) username() string {
	if a.seen != nil && a.seen.Email != "" { // As SendGrid spells it.
		return a.seen.Email
	}
	return a.asks.Email
}

// notSSO refuses a request for somebody who does not log in by SSO.
func (a *teammateAttempt) notSSO(found sendgrid.Teammate) *problem.Error {
	is, instead := "a teammate with a password", "If this person is meant to log in by SSO, remove them in SendGrid's settings for teammates, and send the request again."
	if a.request.Kind == request.Absent {
		instead = "To end this person's access, remove them in SendGrid's settings for teammates."
	}
	switch {
	case found.UserType == sendgrid.UserTypeOwner:
		is, instead = "the owner of the account", "The owner always has a password. To log in by SSO, this person needs a teammate with another address."
	case found.IsSSO == nil:
		is = "a teammate of whom SendGrid does not say that they log in by SSO"
	}
	return a.untouchable(is, instead)
}

func (a *teammateAttempt) untouchable(is, instead string) *problem.Error {
	return &problem.Error{Code: problem.Conflict, Message: fmt.Sprintf("%s is %s, which this function never changes; nothing was changed. %s", a.asks.Email, is, instead)}
}

// checkInvited refuses to remove somebody whom no list of teammates shows, and who is invited to log in with a password:
// the access would not have ended.
func (a *teammateAttempt) checkInvited(ctx context.Context) error {
	invited, err := read(ctx, a.attempt, a.Teammates.ListPendingTeammates)
	if err != nil {
		return err
	}
	if slices.ContainsFunc(invited, func(p sendgrid.PendingTeammate) bool { return strings.EqualFold(p.Email, a.asks.Email) }) {
		return a.untouchable("invited to be a teammate with a password", "To end that, delete the invitation in SendGrid's settings for teammates.")
	}
	return nil
}
