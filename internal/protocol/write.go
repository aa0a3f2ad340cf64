package protocol

import (
	"maps"
	"slices"
	"time"
)

// Kind is a kind of write.
type Kind int

const (
	_ Kind = iota
	// CreateResource creates the integration or the teammate.
	CreateResource
	// UpdateResource changes it.
	UpdateResource
	// CreateCertificate adds a certificate to the integration.
	CreateCertificate
	// DeleteCertificate deletes a certificate of the integration.
	DeleteCertificate
	// DeleteResource deletes it: an audit the integration of a connection that was ended, and a request a
	// teammate.
	DeleteResource
)

// Write is one change at SendGrid. It is announced in the entry before it is sent. Then it is
// confirmed, or its outcome is unknown, or it certainly did not happen and the entry becomes what
// it was before.
type Write struct {
	Kind Kind
	// Integration is the id of the integration, empty for CreateResource.
	Integration string
	// Subject is what the write makes: the digest of the fields of an update, or the SHA-256 of a
	// certificate.
	Subject string
	// Acknowledged reports whether SendGrid's own response confirmed the write. What was found by
	// reading may have been made by somebody else.
	Acknowledged bool
}

// Announce returns the entry with an announced write of a request.
func (e Entry) Announce(w Write, asked Asked, settles time.Time) Entry {
	if w.Kind == DeleteResource {
		e.Deleting, e.IntegrationID = w.Integration, w.Integration // A teammate may have been there before.
		if asked.Ends {                                            // That of an audit belongs to no request.
			e.Announced = asked.Order
		}
		return e
	}
	if e.State == Adding && (w.Kind != CreateCertificate || w.Subject != e.Certificate) {
		e = e.counted() // It is abandoned, and may still take effect.
	}
	renewing := asked.Renews || w.Kind == DeleteCertificate && e.Managed() && e.Completes(asked)
	outcome := OutcomeUpdated
	if e.IntegrationID == w.Integration && e.Continues(asked) {
		outcome = e.Outcome
	}
	switch w.Kind {
	case CreateResource:
		outcome = OutcomeCreated
		if !e.awaitsCreate() {
			e.UnknownCreates = 0
		}
		if e.IntegrationID != "" {
			e.Gone = e.IntegrationID
		}
		e.State, e.IntegrationID, e.Settles, e.Stale = Creating, "", time.Time{}, time.Time{}
		e.Removed, e.Trusted = nil, asked.MayUpdate
		e.Added, e.Bare, e.Baseline, e.UnknownCertificates, e.Update, e.Certificate, e.Rechecked = nil, false, "", nil, "", "", false
	case UpdateResource:
		if !asked.Ends || e.IntegrationID == "" { // The other integrations with the entity id are ended, too, and not recorded.
			e = e.About(w.Integration, settles)
		}
		e.State, e.Bare, e.Update, e.Certificate, e.Rechecked = Pending, false, w.Subject, "", false
	case CreateCertificate:
		e = e.About(w.Integration, settles)
		if e.Certificate != w.Subject {
			e.UnknownCreates = e.UnknownCertificates[w.Subject]
		}
		e.State, e.Bare, e.Update, e.Certificate, e.Rechecked = Adding, e.Bare && !asked.Updates, "", w.Subject, false
	case DeleteCertificate:
		e = e.About(w.Integration, settles)
		e.State, e.Update, e.Certificate, e.Removing, e.Rechecked = Pending, "", "", w.Subject, false
	case DeleteResource: // It is announced above.
	}
	if !asked.Ends && w.Kind != CreateResource { // Only a request that restores gets here, and a create may never take effect.
		e = e.reopened()
	}
	e.Fingerprint, e.Outcome, e.Announced, e.Renewing = asked.Fingerprint, outcome, asked.Order, renewing
	return e
}

// Continues reports whether the entry has steps left of this very request.
func (e Entry) Continues(asked Asked) bool {
	return e.hasStepsLeft() && e.Fingerprint == asked.Fingerprint
}

// Confirm returns the entry once the announced write is known to have taken effect on the
// integration with this id: its request is applied, whichever attempt found out.
func (e Entry) Confirm(w Write, id string, settles time.Time) Entry {
	switch w.Kind {
	case CreateResource:
		e = e.About(id, settles).reopened()
		e.Bare = w.Acknowledged
	case UpdateResource:
		e.State, e.Update, e.Stale = Pending, "", settles
	case CreateCertificate:
		e.State, e.Certificate, e.Settles = Pending, "", settles
		e.Added = append(slices.Clone(e.Added), w.Subject)
		e.UnknownCertificates = maps.Clone(e.UnknownCertificates)
		delete(e.UnknownCertificates, w.Subject)
	case DeleteCertificate:
		e.State, e.Removing, e.Settles = Pending, "", settles
		e.Removed = append(slices.Clone(e.Removed), w.Subject)
		e.Added = slices.DeleteFunc(slices.Clone(e.Added), func(sha256 string) bool { return sha256 == w.Subject })
	case DeleteResource: // What is ended stays as it was ordered.
		e.Gone, e.IntegrationID, e.DeleteAfter = e.Deleting, "", time.Time{}
		e.Settles, e.Stale, e.Added, e.Removed, e.Baseline = time.Time{}, time.Time{}, nil, nil, ""
		if e.Teammate != "" { // A teammate that is created again has the same id, so only time distinguishes them.
			e.Stale = settles
			e.State, e.Update, e.Applied = Free, "", latest(e.Applied, e.Announced)
			e.Ended, e.EndedBy, e.Expires = e.Announced.Received, "", never // Also if another request finds out.
			e.Kept, e.KeptIdentity, e.Findings = "", "", ""
		}
		return e
	}
	e.UnknownCreates, e.Rechecked = 0, false
	e.Applied = latest(e.Applied, e.Announced)
	return e
}

// LeaveUnknown returns the entry of an attempt that ends without knowing the outcome of its write:
// nobody may act before the lease ends.
func (e Entry) LeaveUnknown(lease time.Time) Entry {
	if e.awaitsCreate() || e.awaitsCertificate() {
		e = e.counted()
	}
	e = e.Release(lease)
	if e.Deleting == "" || e.IntegrationID == "" { // Whoever takes the entry reconciles a deletion in any state.
		e.State = Unknown
	}
	return e
}

// Recheck returns the entry while one more settling period passes, after a create showed
// nothing.
func (e Entry) Recheck(lease time.Time) Entry {
	if e.State != Unknown { // The process that announced it did not count it.
		e = e.counted()
	}
	e = e.Release(lease)
	e.State, e.Rechecked = Unknown, true
	return e
}

// Reconcile returns the entry with what reading SendGrid shows about an announced write whose
// outcome was not recorded, of any request, and that write if it took effect. The write has settled,
// because the entry could be taken, so an update that is not shown did not happen. A create that is not
// shown may still be on its way; see Recheck.
func (e Entry) Reconcile(shown Shown, settles time.Time) (confirmed Write, after Entry) {
	recorded := shown.is(e.IntegrationID)
	switch {
	case e.Deleting != "" && e.IntegrationID != "" && shown.RecordedMissing:
		confirmed = Write{Kind: DeleteResource}
	case e.Deleting != "" && e.IntegrationID != "":
		e.Deleting = ""
		return Write{}, e
	case e.awaitsCreate() && shown.ID != "":
		confirmed = Write{Kind: CreateResource}
	case recorded && e.awaitsCertificate() && slices.Contains(shown.Certificates, e.Certificate):
		confirmed = Write{Kind: CreateCertificate, Subject: e.Certificate}
	case recorded && e.Removing != "" && shown.CertificatesRead && !slices.Contains(shown.Certificates, e.Removing):
		confirmed = Write{Kind: DeleteCertificate, Subject: e.Removing}
	case recorded && e.Update != "" && e.Update == shown.Digest:
		confirmed, settles = Write{Kind: UpdateResource}, e.Stale
	default:
		e.Update, e.Removing = "", ""
		return Write{}, e
	}
	return confirmed, e.Confirm(confirmed, shown.ID, settles)
}
