package provision

import (
	"context"
	"errors"
	"time"

	"sendgrid-sso-integration/internal/problem"
	"sendgrid-sso-integration/internal/protocol"
	"sendgrid-sso-integration/internal/request"
	"sendgrid-sso-integration/internal/saml"
	"sendgrid-sso-integration/sendgrid"
)

// maxSteps bounds the steps of an attempt: a create, an update, and each certificate.
const maxSteps = 2*saml.MaxCertificates + 10

// attempt is one run of the protocol.
type attempt struct {
	*Provisioner
	deadlines
	request  request.Resolved
	delivery Delivery
	asked    protocol.Asked
	// arrived ends that others wait for this attempt to share the list.
	arrived func()

	standing protocol.Standing
	// stored is the ledger entry as this attempt last read or wrote it, and entry the same with
	// what it has learned since.
	stored, entry protocol.Entry
	// seen is what SendGrid shows, with what this attempt has changed since.
	seen observation
	// asOf is when reading began.
	asOf time.Time
	// updateSent reports whether this attempt has updated the integration.
	updateSent bool
	// removed reports whether it has deleted a certificate.
	removed bool
	// isEnd reports whether the request is not for a connection, but for the end of one.
	isEnd bool
	// oneOfSeveral reports whether the request ends other connections, too.
	oneOfSeveral bool
	// changes are what this attempt changed in SendGrid.
	changes []problem.Change
	// drifted is what somebody changed there before.
	drifted []problem.Change
	// missing reports whether the integration was deleted, and stays so.
	missing bool
	waits   waits
	// adopted reports whether the response to a create was lost.
	adopted bool
	// held is until when nobody may write after this attempt, because the outcome of one of its
	// writes was once unknown: a try that was not answered may still take effect.
	held time.Time
}

// errUnplanned marks a mistake in this package.
var errUnplanned = errors.New("the plan has a step that is not carried out")

// run takes the entry, reads SendGrid, and carries out plans until one has an outcome. If reading
// does not suffice, it begins again and takes the entry.
func (a *attempt) run(ctx context.Context) (*Result, error) {
	for _, mayRead := range []bool{true, false} {
		if err := a.begin(ctx, mayRead); err != nil {
			return nil, err
		}
		for range maxSteps {
			p := a.plan()
			if p.Step == protocol.Take {
				break
			}
			if result, err := a.carryOut(ctx, p); result != nil || err != nil {
				return result, err
			}
		}
		if a.standing == protocol.Owner {
			break
		}
	}
	a.release(ctx)
	return nil, errUnplanned
}

// begin takes the entry and reads SendGrid. An owner also learns what became of a write that was
// announced before.
func (a *attempt) begin(ctx context.Context, mayRead bool) error {
	var err error
	if a.standing, err = a.acquire(ctx, mayRead); err != nil {
		return err
	}
	// Reads are as old as their beginning: what settled meanwhile was not settled for them.
	a.asOf = time.Now()
	end := a.waits.begin(forSendGrid)
	err = a.observe(ctx)
	end()
	if err != nil {
		return a.observationFailed(ctx, err)
	}
	if err := a.checkRemoval(time.Now()); err != nil {
		a.release(ctx)
		return err
	}
	if a.standing == protocol.Owner {
		before := a.entry
		a.reconcileEntry()
		a.adopted = before.IntegrationID == "" && a.entry.IntegrationID != "" && before.Fingerprint == a.asked.Fingerprint
	}
	return nil
}

// observationFailed ends an attempt for which SendGrid could not be read.
func (a *attempt) observationFailed(ctx context.Context, err error) error {
	a.release(ctx)
	if a.standing == protocol.Spectator && sendgrid.ClassOf(err).Repeatable() { // Other failures need a person to act.
		return writeUnknown(a.entry, time.Until(a.entry.Lease), err)
	}
	return err
}

// plan makes the next plan.
func (a *attempt) plan() protocol.Plan {
	return protocol.View{
		Asked: a.asked, Entry: a.entry, Standing: a.standing, Shown: a.shown(), AsOf: a.asOf, UpdateSent: a.updateSent, Removed: a.removed,
	}.Plan()
}

// carryOut takes one step. Without a result or an error, another plan has to follow.
func (a *attempt) carryOut(ctx context.Context, p protocol.Plan) (*Result, error) {
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
	case protocol.AnswerUnchanged:
		return a.answer(ctx, protocol.OutcomeUnchanged)
	case protocol.AnswerSuperseded:
		return a.answer(ctx, protocol.OutcomeSuperseded)
	case protocol.RecordUnchanged:
		return a.recordUnchanged(ctx)
	case protocol.Recheck:
		a.record(ctx, "let the write settle", a.entry.Recheck(a.settles()))
		return nil, writeUnknown(a.entry, a.settling(), nil)
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
func (a *attempt) complete(ctx context.Context) (*Result, error) {
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

// answer returns the result of a request that changes nothing.
func (a *attempt) answer(ctx context.Context, outcome protocol.Outcome) (*Result, error) {
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
func (a *attempt) recordUnchanged(ctx context.Context) (*Result, error) {
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
	// What another request finds as it asks for is what is declared from now on.
	declares := a.asked.Restores || a.asked.Updates && !same
	if a.request.Matches(*a.seen.integration) && (a.drifted == nil || declares) {
		e = a.withBaseline(e)
	} else { // What was edited since stays an edit, and what is shown may be older than the last write.
		e = a.keepBaseline(e)
	}
	if err := a.commit(ctx, e); err != nil {
		return nil, err
	}
	return a.result(protocol.OutcomeUnchanged), nil
}
