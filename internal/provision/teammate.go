package provision

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"sendgrid-sso-integration/internal/problem"
	"sendgrid-sso-integration/internal/protocol"
	"sendgrid-sso-integration/internal/request"
	"sendgrid-sso-integration/sendgrid"
)

// Teammates is the part of sendgrid.Client for teammates that a Provisioner uses.
type Teammates interface {
	ListTeammates(context.Context) ([]sendgrid.Teammate, error)
	ListPendingTeammates(context.Context) ([]sendgrid.PendingTeammate, error)
	GetTeammate(ctx context.Context, username string) (*sendgrid.Teammate, error)
	ListSubuserAccess(ctx context.Context, username string) (*sendgrid.SubuserAccessList, error)
	FindSubuser(ctx context.Context, username string) (found sendgrid.Subuser, exists bool, err error)
	CreateTeammate(context.Context, sendgrid.TeammateRequest) (*sendgrid.Teammate, error)
	UpdateTeammate(ctx context.Context, email string, in sendgrid.TeammateUpdate) (*sendgrid.Teammate, error)
	DeleteTeammate(ctx context.Context, username string) error
}

// teammateAttempt is an attempt whose resource is a teammate.
type teammateAttempt struct {
	*attempt
	request request.Request
	asks    request.Teammate
	// access is what is sent to SendGrid of it.
	access sendgrid.TeammateAccess
	// seen is what SendGrid shows, with what this attempt has changed since; nil if there is no such teammate.
	seen *sendgrid.Teammate
	// all are the teammates that the list shows.
	all []sendgrid.Teammate
}

// ensureTeammate is [Provisioner.Ensure] for a teammate.
func (p *Provisioner) ensureTeammate(ctx context.Context, r request.Request, d Delivery) (*Result, error) {
	if p.Teammates == nil {
		return nil, problem.InvalidField("teammate", "is not supported here, because teammates are switched off; have the operator set the parameter Teammates (TEAMMATES) to true")
	}
	identity := r.Teammate.Identity()
	a := &teammateAttempt{request: r, asks: *r.Teammate, attempt: &attempt{
		Provisioner: p, deadlines: divideTime(ctx, d.MaxWait), delivery: d, arrived: func() {}, waits: waits{}, fresh: protocol.NewTeammateEntry(p.Account, r.Teammate.Email),
		asked: protocol.Asked{
			Identity: identity, Fingerprint: identity, MayUpdate: d.MayUpdate, Updates: r.IfExists.Updates(), Restores: r.IfExists == request.Restore,
			Ends: r.Kind == request.Absent, Order: d.Order, Deliveries: remembered(d.IDs, identity),
		},
	}}
	a.resource = a
	ctx, cancel := context.WithDeadline(ctx, a.work)
	defer cancel()
	result, err := a.task()(ctx)
	if err != nil {
		return nil, a.translate(err)
	}
	result.Metadata = r.Metadata
	if len(a.drifted) > 0 {
		result.Warnings = append(result.Warnings, Warning{Code: Drifted, Changes: a.drifted, Message: "Somebody changed the teammate in SendGrid since this function did; " +
			"changes has what. If that is not meant to stay, send the request with " + a.withRight(request.Restore) + "."})
	}
	return result, nil
}

// task returns what carries out the request.
func (a *teammateAttempt) task() func(context.Context) (*Result, error) {
	switch {
	case a.request.Kind == request.Forget && a.request.DryRun:
		return func(context.Context) (*Result, error) { return a.nothingPlanned(), nil }
	case a.request.Kind == request.Forget:
		return a.forget
	case a.request.Kind == request.Absent && a.request.DryRun:
		return a.previewRemoval
	case a.request.Kind == request.Absent:
		return a.remove
	case a.request.DryRun:
		return a.previewTeammate
	default:
		return a.ensure
	}
}

// ensure makes the teammate exist as declared.
func (a *teammateAttempt) ensure(ctx context.Context) (*Result, error) {
	if err := a.resolveAccess(ctx); err != nil {
		return nil, err
	}
	return a.run(ctx)
}

// shown implements resource. What the teammate is matches a request only if that is the one that is kept, no other
// request has changed anything since, and nobody else has: no read shows a persona, and what SendGrid adds to the
// scopes cannot be told from what was declared before.
func (a *teammateAttempt) shown() protocol.Shown {
	if a.seen == nil {
		return protocol.Shown{RecordedMissing: a.entry.IntegrationID != ""}
	}
	matches := a.entry.Managed() && a.entry.Completes(a.asked) && len(a.drift()) == 0
	digest := ""
	if a.confirms(*a.seen) {
		digest = a.asked.Fingerprint
	}
	return protocol.Shown{Exists: true, ID: a.asks.Email, Matches: matches, NeedsUpdate: !matches, Digest: digest, CertificatesRead: true}
}

// confirms reports whether what SendGrid shows proves that the declaration was applied. A persona never does.
func (a *teammateAttempt) confirms(t sendgrid.Teammate) bool {
	return a.asks.Persona == "" && t.FirstName == a.asks.FirstName && t.LastName == a.asks.LastName && len(a.dropped(t)) == 0
}

// dropped returns what was declared and is not contained in what SendGrid shows. SendGrid adds scopes of its own,
// and drops what it does not accept without an error.
func (a *teammateAttempt) dropped(t sendgrid.Teammate) []problem.FieldError {
	var found []problem.FieldError
	lacks := func(field, message string) {
		found = append(found, problem.FieldError{Field: "teammate." + field, Message: message})
	}
	if t.IsAdmin != a.asks.IsAdmin {
		lacks("is_admin", "is "+strconv.FormatBool(t.IsAdmin)+" in SendGrid's response")
	}
	if missing := without(a.asks.Scopes, t.Scopes); len(missing) > 0 {
		lacks("scopes", "SendGrid dropped "+strings.Join(missing, ", "))
	}
	for i, g := range a.access.SubuserAccess {
		at := slices.IndexFunc(t.SubuserAccess, func(s sendgrid.SubuserAccess) bool { return s.ID == g.ID })
		switch {
		case at < 0:
			lacks("subuser_access", fmt.Sprintf("SendGrid dropped the access to the subuser %s; a scope in it may not exist, or not be assignable", a.asks.Access[i].Subuser))
		case t.SubuserAccess[at].PermissionType != g.PermissionType:
			lacks("subuser_access", fmt.Sprintf("SendGrid gave %s for the subuser %s", t.SubuserAccess[at].PermissionType, a.asks.Access[i].Subuser))
		default:
			if missing := without(g.Scopes, t.SubuserAccess[at].Scopes); len(missing) > 0 {
				lacks("subuser_access", fmt.Sprintf("SendGrid dropped %s for the subuser %s", strings.Join(missing, ", "), a.asks.Access[i].Subuser))
			}
		}
	}
	if len(a.access.SubuserAccess) == 0 && t.HasRestrictedSubuserAccess {
		lacks("subuser_access", "SendGrid's response still restricts the teammate to subusers")
	}
	return found
}

// without returns what is declared and not there.
func without(declared, there []string) (missing []string) {
	for _, each := range declared {
		if !slices.Contains(there, each) {
			missing = append(missing, each)
		}
	}
	return missing
}

// errPlannedForConnection marks a mistake in this package.
var errPlannedForConnection = errors.New("the plan has a step that only a connection has")

// carryOut implements resource.
func (a *teammateAttempt) carryOut(ctx context.Context, p protocol.Plan) (*Result, error) {
	switch p.Step {
	case protocol.Create:
		return nil, a.perform(ctx, a.create())
	case protocol.Update:
		return nil, a.guarded(ctx, a.update())
	case protocol.Complete:
		return a.complete(ctx)
	case protocol.RecordUnchanged:
		return a.recordUnchanged(ctx)
	case protocol.ReturnUnchanged:
		a.release(ctx)
		a.drifted = a.drift()
		return a.result(protocol.OutcomeUnchanged), nil
	case protocol.ReturnSuperseded:
		a.release(ctx)
		return a.result(protocol.OutcomeSuperseded), nil
	case protocol.Recheck:
		return nil, a.recheck(ctx)
	case protocol.Refuse:
		a.release(ctx)
		return a.refuse(p)
	case protocol.AddCertificate, protocol.RemoveCertificate:
		a.release(ctx)
		return nil, errPlannedForConnection
	case protocol.Take, protocol.Report: // run takes the entry, and audits have no attempt for teammates.
	}
	return nil, errUnplanned
}

// refuse refuses the request. With nobody to decide, who is gone stays so.
func (a *teammateAttempt) refuse(p protocol.Plan) (*Result, error) {
	err := a.refusal(p)
	if !a.delivery.Unattended || !p.Reason.IsGone() {
		return nil, err
	}
	code := Missing
	if a.entry.IsEnded() {
		code = Ended
	}
	result := a.result(protocol.OutcomeSuperseded)
	result.Warnings = []Warning{{Code: code, Message: problem.From(err).Message}}
	return result, nil
}

// conflict refuses a request for a teammate that was declared otherwise, or not by this function.
func (a *teammateAttempt) conflict() *problem.Error {
	was := "and was not created by this function"
	switch {
	case a.entry.Managed():
		was = "and another request declared otherwise what this person may do"
	case a.entry.State == protocol.Pending:
		was = "and another request, which is not complete, declared otherwise what this person may do"
	}
	return &problem.Error{
		Code: problem.Conflict, Changes: a.differences(*a.seen),
		Message: fmt.Sprintf("The teammate %s exists, %s; nothing was changed. To have it changed, send the request with %s.", a.asks.Email, was, a.withRight(request.UpdateExisting)),
	}
}

// complete records that the request is carried out, and returns the result. Where SendGrid dropped something, the
// teammate exists, and the request is not completed: repeated, it is checked again, and another one may correct it.
func (a *teammateAttempt) complete(ctx context.Context) (*Result, error) {
	if dropped := a.dropped(*a.seen); len(dropped) > 0 {
		if err := a.commit(ctx, a.entry.Release(a.held)); err != nil {
			return nil, err
		}
		return nil, &problem.Error{
			Code: problem.SendGridRejected, Fields: dropped,
			Message: fmt.Sprintf("The teammate %s exists, and SendGrid did not give everything that was declared. Correct the request, and send it with %s.", a.asks.Email, a.withRight(request.UpdateExisting)),
		}
	}
	outcome := a.entry.Outcome
	if err := a.commit(ctx, a.keep(a.entry.Complete(a.asked, a.asks.Email, true, a.settles(), a.held))); err != nil {
		return nil, err
	}
	return a.result(outcome), nil
}

// recordUnchanged records that the request found what it asks for, and returns the result.
func (a *teammateAttempt) recordUnchanged(ctx context.Context) (*Result, error) {
	a.drifted = a.drift()
	baseline := a.entry.Baseline
	e := a.keep(a.entry.Complete(a.asked, a.asks.Email, a.asked.Updates, a.settles(), a.held))
	e.Baseline = baseline // What was edited since stays an edit.
	if err := a.commit(ctx, e); err != nil {
		return nil, err
	}
	return a.result(protocol.OutcomeUnchanged), nil
}

// keep returns an entry that keeps the declaration, and what SendGrid shows as its baseline.
func (a *teammateAttempt) keep(e protocol.Entry) protocol.Entry {
	kept := request.KeptTeammate{Teammate: a.asks, Metadata: a.request.Metadata, By: a.delivery.Caller, At: time.Now().UTC().Truncate(time.Second)}
	if before, managed := request.ParseKeptTeammate(e.Kept); managed && e.KeptIdentity == a.asked.Identity {
		kept.By, kept.At = before.By, before.At
	}
	e.Baseline = teammateBaselineOf(*a.seen).String()
	return e.Keep(kept.String(), a.asked.Identity)
}

// learn implements resource: the baseline follows each write, whatever the outcome of the request.
func (a *teammateAttempt) learn(w protocol.Write) {
	if w.Kind == protocol.UpdateResource && a.entry.Baseline != "" {
		a.entry.Baseline = teammateBaselineOf(*a.seen).String()
	}
}

// learned implements resource.
func (a *teammateAttempt) learned(e protocol.Entry) protocol.Entry { return e }

// effect implements resource.
func (a *teammateAttempt) effect() string {
	return "the request for the teammate " + a.asks.Email + " is not complete"
}

// result returns the result of the attempt.
func (a *teammateAttempt) result(outcome protocol.Outcome) *Result {
	r := &Result{Outcome: outcome, Changes: a.changes, Adopted: a.adopted, Teammate: &Teammate{Email: a.asks.Email}}
	if t := a.seen; t != nil {
		r.Teammate = &Teammate{
			Email: a.asks.Email, FirstName: t.FirstName, LastName: t.LastName, IsAdmin: &t.IsAdmin, Scopes: t.Scopes, HasRestrictedSubuserAccess: t.HasRestrictedSubuserAccess,
		}
		for _, s := range t.SubuserAccess {
			s.Scopes = nil
			r.Teammate.SubuserAccess = append(r.Teammate.SubuserAccess, s)
		}
	}
	return r
}
