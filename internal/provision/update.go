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
	if a.entry.Fingerprint != a.fingerprint || !a.entry.hasStepsLeft() {
		announced := a.entry
		if announced.IntegrationID != current.ID {
			announced = announced.exists(current.ID, time.Now().Add(a.settling()))
			announced.Added, announced.Deliveries = nil, nil
		}
		announced.State, announced.Fingerprint, announced.Outcome = Pending, a.fingerprint, OutcomeUpdated
		announced.Certificate, announced.Applied = "", a.delivery.Time
		if err := a.announce(announced); err != nil {
			return err
		}
	}
	if !a.request.needsUpdate(*current) {
		a.seen.updateSent = true
		return nil
	}
	var updated *sendgrid.Integration
	err := a.read(a.workCtx, func(ctx context.Context) (err error) {
		updated, err = a.SendGrid.UpdateIntegration(ctx, current.ID, a.request.updateOf(*current))
		return err
	})
	switch {
	case err == nil:
		a.updated(updated)
		return nil
	case sendgrid.ClassOf(err) == sendgrid.Unavailable:
		return a.reconcileUpdate(err)
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
}

// reconcileUpdate reads the integration until it is as requested.
func (a *attempt) reconcileUpdate(cause error) error {
	id := a.seen.integration.ID
	found := a.reconcile(func(ctx context.Context) bool {
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
