package protocol

import "time"

// PlanEnd decides the next step of a request that ends a connection. The driver finds the integrations to
// disable; Shown is the one that the entry records.
func (v View) PlanEnd() Plan {
	e := v.Entry
	switch {
	case v.Shown.RecordedMissing && e.Settles.After(v.AsOf):
		return v.refuse(NotYetVisible, e.Settles)
	case v.isOlder():
		return Plan{Step: ReturnSuperseded}
	case e.remembers(v.Asked):
		return Plan{Step: ReturnUnchanged}
	case e.awaitsCreate() && !e.Rechecked && !v.Shown.Exists:
		return Plan{Step: Recheck} // It may still be on its way.
	case v.Shown.NeedsUpdate:
		return Plan{Step: Update}
	default:
		return Plan{Step: Complete}
	}
}

// Ending is who ended a connection and when, and the time after which it is deleted, zero if it is not.
type Ending struct {
	By              string
	At, DeleteAfter time.Time
}

// Ends reports whether a request ends the connection. It does not if the connection was ended before, or if
// there is nothing to end.
func (e Entry) Ends(exists, changed bool) bool {
	return (exists || e.Managed()) && (!e.IsEnded() || changed)
}

// End returns the entry once a connection is ended; ending is nil where the request ends nothing. Then only
// its order is remembered, so that nothing older creates the connection.
func (e Entry) End(asked Asked, ending *Ending, now, hold time.Time) Entry {
	if e.State == Adding {
		e = e.counted()
	}
	e = e.finished().Release(hold)
	e.Fingerprint = asked.Fingerprint
	e.Applied = latest(e.Applied, asked.Order)
	e.Deliveries = recent(e.Deliveries, asked.Deliveries)
	switch {
	case ending != nil:
		e.EndedBy, e.Ended, e.DeleteAfter, e.Expires = ending.By, ending.At, ending.DeleteAfter, never
	case !e.IsEnded():
		e.State, e.Expires = Free, now.Add(retention)
	}
	return e
}

// Remove returns the entry once a teammate is removed, as [Entry.End] returns that of a connection. Nothing is
// kept of the person but the email address.
func (e Entry) Remove(asked Asked, ending *Ending, now, hold time.Time) Entry {
	e.Kept, e.KeptIdentity, e.Baseline, e.Findings, e.Deleting = "", "", "", "", ""
	return e.End(asked, ending, now, hold)
}

// Forget returns the entry of a connection that is not managed any more. Order and deliveries are
// remembered for as long as a queue can redeliver.
func (e Entry) Forget(now time.Time) Entry {
	e = e.reopened()
	e.Kept, e.KeptIdentity, e.Findings, e.Audited, e.Baseline = "", "", "", time.Time{}, ""
	if e.State == Completed { // Else the same request would still count as applied, and differences would be ignored.
		e.Fingerprint = ""
	}
	e.Expires = now.Add(retention)
	return e
}
