package provision

import (
	"context"
	"fmt"

	"sendgrid-sso-integration/internal/problem"
	"sendgrid-sso-integration/internal/protocol"
	"sendgrid-sso-integration/sendgrid"
)

// create is the create of the teammate. SendGrid refuses a second one with the same email.
func (a *teammateAttempt) create() write {
	in := sendgrid.TeammateRequest{Email: a.asks.Email, FirstName: a.asks.FirstName, LastName: a.asks.LastName, Access: a.access}
	w := write{
		Write:   protocol.Write{Kind: protocol.CreateResource},
		step:    Step{Operation: sendgrid.OpCreateTeammate, Teammate: &a.asks, Description: fmt.Sprintf("Create the teammate %s.", a.asks.Email)},
		changes: a.differences(sendgrid.Teammate{}),
		send: func(ctx context.Context) error {
			made, err := a.Teammates.CreateTeammate(ctx, in)
			if err == nil {
				a.recordResponse(*made)
			}
			return err
		},
		unknown: func(cause error) error { return outcomeUnknown(subjectOf(a.fresh), a.settling(), cause) },
	}
	if a.entry.Gone == "" || !a.entry.Stale.After(a.asOf) { // Else the one that was deleted may be shown.
		w.shows = a.appeared
	}
	return w
}

// appeared reports whether SendGrid shows the teammate.
func (a *teammateAttempt) appeared(ctx context.Context) (bool, error) {
	made, err := a.Teammates.GetTeammate(ctx, a.asks.Email)
	switch {
	case sendgrid.IsNotFound(err):
		return false, nil
	case err != nil:
		return false, err
	case made.IsSSO != nil && !made.SSO(): // SendGrid refused the create: somebody with a password has this email.
		return false, nil
	}
	if len(a.access.SubuserAccess) > 0 || a.seen != nil && a.seen.HasRestrictedSubuserAccess {
		access, err := a.Teammates.ListSubuserAccess(ctx, a.asks.Email)
		if err != nil {
			return false, err
		}
		made.HasRestrictedSubuserAccess, made.SubuserAccess = access.Restricted, access.Subusers
	}
	a.seen = made
	return true, nil
}

// update sends the whole declaration, so that what it does not have is taken away.
func (a *teammateAttempt) update() write {
	before, username := *a.seen, a.username()
	in := sendgrid.TeammateUpdate{FirstName: a.asks.FirstName, LastName: a.asks.LastName, Access: a.access}
	subject := a.asked.Fingerprint
	if a.confirms(before) { // What is shown would confirm it before it took effect.
		subject = ""
	}
	w := write{
		Write:      protocol.Write{Kind: protocol.UpdateResource, Integration: a.asks.Email, Subject: subject},
		step:       Step{Operation: sendgrid.OpUpdateTeammate, Teammate: &a.asks, Description: fmt.Sprintf("Update the teammate %s.", a.asks.Email)},
		changes:    a.differences(before),
		changed:    func() []problem.Change { return teammateBaselineOf(before).changes(teammateBaselineOf(*a.seen)) },
		idempotent: true,
		send: func(ctx context.Context) error {
			made, err := a.Teammates.UpdateTeammate(ctx, username, in)
			if err == nil {
				a.recordResponse(*made)
				a.updateSent = true
			}
			return err
		},
		unknown: func(cause error) error { return updateUnknown(subjectOf(a.fresh), a.settling(), cause) },
	}
	if subject != "" && !a.entry.Stale.After(a.asOf) {
		w.shows = func(ctx context.Context) (bool, error) {
			found, err := a.appeared(ctx)
			if !found || err != nil || !a.confirms(*a.seen) {
				a.seen = &before
				return false, err
			}
			a.updateSent = true
			return true, nil
		}
	}
	return w
}

// delete is the deletion of the teammate.
func (a *teammateAttempt) delete() write {
	username := a.username()
	return write{
		Write:      protocol.Write{Kind: protocol.DeleteResource, Integration: a.asks.Email},
		step:       Step{Operation: sendgrid.OpDeleteTeammate, Description: fmt.Sprintf("Delete the teammate %s.", a.asks.Email)},
		idempotent: true,
		send: func(ctx context.Context) error {
			err := a.Teammates.DeleteTeammate(ctx, username)
			if err == nil {
				a.seen = nil
			}
			return err
		},
		shows: func(ctx context.Context) (bool, error) {
			_, err := a.Teammates.GetTeammate(ctx, username)
			if sendgrid.IsNotFound(err) {
				a.seen = nil
				return true, nil
			}
			return false, err
		},
		unknown: func(cause error) error { return deletionUnknown(subjectOf(a.fresh), a.settling(), cause) },
	}
}

// recordResponse records SendGrid's response to a write, which may lack what is known anyway.
func (a *teammateAttempt) recordResponse(t sendgrid.Teammate) {
	if t.Email == "" {
		t.Email = a.asks.Email
	}
	if t.IsSSO == nil {
		sso := true // It is the API for SSO teammates.
		t.IsSSO = &sso
	}
	a.seen = &t
}
