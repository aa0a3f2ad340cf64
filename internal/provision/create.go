package provision

import (
	"context"
	"errors"
	"time"

	"sendgrid-sso-integration/sendgrid"
)

const (
	// createTries bounds how often a create is tried that certainly did not happen.
	createTries = 4
	// reconcileTries bounds how often an attempt reads SendGrid for a create whose answer
	// was lost.
	reconcileTries = 5
)

// create announces a create in the ledger and sends it. It sends it again only if the one
// before certainly did not happen: no connection was obtained, or the rate limit refused it.
func (a *attempt) create() (*Result, error) {
	before := a.entry
	if err := a.announceCreate(); err != nil {
		return nil, err
	}
	for try := 0; ; try++ {
		made, err := a.SendGrid.CreateIntegration(a.workCtx, a.request.Integration())
		switch {
		case err == nil && made.ID != "":
			return a.created(made, false)
		case err == nil:
			return a.reconcileCreate(errors.New("the answer to the create has no id"), false)
		case sendgrid.ClassOf(err) == sendgrid.Ambiguous:
			return a.reconcileCreate(err, true)
		}
		wait := pause(err, try)
		if try == createTries-1 || !sendgrid.ClassOf(err).Repeatable() || left(a.workCtx)-wait < minWrite || !sleep(a.workCtx, wait) {
			a.withdrawCreate(before)
			return nil, err
		}
	}
}

// announceCreate records that a create is about to be sent. Nothing may be sent without it.
func (a *attempt) announceCreate() error {
	before, announced := a.entry, a.entry
	announced.State, announced.Fingerprint, announced.Deliveries = Creating, a.fingerprint, a.delivery.IDs
	announced.IntegrationID, announced.Settles, announced.Rechecked = "", time.Time{}, false
	owned, err := a.put(a.workCtx, announced)
	switch {
	case err != nil:
		a.release()
		return ledgerUnavailable(err)
	case !owned:
		return inProgress(0, 0, errors.New("the ledger entry was lost before the create"))
	case left(a.workCtx) < minWrite:
		a.withdrawCreate(before)
		return tooLate(nil)
	}
	return nil
}

// withdrawCreate restores the entry of an attempt whose create certainly did not happen.
func (a *attempt) withdrawCreate(before Entry) { a.record("withdraw the create", before.released()) }

// created records an integration that this request created, and answers with it.
func (a *attempt) created(i *sendgrid.Integration, adopted bool) (*Result, error) {
	a.recordCompleted(i.ID)
	whole, err := a.complete(a.reconcileCtx, i)
	if err != nil {
		return nil, unreadable(i.ID, err)
	}
	return &Result{Outcome: OutcomeCreated, Integration: *whole, Adopted: adopted}, nil
}

// reconcileCreate reads SendGrid until the outcome of a create is known whose answer was
// lost, or lacked the id. There was no integration with the entity id before the create, so
// one that is there now is its outcome. If none appears, the lease runs on for a settling
// period.
func (a *attempt) reconcileCreate(cause error, lost bool) (*Result, error) {
	for try := range reconcileTries {
		if !sleep(a.reconcileCtx, backoff(try, firstBackoff, maxBackoff)) {
			break
		}
		var list []sendgrid.Integration
		err := within(a.reconcileCtx, readTimeout, func(ctx context.Context) (err error) {
			list, err = a.SendGrid.ListIntegrations(ctx)
			return err
		})
		if err != nil {
			continue
		}
		hasID := func(test func(sendgrid.Integration) bool) func(sendgrid.Integration) bool {
			return func(i sendgrid.Integration) bool { return i.ID != "" && test(i) }
		}
		if found := first(list, hasID(a.request.matches), hasID(a.sharesEntityID)); found != nil {
			return a.created(found, lost)
		}
	}
	e := a.entry.settling(time.Now().Add(a.settling()))
	e.UnknownCreates++
	a.record("the outcome of the create is unknown", e)
	return nil, outcomeUnknown(a.settling(), cause)
}

// recheck lets one more settling period pass after an attempt took an entry over whose
// create shows no integration.
func (a *attempt) recheck(wait time.Duration) error {
	e := a.entry.settling(time.Now().Add(wait))
	if a.entry.State == Creating { // The process that announced it did not count it.
		e.UnknownCreates++
	}
	e.Rechecked = true
	a.record("let the create settle", e)
	return outcomeUnknown(wait, nil)
}
