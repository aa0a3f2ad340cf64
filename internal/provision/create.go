package provision

import (
	"context"
	"errors"
	"slices"
	"time"

	"sendgrid-sso-integration/sendgrid"
)

const (
	// createTries bounds how often a create is tried that certainly did not happen.
	createTries = 4
	// maxDeliveries bounds the delivery ids that an entry remembers.
	maxDeliveries = 20
	// reconcileTries bounds how often an attempt reads SendGrid for a create whose answer
	// was lost.
	reconcileTries = 5
)

// create announces a create in the ledger and sends it. It sends it again only if the one
// before certainly did not happen: no connection was obtained, or the rate limit refused it.
func (a *attempt) create() error {
	before := a.entry
	announced := a.entry
	announced.State, announced.Fingerprint, announced.Outcome = Creating, a.fingerprint, OutcomeCreated
	announced.Deliveries, announced.Applied = recent(announced.Deliveries, a.delivery.IDs), a.delivery.Time
	announced.IntegrationID, announced.Settles, announced.Added, announced.Rechecked = "", time.Time{}, nil, false
	if err := a.announce(announced); err != nil {
		return err
	}
	var made *sendgrid.Integration
	err := a.sendOnce(func(ctx context.Context) (err error) {
		made, err = a.SendGrid.CreateIntegration(ctx, a.request.Integration())
		return err
	})
	switch {
	case err == nil && made.ID != "":
		a.created(made)
		return nil
	case err == nil:
		return a.reconcileCreate(errors.New("the answer to the create has no id"), false)
	case sendgrid.ClassOf(err) == sendgrid.Ambiguous:
		return a.reconcileCreate(err, true)
	default:
		a.withdraw(before)
		return err
	}
}

// recent returns the ids of the deliveries that created the integration, and those before it,
// as far as they are worth remembering.
func recent(before, ids []string) []string {
	all := slices.Concat(before, ids)
	return all[max(0, len(all)-maxDeliveries):]
}

// sendOnce sends a create. It sends it again only if the one before certainly did not
// happen: no connection was obtained, or the rate limit refused it.
func (a *attempt) sendOnce(send func(context.Context) error) error {
	for try := 0; ; try++ {
		err := send(a.workCtx)
		if err == nil || !sendgrid.ClassOf(err).Repeatable() {
			return err
		}
		wait := pause(err, try)
		impatient := isThrottled(err) && wait > time.Until(a.patience)
		if try == createTries-1 || impatient || left(a.workCtx)-wait < minWrite || !sleep(a.workCtx, wait) {
			return err
		}
	}
}

// announce records a write that is about to be sent. Nothing may be sent without it.
func (a *attempt) announce(e Entry) error {
	before := a.entry
	owned, err := a.put(a.workCtx, e)
	switch {
	case err != nil:
		a.release()
		return ledgerUnavailable(err)
	case !owned:
		return inProgress(0, 0, errors.New("the ledger entry was lost before the write"))
	case left(a.workCtx) < minWrite:
		a.withdraw(before)
		return tooLate(nil)
	}
	return nil
}

// withdraw restores the entry of an attempt whose announced write certainly did not happen.
func (a *attempt) withdraw(before Entry) { a.record("withdraw the write", before.released()) }

// created takes an integration for the outcome of this request's create.
func (a *attempt) created(i *sendgrid.Integration) {
	a.entry = a.entry.exists(i.ID, time.Now().Add(a.settling()))
	a.seen.integration, a.seen.recordedMissing = i, false
}

// reconcileCreate reads SendGrid until the outcome of a create is known whose answer was
// lost, or lacked the id. There was no integration with the entity id before the create, so
// one that is there now is its outcome.
func (a *attempt) reconcileCreate(cause error, lost bool) error {
	hasID := func(test func(sendgrid.Integration) bool) func(sendgrid.Integration) bool {
		return func(i sendgrid.Integration) bool { return i.ID != "" && test(i) }
	}
	found := a.reconcile(func(ctx context.Context) bool {
		list, err := a.SendGrid.ListIntegrations(ctx)
		if err != nil {
			return false
		}
		i := first(list, hasID(a.request.matches), hasID(a.sharesEntityID))
		if i != nil {
			a.created(i)
		}
		return i != nil
	})
	if found {
		a.adopted = lost
		return nil
	}
	return a.outcomeUnknown(cause)
}

// reconcile reads SendGrid until shows reports that the outcome of a write is there, a few
// times.
func (a *attempt) reconcile(shows func(context.Context) bool) bool {
	for try := range reconcileTries {
		if !sleep(a.reconcileCtx, backoff(try, firstBackoff, maxBackoff)) {
			return false
		}
		found := false
		_ = within(a.reconcileCtx, readTimeout, func(ctx context.Context) error {
			found = shows(ctx)
			return nil
		})
		if found {
			return true
		}
	}
	return false
}

// outcomeUnknown records that the outcome of the announced write is unknown. The lease runs
// on for a settling period.
func (a *attempt) outcomeUnknown(cause error) error {
	e := a.entry.unknown(time.Now().Add(a.settling()))
	e.UnknownCreates++
	a.record("the outcome of a write is unknown", e)
	return outcomeUnknown(a.settling(), cause)
}

// recheck lets one more settling period pass after an attempt took an entry over whose
// create shows nothing.
func (a *attempt) recheck() error {
	e := a.entry.unknown(time.Now().Add(a.settling()))
	if a.entry.State != Unknown { // The process that announced it did not count it.
		e.UnknownCreates++
	}
	e.Rechecked = true
	a.record("let the write settle", e)
	return outcomeUnknown(a.settling(), nil)
}
