package provision

import (
	"context"
	"errors"
	"slices"

	"sendgrid-sso-integration/internal/invocation"
	"sendgrid-sso-integration/internal/problem"
	"sendgrid-sso-integration/internal/protocol"
	"sendgrid-sso-integration/internal/retry"
	"sendgrid-sso-integration/internal/saml"
	"sendgrid-sso-integration/sendgrid"
)

// reconcileTries bounds how often an attempt reads SendGrid for a write whose outcome is unknown.
const reconcileTries = 5

// errNoID: SendGrid answered a create with success, and without the id of what it made.
var errNoID = errors.New("the response to the create has no id")

// write is one change at SendGrid.
type write struct {
	protocol.Write
	// step describes it, and changes are what it changes.
	step    Step
	changes []problem.Change
	// send sends it. If it succeeds, what SendGrid has is in attempt.seen.
	send func(context.Context) error
	// shows reads SendGrid and reports whether the effect is there; then it is in attempt.seen. It
	// is nil if what SendGrid shows proves nothing.
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
		a.adopted = a.adopted || w.Kind == protocol.CreateIntegration && !errors.Is(open, errNoID)
	default:
		a.record(ctx, "the outcome of a write is unknown", a.entry.LeaveUnknown(a.settles()))
		return w.unknown(open)
	}
	if open != nil && w.idempotent { // A try that was not answered may take effect after the one that was.
		a.held = a.settles()
	}
	w.Answered = open == nil
	a.entry = a.entry.Confirm(w.Write, a.seen.integration.ID, a.settles())
	a.learn(w.Write)
	a.changes = append(a.changes, w.changes...)
	return nil
}

// reconcileEntry records what reading SendGrid shows about a write that was announced before.
func (a *attempt) reconcileEntry() {
	confirmed, e := a.entry.Reconcile(a.shown(), a.settles())
	renewing := a.entry.Renewing
	a.entry = e
	if confirmed.Kind != protocol.UpdateIntegration || !renewing {
		a.learn(confirmed)
	}
}

// send sends a write. open is the error of a try whose outcome is open, even if a later one was
// answered.
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

// createIntegration is the create of the integration. There was none with the entity id before, so
// one that is there after it is its outcome.
func (a *attempt) createIntegration() write {
	return write{
		Write:   protocol.Write{Kind: protocol.CreateIntegration},
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
		unknown: func(cause error) error { return outcomeUnknown(a.settling(), cause) },
	}
}

// updateIntegration is the update of the integration that is seen. What is shown while it may be
// stale proves nothing.
func (a *attempt) updateIntegration() write {
	before := *a.seen.integration
	update := a.request.Integration()
	stale := a.entry.IntegrationID == before.ID && a.entry.Stale.After(a.asOf)
	if update.CompletedIntegration == nil && !stale { // What the request does not name stays.
		update.CompletedIntegration = before.CompletedIntegration
	}
	subject := a.request.Digest()
	if a.request.Matches(before) && !stale { // What is shown would confirm it before it took effect.
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
		Write:      protocol.Write{Kind: protocol.UpdateIntegration, Integration: before.ID, Subject: subject},
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
		unknown: func(cause error) error { return updateUnknown(before.ID, a.settling(), cause) },
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
func (a *attempt) createCertificate(sha256 string) write {
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
