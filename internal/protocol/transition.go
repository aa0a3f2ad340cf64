package protocol

import (
	"maps"
	"slices"
	"time"
)

// Take returns the entry as the owner takes it: with its lease, and what is known unchanged.
func (e Entry) Take(owner string, lease, now time.Time) Entry {
	if e.expired(now) {
		e = Entry{Revision: e.Revision}.Named(e)
	}
	if !e.awaitsCreate() && !e.hasStepsLeft() && e.State != Completed {
		e.State = Free
	}
	if !e.Settles.After(now) { // What is not shown now is gone, and what is shown is there.
		e.Added, e.Removed = nil, nil
		if e.IntegrationID != "" {
			e.Gone = ""
		}
	}
	e.Owner, e.Lease = owner, lease
	if !e.Managed() && !e.IsEnded() {
		e.Expires = now.Add(retention)
	}
	return e
}

// Release returns the entry without its lease, and what is known unchanged. hold is until when
// nobody may write.
func (e Entry) Release(hold time.Time) Entry {
	e.Owner, e.Lease = "", hold
	return e
}

// Notice returns a free entry with an integration that exists and that nobody asked this function
// for, so that later requests can read it without taking the entry.
func (e Entry) Notice(id string, settles time.Time) Entry {
	if e.State == Free && e.IntegrationID == "" {
		e.IntegrationID, e.Settles = id, settles
	}
	return e
}

// About returns the entry of an integration that exists. If the entry recorded another one, what
// is known of that is forgotten, except what was sent without a response: of two integrations with one
// entity id, the entry may record either one at different times.
func (e Entry) About(id string, settles time.Time) Entry {
	if e.IntegrationID == id {
		return e
	}
	e.State, e.IntegrationID, e.Settles, e.Stale = Pending, id, settles, time.Time{}
	e.Added, e.Bare, e.Baseline, e.Update, e.Certificate, e.Removing, e.Removed = nil, false, "", "", "", "", nil
	e.UnknownCreates, e.Rechecked = 0, false
	return e
}

// Complete returns the entry once the integration is what a request asks for. applied reports
// whether the request takes its place in the order; hold is until when nobody may write.
func (e Entry) Complete(asked Asked, id string, applied bool, settles, hold time.Time) Entry {
	e = e.About(id, settles).Release(hold)
	e = e.finished().reopened()
	e.Fingerprint = asked.Fingerprint
	e.Bare = e.Bare && len(asked.Certificates) == 0
	if applied {
		e.Applied = latest(e.Applied, asked.Order)
		e.Deliveries = recent(e.Deliveries, asked.Deliveries)
	}
	return e
}

// finished returns the entry with no steps left.
func (e Entry) finished() Entry {
	e.State, e.Outcome, e.Announced, e.Renewing = Completed, "", Order{}, false
	e.Update, e.Certificate, e.Removing, e.UnknownCreates, e.Rechecked = "", "", "", 0, false
	return e
}

// reopened returns the entry of a connection that is no longer ended.
func (e Entry) reopened() Entry {
	e.Ended, e.EndedBy, e.DeleteAfter, e.Deleting = time.Time{}, "", time.Time{}, ""
	return e
}

// recent returns the ids of deliveries with those before them, at most maxDeliveries.
func recent(before, ids []string) []string {
	all := slices.Clone(before)
	for _, id := range ids {
		if !slices.Contains(all, id) {
			all = append(all, id)
		}
	}
	return all[max(0, len(all)-maxDeliveries):]
}

// counted returns the entry once one more create of what is awaited has an unknown outcome.
func (e Entry) counted() Entry {
	e.UnknownCreates++
	if e.awaitsCertificate() {
		e.UnknownCertificates = maps.Clone(e.UnknownCertificates)
		if e.UnknownCertificates == nil {
			e.UnknownCertificates = map[string]int{}
		}
		e.UnknownCertificates[e.Certificate] = e.UnknownCreates
	}
	return e
}
