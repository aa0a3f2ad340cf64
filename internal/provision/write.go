package provision

import (
	"context"
	"errors"

	"sendgrid-sso-integration/internal/invocation"
	"sendgrid-sso-integration/internal/problem"
	"sendgrid-sso-integration/internal/protocol"
	"sendgrid-sso-integration/internal/retry"
	"sendgrid-sso-integration/sendgrid"
)

// reconcileTries bounds how often an attempt reads SendGrid for a write whose outcome is unknown.
const reconcileTries = 5

// errNoID: SendGrid reported a create as successful, without the id of what it made.
var errNoID = errors.New("the response to the create has no id")

// write is one change at SendGrid.
type write struct {
	protocol.Write
	// step describes it, and changes are what it changes.
	step    Step
	changes []problem.Change
	// changed returns what it changed once that is known. It may be nil if changes are all.
	changed func() []problem.Change
	// send sends it. If it succeeds, the resource has SendGrid's new state as seen.
	send func(context.Context) error
	// shows reads SendGrid and reports whether the effect is there; then the resource has it as seen. It is
	// nil if what SendGrid shows proves nothing.
	shows func(context.Context) (bool, error)
	// idempotent writes are repeated if their outcome is unknown.
	idempotent bool
	// unknown returns the error where the outcome stays unknown.
	unknown func(cause error) error
}

// perform announces a write, sends it, and finds out its outcome. A nil error means that it took
// effect.
func (a *attempt) perform(ctx context.Context, w write) error {
	before := a.entry
	if err := a.announce(ctx, before.Announce(w.Write, a.asked, a.settles())); err != nil {
		return err
	}
	open, err := a.send(ctx, w)
	switch {
	case err == nil:
	case open == nil:
		a.withdraw(ctx, before)
		return err
	case w.shows != nil && a.reconciled(ctx, w.shows):
		a.adopted = a.adopted || w.Kind == protocol.CreateResource && !errors.Is(open, errNoID)
	default:
		a.record(ctx, "the outcome of a write is unknown", a.entry.LeaveUnknown(a.settles()))
		return w.unknown(open)
	}
	if open != nil && w.idempotent { // A try that got no response may take effect after the one that was.
		a.held = a.settles()
	}
	w.Acknowledged = open == nil
	a.entry = a.entry.Confirm(w.Write, a.resource.shown().ID, a.settles())
	a.resource.learn(w.Write)
	if w.changed != nil {
		w.changes = w.changed()
	}
	a.changes = append(a.changes, w.changes...)
	return nil
}

// reconcileEntry records what reading SendGrid shows about a write that was announced before.
func (a *attempt) reconcileEntry() {
	confirmed, e := a.entry.Reconcile(a.resource.shown(), a.settles())
	renewing := a.entry.Renewing
	a.entry = e
	if confirmed.Kind != protocol.UpdateResource || !renewing {
		a.resource.learn(confirmed)
	}
}

// send sends a write. open is the error of a try whose outcome is open, even if a later one
// got a response.
func (a *attempt) send(ctx context.Context, w write) (open, err error) {
	err = a.retry(ctx, a.wait, invocation.MinWrite, func(ctx context.Context) error {
		var err error
		if w.idempotent {
			err = within(ctx, w.send)
		} else {
			err = w.send(ctx)
		}
		if err != nil && sendgrid.ClassOf(err).Open() {
			open = err
		}
		return err
	})
	return open, err
}

// reconciled reads SendGrid a few times until it shows the effect of a write.
func (a *attempt) reconciled(ctx context.Context, shows func(context.Context) (bool, error)) bool {
	ctx, cancel := uncancelled(ctx, a.reconcile)
	defer cancel()
	for try := range reconcileTries {
		if !retry.Sleep(ctx, a.backoff(try, firstBackoff, maxBackoff)) {
			return false
		}
		found := false
		err := within(ctx, func(ctx context.Context) (err error) {
			found, err = shows(ctx)
			return err
		})
		if err == nil && found {
			return true
		}
	}
	return false
}
