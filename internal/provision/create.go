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
	// looks bounds how often an attempt looks for a create whose answer was lost.
	looks = 5
)

// create announces the create in the ledger and sends it. It sends it again only where
// the one before certainly did not happen: no connection was obtained, or the rate limit
// refused it.
func (a *attempt) create() (*Result, error) {
	// What the entry remembers is gone for good, or there would be nothing to create.
	a.entry.Fingerprint, a.entry.IntegrationID = "", ""
	a.entry.State = Creating
	owned, err := a.Ledger.Update(a.act, a.entry)
	switch {
	case err != nil:
		a.release()
		return nil, ledgerUnavailable(err)
	case !owned:
		return nil, inProgress(0, 0, errors.New("the ledger entry was lost before the create"))
	case left(a.act) < minCreate:
		a.release()
		return nil, tooLate(nil)
	}
	for try := 0; ; try++ {
		created, err := a.SendGrid.CreateIntegration(a.act, a.request.Integration())
		switch {
		case err == nil && created.ID != "":
			return a.created(created, false)
		case err == nil:
			return a.reconcile(errors.New("the answer to the create has no id"), false)
		case sendgrid.ClassOf(err) == sendgrid.Ambiguous:
			return a.reconcile(err, true)
		}
		wait := pause(err, try)
		if try == createTries-1 || !sendgrid.ClassOf(err).Repeatable() || left(a.act)-wait < minCreate || !sleep(a.act, wait) {
			a.release()
			return nil, err
		}
	}
}

// created records an integration that this attempt created, and answers with it.
func (a *attempt) created(i *sendgrid.Integration, adopted bool) (*Result, error) {
	a.remember(i.ID)
	complete, err := a.complete(a.settle, i)
	if err != nil {
		return nil, unreadable(i.ID, err)
	}
	return &Result{Outcome: OutcomeCreated, Integration: *complete, Adopted: adopted}, nil
}

// reconcile looks for the integration after a create whose answer was lost, or lacked the
// id. What it finds it takes for the attempt's own; otherwise the entry stays taken until
// the outcome must have shown.
func (a *attempt) reconcile(cause error, lost bool) (*Result, error) {
	for look := range looks {
		if !sleep(a.settle, backoff(look, firstBackoff, mostBackoff)) {
			break
		}
		var list []sendgrid.Integration
		err := within(a.settle, readTimeout, func(ctx context.Context) (err error) {
			list, err = a.SendGrid.ListIntegrations(ctx)
			return err
		})
		if err != nil {
			continue
		}
		same := func(i sendgrid.Integration) bool { return i.ID != "" && len(a.request.differences(i)) == 0 }
		if found := first(list, same); found != nil {
			return a.created(found, lost)
		}
	}
	a.entry.State = Unknown
	a.entry.Lease = time.Now().Add(a.settling())
	a.write("mark the outcome as unknown")
	return nil, outcomeUnknown(a.settling(), cause)
}
