package provision

import (
	"context"
	"slices"
	"time"

	"sendgrid-sso-integration/internal/problem"
	"sendgrid-sso-integration/internal/protocol"
	"sendgrid-sso-integration/internal/request"
	"sendgrid-sso-integration/internal/saml"
	"sendgrid-sso-integration/sendgrid"
)

// Audit describes the audit of the connection with one entity id.
type Audit struct {
	EntityID string
	// Began is when the audit began: a connection that was audited since is done.
	Began time.Time
	// MaxWait bounds waits as that of a Delivery does.
	MaxWait time.Duration
	// Renews reports whether the audit renews the connection, and SAMLMetadata fetches what it is
	// renewed from; it may be nil.
	Renews       bool
	SAMLMetadata request.Fetcher
	// Failure is why the audit of the connection failed for the last time, else nil. With a failure, SendGrid
	// is not read, and only the failure is judged.
	Failure *problem.Error
	// Judge derives the findings from what was audited, publishes what is new, and returns the text that the
	// entry keeps. It is called once all writes have their outcome, and before that is recorded, so that nothing
	// is lost if the process ends.
	Judge func(context.Context, Audited) (findings string, err error)
}

// Audited is what an audit found about a connection.
type Audited struct {
	EntityID string
	// Integrations are those with the entity id, the recorded one first, and Certificates those of each,
	// in the same order.
	Integrations []sendgrid.Integration
	Certificates [][]sendgrid.Certificate
	// Managed reports whether the ledger keeps a request, and Kept is that request.
	Managed bool
	Kept    request.Kept
	// Recorded is the id of the integration that the ledger records, and Missing reports whether
	// SendGrid does not have it.
	Recorded string
	Missing  bool
	// Unfinished reports whether a request has steps left.
	Unfinished bool
	// Drift is what somebody changed in SendGrid since this function did.
	Drift []problem.Change
	// Renewed is what changed in the SAML metadata and was applied, nil if nothing was. Unrenewed
	// is the reason why nothing could be applied.
	Renewed   []problem.Change
	Unrenewed *request.RenewalError
	// Ended reports whether the connection was ended. Then Deleted is the integration that an audit deleted
	// and that was not reported yet, empty if there is none.
	Ended   bool
	EndedBy string
	Deleted string
	// Findings is the text that the entry kept before.
	Findings string
}

// Audit audits the connection of one entity id, under a lease like that of a request: it reads the
// connection, renews it, calls Judge with what it found, and records that. It never creates or enables
// anything, and does not change the order. If the connection was audited since the audit began, it reports
// false without a call to SendGrid. The errors are of type *problem.Error; then the audit of the
// connection has to be repeated.
func (p *Provisioner) Audit(ctx context.Context, r Audit) (audited bool, err error) {
	a := newConnectionAttempt(&attempt{
		Provisioner: p, deadlines: divideTime(ctx, r.MaxWait), arrived: p.lists.expect(), waits: waits{}, fresh: protocol.NewEntry(p.Account, r.EntityID),
	}, request.Resolved{Request: request.Request{EntityID: r.EntityID}})
	defer a.arrived()
	working, cancel := context.WithDeadline(ctx, a.work)
	defer cancel()
	audited, err = a.audit(working, r)
	if err != nil {
		return false, a.translate(err)
	}
	return audited, nil
}

func (a *connectionAttempt) audit(ctx context.Context, r Audit) (audited bool, err error) {
	r.Began = r.Began.Truncate(time.Millisecond) // As the ledger keeps it.
	before, err := a.Ledger.Get(ctx, a.fresh.Key)
	switch {
	case err != nil:
		return false, &ledgerError{err}
	case !before.Audited.Before(r.Began):
		return false, nil
	}
	kept, managed := request.ParseKept(before.Kept)
	// SAML metadata is read before the entry is taken, so that no request waits for an identity provider.
	var renewal *request.Renewal
	var unrenewed *request.RenewalError
	if r.Failure == nil {
		renewal, unrenewed = a.fetch(ctx, r, before, kept)
	}
	if err := a.own(ctx); err != nil {
		return false, err
	}
	switch {
	case !a.entry.Audited.Before(r.Began):
		a.release(ctx)
		return false, nil
	case a.entry.Kept != before.Kept: // Another request is kept now.
		a.release(ctx)
		return false, a.inProgress(0, nil)
	}
	found := Audited{
		EntityID: r.EntityID, Managed: managed, Kept: kept, Recorded: a.entry.IntegrationID, Unfinished: a.entry.Unfinished(), Unrenewed: unrenewed, Ended: a.entry.IsEnded(), EndedBy: a.entry.EndedBy,
		Findings: a.entry.Findings,
	}
	if r.Failure == nil {
		if err := a.inspect(ctx, r, &found, renewal); err != nil {
			return false, err
		}
	}
	if a.entry.IntegrationID == "" {
		found.Deleted = a.entry.Deleting
	}
	// Judge publishes, in the time that is kept for an outcome.
	judging, cancel := uncancelled(ctx, a.reconcile)
	defer cancel()
	findings, err := r.Judge(judging, found)
	if err != nil {
		a.release(ctx)
		return false, err
	}
	e := a.entry.Report(r.Began, findings).Release(a.held)
	if managed {
		e = e.Keep(found.Kept.String(), e.KeptIdentity)
	}
	return true, a.commit(ctx, e)
}

// inspect reads the connection, compares it with the kept request, and renews it.
func (a *connectionAttempt) inspect(ctx context.Context, r Audit, found *Audited, renewal *request.Renewal) error {
	if err := a.readConnection(ctx, found); err != nil {
		a.release(ctx)
		return err
	}
	switch {
	case found.Ended:
		return a.inspectEnded(ctx, r, found)
	case !found.Managed || found.Unfinished:
		return nil
	}
	return a.compare(ctx, r, found, renewal)
}

// fetch fetches the SAML metadata of a kept request again. It returns nil, nil if there is nothing to
// fetch.
func (a *connectionAttempt) fetch(ctx context.Context, r Audit, e protocol.Entry, kept request.Kept) (*request.Renewal, *request.RenewalError) {
	if r.SAMLMetadata == nil || kept.Source.URL == "" || !e.Audits() {
		return nil, nil
	}
	renewal, unrenewed := kept.Renew(ctx, r.SAMLMetadata, time.Now())
	if unrenewed == nil {
		return &renewal, nil
	}
	return nil, unrenewed
}

// readConnection reads the integrations with the entity id, and their certificates. While SendGrid may
// not show the last write, it fails, and the audit of the connection has to be repeated.
func (a *connectionAttempt) readConnection(ctx context.Context, found *Audited) error {
	a.asOf = time.Now()
	if wait := a.entry.Settling(a.asOf); wait > 0 {
		return changing(subjectOf(a.entry), wait)
	}
	list, err := a.lists.join(ctx, a.wait, a.arrived, a.repeats, a.SendGrid.ListIntegrations)
	if err != nil {
		return err
	}
	recorded := a.entry.IntegrationID
	isRecorded := func(i sendgrid.Integration) bool { return recorded != "" && i.ID == recorded }
	for _, i := range list {
		if isRecorded(i) {
			found.Integrations = slices.Insert(found.Integrations, 0, i)
		} else if i.EntityID == found.EntityID {
			found.Integrations = append(found.Integrations, i)
		}
	}
	if recorded != "" && !slices.ContainsFunc(found.Integrations, isRecorded) { // The list may lag behind a read by id.
		byID, err := a.getIfThere(ctx, recorded)
		if err != nil {
			return err
		}
		if found.Missing = byID == nil; !found.Missing {
			found.Integrations = slices.Insert(found.Integrations, 0, *byID)
		}
	}
	for _, i := range found.Integrations {
		var certificates []sendgrid.Certificate
		if i.ID != "" { // Else its setup was only begun in SendGrid's UI.
			if certificates, err = a.listCertificates(ctx, i.ID); err != nil {
				return err
			}
		}
		found.Certificates = append(found.Certificates, certificates)
	}
	return nil
}

// compare compares the connection with the kept request, and renews it.
func (a *connectionAttempt) compare(ctx context.Context, r Audit, found *Audited, renewal *request.Renewal) error {
	switch {
	case renewal != nil, found.Unrenewed != nil && found.Unrenewed.Changed: // It was read.
		found.Kept.UnreadSince = time.Time{}
	case found.Unrenewed != nil && found.Kept.UnreadSince.IsZero():
		found.Kept.UnreadSince = time.Now().UTC().Truncate(time.Second)
	}
	if found.Recorded == "" || found.Missing {
		return nil
	}
	current := found.Integrations[0]
	a.seen = observation{integration: &current, certificates: stored(found.Certificates[0]), certified: len(found.Certificates[0]) > 0, certificatesRead: true}
	switch b, readable := parseBaseline(a.entry.Baseline); {
	case !readable:
		a.entry = a.withBaseline(a.entry)
	case b.Certificates == nil: // They were never read. Edits of the fields stay edits.
		b.Certificates = a.shownBaseline().Certificates
		a.entry.Baseline = b.String()
	}
	found.Drift = a.drift()
	if renewal == nil {
		return nil
	}
	found.Kept.Retired = renewal.Kept.Retired
	if !r.Renews {
		return nil
	}
	// What an earlier renewal changed and could not record is not an edit.
	found.Drift = slices.DeleteFunc(found.Drift, func(c problem.Change) bool {
		return slices.ContainsFunc(renewal.Changes, func(r problem.Change) bool { return c.Field == r.Field && c.To == r.To })
	})
	before := len(a.seen.certificates)
	if err := a.renew(ctx, *renewal); err != nil {
		return err
	}
	found.Kept, found.Renewed = renewal.Kept, renewal.Changes
	found.Integrations[0] = *a.seen.integration
	for _, s := range a.seen.certificates[before:] {
		at := slices.IndexFunc(renewal.Certificates, func(c saml.Certificate) bool { return c.SHA256 == s.sha256 })
		found.Certificates[0] = append(found.Certificates[0], sendgrid.Certificate{ID: s.id, PublicCertificate: renewal.Certificates[at].PEM()})
	}
	return nil
}
