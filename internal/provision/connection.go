package provision

import (
	"context"

	"sendgrid-sso-integration/internal/protocol"
	"sendgrid-sso-integration/internal/request"
)

// connectionAttempt is an attempt whose resource is a connection.
type connectionAttempt struct {
	*attempt
	request request.Resolved
	// seen is what SendGrid shows, with what this attempt has changed since.
	seen observation
	// isEnd reports whether the request ends or forgets the connection.
	isEnd bool
	// oneOfSeveral reports whether the request ends other connections, too.
	oneOfSeveral bool
}

// newConnectionAttempt returns the attempt with a connection as its resource.
func newConnectionAttempt(a *attempt, r request.Resolved) *connectionAttempt {
	c := &connectionAttempt{attempt: a, request: r}
	a.resource = c
	return c
}

// task returns what carries out the request.
func (a *connectionAttempt) task() func(context.Context) (*Result, error) {
	switch {
	case a.request.Kind == request.Absent:
		return a.endConnection
	case a.request.Kind == request.Forget:
		return a.forget
	case a.request.DryRun:
		return a.preview
	default:
		return a.run
	}
}

// carryOut takes one step. Without a result or an error, another plan has to follow.
func (a *connectionAttempt) carryOut(ctx context.Context, p protocol.Plan) (*Result, error) {
	switch p.Step {
	case protocol.Create:
		return nil, a.perform(ctx, a.createIntegration())
	case protocol.Update:
		return nil, a.perform(ctx, a.updateIntegration())
	case protocol.AddCertificate:
		return nil, a.perform(ctx, a.createCertificate(p.Certificate))
	case protocol.RemoveCertificate:
		return nil, a.perform(ctx, a.deleteCertificate(p.Certificate))
	case protocol.Complete:
		return a.complete(ctx)
	case protocol.ReturnUnchanged:
		return a.withoutChange(ctx, protocol.OutcomeUnchanged)
	case protocol.ReturnSuperseded:
		return a.withoutChange(ctx, protocol.OutcomeSuperseded)
	case protocol.RecordUnchanged:
		return a.recordUnchanged(ctx)
	case protocol.Recheck:
		return nil, a.recheck(ctx)
	case protocol.Refuse:
		a.release(ctx)
		if a.delivery.Unattended && p.Reason.IsGone() {
			return a.superseded(), nil
		}
		return nil, a.refusal(p)
	case protocol.Take, protocol.Report: // run takes the entry, and an audit reports.
	}
	return nil, errUnplanned
}

// complete records that the steps of the request are done, and returns the result.
func (a *connectionAttempt) complete(ctx context.Context) (*Result, error) {
	outcome := a.entry.Outcome
	same := a.entry.Managed() && a.entry.Completes(a.asked) // It only deleted certificates.
	e := a.entry.Complete(a.asked, a.seen.integration.ID, true, a.settles(), a.held)
	if same {
		e = a.keepMetadata(e)
	} else {
		e = a.keep(a.withBaseline(e))
	}
	if err := a.commit(ctx, e); err != nil {
		return nil, err
	}
	ctx, cancel := uncancelled(ctx, a.reconcile)
	defer cancel()
	if err := a.readWhole(ctx); err != nil {
		return nil, unreadable(a.seen.integration.ID, outcome, err)
	}
	return a.result(outcome), nil
}

// withoutChange returns the result of a request that changes nothing.
func (a *connectionAttempt) withoutChange(ctx context.Context, outcome protocol.Outcome) (*Result, error) {
	err := a.readWhole(ctx)
	a.release(ctx)
	if err != nil {
		return nil, err
	}
	if outcome == protocol.OutcomeUnchanged {
		a.drifted = a.edits()
	}
	return a.result(outcome), nil
}

// recordUnchanged records that the request found what it asks for, and returns the result.
func (a *connectionAttempt) recordUnchanged(ctx context.Context) (*Result, error) {
	if err := a.readWhole(ctx); err != nil {
		a.release(ctx)
		return nil, err
	}
	if err := a.readKnown(ctx); err != nil {
		a.release(ctx)
		return nil, err
	}
	a.drifted = a.edits()
	same := a.entry.Managed() && a.entry.Completes(a.asked)
	e := a.entry.Complete(a.asked, a.seen.integration.ID, a.asked.Updates, a.settles(), a.held)
	switch {
	case same && a.asked.Updates:
		e = a.keepMetadata(e)
	case a.asked.MayUpdate && !same:
		e = a.keep(e)
	}
	// What another request finds as requested is the declared state from now on.
	declares := a.asked.Restores || a.asked.Updates && !same
	if a.request.Matches(*a.seen.integration) && (a.drifted == nil || declares) {
		e = a.withBaseline(e)
	} else { // Edits since then stay drift, and what is shown may be older than the last write.
		e = a.keepBaseline(e)
	}
	if err := a.commit(ctx, e); err != nil {
		return nil, err
	}
	return a.result(protocol.OutcomeUnchanged), nil
}

// learned implements resource: the entry gets a baseline, and notices an integration that was never requested.
func (a *connectionAttempt) learned(e protocol.Entry) protocol.Entry {
	e = a.keepBaseline(e)
	if i := a.seen.integration; i != nil {
		e = e.Notice(i.ID, a.settles())
	}
	return e
}

// effect implements resource.
func (a *connectionAttempt) effect() string {
	if a.entry.Outcome == protocol.OutcomeCreated {
		return "the integration " + a.entry.IntegrationID + " exists and lacks certificates"
	}
	return "the update of the integration " + a.entry.IntegrationID + " is not complete"
}
