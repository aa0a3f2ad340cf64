package provision

import (
	"context"
	"time"

	"sendgrid-sso-integration/internal/problem"
	"sendgrid-sso-integration/internal/protocol"
)

// remove deletes the teammate, and records that.
func (a *teammateAttempt) remove(ctx context.Context) (*Result, error) {
	if err := a.own(ctx); err != nil {
		return nil, err
	}
	a.asOf = time.Now()
	if err := a.observe(ctx); err != nil {
		a.release(ctx)
		return nil, err
	}
	a.reconcileEntry()
	for range maxSteps {
		p := a.planRemoval()
		if p.Step == protocol.Complete {
			return a.recordRemoval(ctx)
		}
		if p.Step != protocol.Update {
			return a.carryOut(ctx, p)
		}
		if err := a.guarded(ctx, a.delete()); err != nil {
			return nil, err
		}
	}
	a.release(ctx)
	return nil, errUnplanned
}

// planRemoval returns the next plan.
func (a *teammateAttempt) planRemoval() protocol.Plan {
	shown := a.shown()
	shown.NeedsUpdate = a.seen != nil
	return protocol.View{Asked: a.asked, Entry: a.entry, Standing: a.standing, Shown: shown, AsOf: a.asOf}.PlanEnd()
}

// recordRemoval records that the teammate is removed.
func (a *teammateAttempt) recordRemoval(ctx context.Context) (*Result, error) {
	now, deleted := time.Now(), a.entry.Deleting != ""
	var ending *protocol.Ending
	if a.entry.Ends(deleted, deleted) {
		ending = &protocol.Ending{By: a.delivery.Caller, At: now}
	}
	if err := a.commit(ctx, a.entry.Remove(a.asked, ending, now, a.held)); err != nil {
		return nil, err
	}
	if deleted {
		return a.result(protocol.OutcomeDeleted), nil
	}
	return a.result(protocol.OutcomeUnchanged), nil
}

// forget makes the ledger forget the teammate. Nothing in SendGrid changes.
func (a *teammateAttempt) forget(ctx context.Context) (*Result, error) {
	if err := a.own(ctx); err != nil {
		return nil, err
	}
	if a.asked.Order.Before(a.entry.Applied) {
		a.release(ctx)
		return a.result(protocol.OutcomeSuperseded), nil
	}
	if err := a.commit(ctx, a.entry.Forget(time.Now()).Release(a.held)); err != nil {
		return nil, err
	}
	return a.result(protocol.OutcomeUnchanged), nil
}

// previewRemoval returns what a request that removes the teammate would do.
func (a *teammateAttempt) previewRemoval(ctx context.Context) (*Result, error) {
	if err := a.beginPreview(ctx); err != nil {
		return nil, err
	}
	if err := a.observe(ctx); err != nil {
		return nil, err
	}
	a.reconcileEntry()
	p := a.planRemoval()
	if p.Step == protocol.Update {
		return a.planned(a.delete())
	}
	return a.previewNothing(p)
}

// previewTeammate returns what a request for the teammate would do.
func (a *teammateAttempt) previewTeammate(ctx context.Context) (*Result, error) {
	if err := a.resolveAccess(ctx); err != nil {
		return nil, err
	}
	if err := a.beginPreview(ctx); err != nil {
		return nil, err
	}
	if err := a.observe(ctx); err != nil {
		return nil, err
	}
	a.reconcileEntry()
	p := a.plan()
	if p.Step == protocol.Create {
		return a.planned(a.create())
	}
	if p.Step == protocol.Update {
		return a.planned(a.update())
	}
	a.drifted = a.drift()
	return a.previewNothing(p)
}

// previewNothing returns the result of a preview whose plan writes nothing.
func (a *teammateAttempt) previewNothing(p protocol.Plan) (*Result, error) {
	if p.Step == protocol.Recheck {
		return nil, writeUnknown(a.entry, a.settling(), nil)
	}
	if p.Step == protocol.Refuse {
		return nil, a.refusal(p)
	}
	return a.nothingPlanned(), nil
}

func (a *teammateAttempt) nothingPlanned() *Result {
	r := a.result(protocol.OutcomePlanned)
	r.Steps, r.Changes = []Step{}, []problem.Change{}
	return r
}

// planned returns the one write that would be sent.
func (a *teammateAttempt) planned(w write) (*Result, error) {
	if a.endsAdministrator(w) && a.isLastAdministrator(a.all, nil) {
		return nil, a.lastAdministrator()
	}
	r := a.nothingPlanned()
	r.Steps, r.Changes = []Step{w.step}, append(r.Changes, w.changes...)
	return r, nil
}
