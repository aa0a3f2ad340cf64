package provision

import (
	"context"
	"slices"

	"sendgrid-sso-integration/internal/problem"
	"sendgrid-sso-integration/internal/protocol"
	"sendgrid-sso-integration/internal/saml"
	"sendgrid-sso-integration/sendgrid"
)

// createIntegration is the create of the integration. There was none with the entity id before, so
// one that exists afterwards is its outcome.
func (a *connectionAttempt) createIntegration() write {
	return write{
		Write:   protocol.Write{Kind: protocol.CreateResource},
		step:    createStep(a.request),
		changes: a.request.Creates(),
		send: func(ctx context.Context) error {
			made, err := a.SendGrid.CreateIntegration(ctx, a.request.Integration())
			switch {
			case err != nil:
				return err
			case made.ID == "":
				return errNoID
			}
			a.seen = observation{integration: made, certificatesRead: true} // It is new.
			return nil
		},
		shows: func(ctx context.Context) (bool, error) {
			list, err := a.SendGrid.ListIntegrations(ctx)
			hasID := func(test func(sendgrid.Integration) bool) func(sendgrid.Integration) bool {
				return func(i sendgrid.Integration) bool { return i.ID != "" && test(i) }
			}
			made := a.first(list, hasID(a.request.Matches), hasID(a.sharesEntityID))
			if err != nil || made == nil {
				return false, err
			}
			a.seen = observation{integration: made, certificatesRead: true} // It is new.
			return true, nil
		},
		unknown: func(cause error) error { return outcomeUnknown(subjectOf(a.fresh), a.settling(), cause) },
	}
}

// updateIntegration is the update of the integration in a.seen. While SendGrid may show an older
// state, what it shows proves nothing.
func (a *connectionAttempt) updateIntegration() write {
	before := *a.seen.integration
	update := a.request.Integration()
	stale := a.entry.IntegrationID == before.ID && a.entry.Stale.After(a.asOf)
	if update.CompletedIntegration == nil && !stale { // What the request does not name stays.
		update.CompletedIntegration = before.CompletedIntegration
	}
	subject := a.request.Digest()
	if a.request.Matches(before) && !stale { // A read would confirm the update before it took effect.
		subject = ""
	}
	updated := func(i *sendgrid.Integration) { // A response may lack what was there before.
		i.ID = before.ID
		if i.SingleSignOnURL == "" {
			i.SingleSignOnURL, i.AudienceURL = before.SingleSignOnURL, before.AudienceURL
		}
		a.seen.integration, a.updateSent = i, true
	}
	w := write{
		Write:      protocol.Write{Kind: protocol.UpdateResource, Integration: before.ID, Subject: subject},
		step:       updateStep(before.ID, update),
		changes:    a.request.Updates(before),
		idempotent: true,
		send: func(ctx context.Context) error {
			i, err := a.SendGrid.UpdateIntegration(ctx, before.ID, update)
			if err == nil {
				updated(i)
			}
			return err
		},
		unknown: func(cause error) error { return updateUnknown(integration(before.ID), a.settling(), cause) },
	}
	if !stale {
		w.shows = func(ctx context.Context) (bool, error) {
			i, err := a.SendGrid.GetIntegration(ctx, before.ID)
			if err != nil || a.request.NeedsUpdate(*i) {
				return false, err
			}
			updated(i)
			return true, nil
		}
	}
	return w
}

// createCertificate is the create of one of the request's certificates, enabled.
func (a *connectionAttempt) createCertificate(sha256 string) write {
	id := a.seen.integration.ID
	at := slices.IndexFunc(a.request.Certificates, func(c saml.Certificate) bool { return c.SHA256 == sha256 })
	c := a.request.Certificates[at]
	return write{
		Write:   protocol.Write{Kind: protocol.CreateCertificate, Integration: id, Subject: sha256},
		step:    certificateStep(id, c),
		changes: []problem.Change{{Field: certificateField, To: sha256}},
		send: func(ctx context.Context) error {
			made, err := a.SendGrid.CreateCertificate(ctx, sendgrid.CertificateRequest{PublicCertificate: c.PEM(), IntegrationID: id, Enabled: true})
			switch {
			case err != nil:
				return err
			case made.ID == "":
				return errNoID
			}
			a.seen.certificates = append(slices.Clone(a.seen.certificates), storedCertificate{made.ID, sha256, c.NotBefore, c.NotAfter})
			return nil
		},
		shows: func(ctx context.Context) (bool, error) {
			list, err := a.SendGrid.ListCertificates(ctx, id)
			all := stored(list)
			at := slices.IndexFunc(all, func(s storedCertificate) bool { return s.sha256 == sha256 })
			if err != nil || at < 0 {
				return false, err
			}
			a.seen.certificates = append(slices.Clone(a.seen.certificates), all[at])
			return true, nil
		},
		unknown: func(cause error) error { return certificateUnknown(id, a.settling(), cause) },
	}
}

// deleteIntegration is the deletion of the integration of a connection that was ended.
func (a *connectionAttempt) deleteIntegration() write {
	i := *a.seen.integration
	return write{
		Write:      protocol.Write{Kind: protocol.DeleteResource, Integration: i.ID},
		idempotent: true,
		send:       func(ctx context.Context) error { return a.SendGrid.DeleteIntegration(ctx, i.ID) },
		shows: func(ctx context.Context) (bool, error) {
			_, err := a.SendGrid.GetIntegration(ctx, i.ID)
			if sendgrid.IsNotFound(err) {
				return true, nil
			}
			return false, err
		},
		unknown: func(cause error) error { return deletionUnknown(integration(i.ID), a.settling(), cause) },
	}
}

// deleteCertificate is the deletion of a certificate of the integration.
func (a *connectionAttempt) deleteCertificate(sha256 string) write {
	id := a.seen.integration.ID
	at := slices.IndexFunc(a.seen.certificates, func(c storedCertificate) bool { return c.sha256 == sha256 })
	c := a.seen.certificates[at]
	without := slices.DeleteFunc(slices.Clone(a.seen.certificates), func(s storedCertificate) bool { return s.sha256 == sha256 })
	return write{
		Write:      protocol.Write{Kind: protocol.DeleteCertificate, Integration: id, Subject: sha256},
		step:       removeStep(id, c),
		changes:    []problem.Change{{Field: certificateField, From: sha256}},
		idempotent: true,
		send: func(ctx context.Context) error {
			err := a.SendGrid.DeleteCertificate(ctx, c.id)
			if err == nil {
				a.seen.certificates, a.removed = without, true
			}
			return err
		},
		shows: func(ctx context.Context) (bool, error) {
			list, err := a.SendGrid.ListCertificates(ctx, id)
			if err != nil || slices.ContainsFunc(stored(list), func(s storedCertificate) bool { return s.sha256 == sha256 }) {
				return false, err
			}
			a.seen.certificates, a.removed = without, true
			return true, nil
		},
		unknown: func(cause error) error { return removalUnknown(id, a.settling(), cause) },
	}
}
