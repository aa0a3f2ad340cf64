package provision

import (
	"context"

	"sendgrid-sso-integration/internal/problem"
	"sendgrid-sso-integration/sendgrid"
)

// inspectEnded audits a connection that was ended. Its integration is deleted once that is due, unless a
// person has enabled it since, or another one has the same entity id.
func (a *connectionAttempt) inspectEnded(ctx context.Context, r Audit, found *Audited) error {
	a.seen = observation{recordedMissing: found.Missing}
	if len(found.Integrations) > 0 && !found.Missing {
		a.seen.integration = &found.Integrations[0]
	}
	a.reconcileEntry()
	if !a.entry.IsEnded() { // The create of a request that restores took effect.
		found.Ended, found.Unfinished, found.Recorded, found.Missing = false, a.entry.Unfinished(), a.entry.IntegrationID, false
		return nil
	}
	switch i := a.seen.integration; {
	case a.entry.IntegrationID == "", i == nil, i.ID != a.entry.IntegrationID:
	case i.Enabled:
		found.Drift = []problem.Change{{Field: "enabled", From: false, To: true}}
	case r.Renews && a.isDue(*i, len(found.Integrations)):
		if err := a.perform(ctx, a.deleteIntegration()); err != nil {
			return err
		}
		found.Integrations, found.Certificates = nil, nil
	}
	found.Missing = false // It may be gone.
	return nil
}

// isDue reports whether an integration that is disabled is to be deleted now.
func (a *connectionAttempt) isDue(i sendgrid.Integration, sharing int) bool {
	after := a.entry.DeleteAfter
	return !after.IsZero() && !a.asOf.Before(after) && sharing == 1 && i.EntityID == a.request.EntityID
}
