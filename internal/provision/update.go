package provision

import (
	"context"
	"time"

	"sendgrid-sso-integration/sendgrid"
)

// update announces an update of the integration and sends it. It is idempotent, so it is
// repeated where its outcome is not known. Nothing is sent if only certificates are missing.
func (a *attempt) update() error {
	current, before := a.seen.integration, a.entry
	stale := before.mayBeStale(*current, a.asOf)
	if a.entry.Fingerprint != a.fingerprint || !a.entry.hasStepsLeft() {
		announced := a.entry.about(current.ID, time.Now().Add(a.settling()))
		announced.State, announced.Fingerprint, announced.Outcome = Pending, a.fingerprint, OutcomeUpdated
		announced.Certificate, announced.Applied = "", a.delivery.Time
		if err := a.announce(announced); err != nil {
			return err
		}
	}
	if !a.request.needsUpdate(*current) && !stale {
		a.seen.updateSent = true
		return nil
	}
	var updated *sendgrid.Integration
	var unknown error // Of a try whose outcome is not known, even if a later one was refused.
	err := a.read(a.workCtx, func(ctx context.Context) (err error) {
		updated, err = a.SendGrid.UpdateIntegration(ctx, current.ID, a.request.updateOf(*current))
		if sendgrid.ClassOf(err) == sendgrid.Unavailable {
			unknown = err
		}
		return err
	})
	switch {
	case err == nil:
		a.updated(updated)
		return nil
	case unknown != nil:
		return a.reconcileUpdate(unknown, stale)
	default:
		a.withdraw(before)
		return err
	}
}

// updateOf returns the update that makes an integration as requested, and leaves alone what
// the request does not name.
func (r Request) updateOf(current sendgrid.Integration) sendgrid.IntegrationUpdate {
	update := r.Integration()
	if update.CompletedIntegration == nil {
		update.CompletedIntegration = current.CompletedIntegration
	}
	return update
}

// updated takes an integration for the outcome of this request's update. An answer may lack
// what was there before.
func (a *attempt) updated(i *sendgrid.Integration) {
	if i.SingleSignOnURL == "" {
		i.SingleSignOnURL, i.AudienceURL = a.seen.integration.SingleSignOnURL, a.seen.integration.AudienceURL
	}
	i.ID = a.seen.integration.ID
	a.seen.integration, a.seen.updateSent = i, true
	a.entry.Stale = time.Now().Add(a.settling())
}

// reconcileUpdate reads the integration until it is as requested. What is shown while it may be
// stale proves nothing.
func (a *attempt) reconcileUpdate(cause error, stale bool) error {
	id := a.seen.integration.ID
	found := !stale && a.reconcile(func(ctx context.Context) bool {
		i, err := a.SendGrid.GetIntegration(ctx, id)
		if err != nil || a.request.needsUpdate(*i) {
			return false
		}
		a.updated(i)
		return true
	})
	if found {
		return nil
	}
	e := a.entry.unknown(time.Now().Add(a.settling()))
	a.record("the outcome of an update is unknown", e)
	return updateUnknown(id, a.settling(), cause)
}
