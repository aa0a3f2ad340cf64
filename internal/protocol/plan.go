package protocol

import (
	"slices"
	"time"
)

// Asked is what a plan depends on of a request and its delivery.
type Asked struct {
	// Identity identifies the request by the fields as given.
	Identity string
	// Fingerprint identifies what it asks for, with what SAML metadata supplies today.
	Fingerprint string
	// MayUpdate reports whether the caller may change an integration that exists.
	MayUpdate bool
	// Updates reports whether the request changes an integration that exists, unless it is the same
	// request again. Its caller may update.
	Updates bool
	// Restores reports whether it also undoes what was edited or deleted since it was completed. Such
	// a request updates.
	Restores bool
	// Renews reports whether this is an audit that renews the kept request. It has the order of that request.
	Renews bool
	// Ends reports whether the request ends the connection.
	Ends bool
	// Certificates are the SHA-256 of the certificates that it brings, and Removes of those that it has
	// deleted.
	Certificates, Removes []string
	Order                 Order
	// Deliveries are the names under which the delivery is remembered once it was applied.
	Deliveries []string
}

// Shown is what SendGrid shows of the integration that a request is about.
type Shown struct {
	Exists bool
	// ID may be empty although the integration exists.
	ID string
	// Matches reports whether the compared fields are as requested, and NeedsUpdate whether an
	// update has to be sent to make it as requested.
	Matches, NeedsUpdate bool
	// Digest is the digest of the compared fields.
	Digest string
	// Certificates are the SHA-256 of those that it has, and Certified reports whether it has any,
	// also one that cannot be read.
	Certificates []string
	Certified    bool
	// CertificatesRead reports whether Certificates are all that it has.
	CertificatesRead bool
	// RecordedMissing reports whether the integration that the entry records is not shown.
	RecordedMissing bool
}

// is reports whether the integration that is shown is the one with this id.
func (s Shown) is(id string) bool { return s.ID != "" && s.ID == id }

// Standing is what an attempt may do with the entry.
type Standing int

const (
	_ Standing = iota
	// Owner means that the entry is leased to this attempt. It may write.
	Owner
	// Reader means that the entry is not leased, and reading may suffice.
	Reader
	// Spectator means that a write settles for longer than this attempt can wait. It only reads.
	Spectator
)

// Step is what an attempt does next.
type Step int

const (
	_ Step = iota
	// ReturnUnchanged returns the outcome unchanged: the integration exists as it should.
	ReturnUnchanged
	// RecordUnchanged does the same, after the request has taken its place in the order.
	RecordUnchanged
	// ReturnSuperseded returns the outcome superseded: a newer request was applied. Nothing is changed.
	ReturnSuperseded
	// Create announces a create of the integration and sends it.
	Create
	// Update announces an update of the integration and sends it.
	Update
	// AddCertificate announces the create of Certificate and sends it.
	AddCertificate
	// RemoveCertificate announces the deletion of Certificate and sends it.
	RemoveCertificate
	// Complete records that everything is done, and returns the result.
	Complete
	// Recheck lets one more settling period pass after an announced create shows nothing, because
	// it may still be on its way.
	Recheck
	// Take takes the entry, because there is something to do.
	Take
	// Refuse fails the request, for Reason.
	Refuse
	// Report ends an audit with what it found.
	Report
)

// Reason is why a plan refuses a request.
type Reason int

const (
	_ Reason = iota
	// StillSettling means that a write settles for Wait.
	StillSettling
	// NotYetVisible means that the integration was created a moment ago, and is not shown. It settles for Wait.
	NotYetVisible
	// Changing means that the integration was updated a moment ago. What is shown may be older, for Wait.
	Changing
	// Gone means that this delivery was applied, and the integration was deleted since.
	Gone
	// KeptGone means that this request was applied, and the integration was deleted since.
	KeptGone
	// GoneSince means that a newer request was applied, and the integration was deleted since.
	GoneSince
	// Ended means that the connection was ended.
	Ended
	// NeedsAPerson means that the creates all had an unknown outcome.
	NeedsAPerson
	// Conflict means that the integration differs, and the request may not change it.
	Conflict
)

// IsGone reports whether the integration was deleted, or the connection ended.
func (r Reason) IsGone() bool { return r == Gone || r == KeptGone || r == GoneSince || r == Ended }

// Plan is the next step, and what it needs.
type Plan struct {
	Step   Step
	Reason Reason
	Wait   time.Duration
	// Certificate is the SHA-256 of the one to add.
	Certificate string
}

// View is all that a plan depends on.
type View struct {
	Asked    Asked
	Entry    Entry
	Standing Standing
	Shown    Shown
	// AsOf is when reading began: reads are as old as their beginning.
	AsOf time.Time
	// UpdateSent reports whether this attempt has updated the integration, and Removed whether it has
	// deleted a certificate.
	UpdateSent, Removed bool
}

// Plan decides what to do next. It is a pure function, so that the rules of the protocol can be
// read and tested in one place.
func (v View) Plan() Plan {
	if !v.Shown.Exists {
		return v.planMissing()
	}
	return v.planFound()
}

// planMissing decides what to do where SendGrid shows no integration.
func (v View) planMissing() Plan {
	missing := v.Shown.RecordedMissing
	ended := v.Entry.IsEnded()
	existed := v.Entry.IntegrationID != "" || v.Entry.Gone != "" // It was deleted, or has another entity id now.
	switch {
	case ended && !v.Asked.Restores:
		return Plan{Step: Refuse, Reason: Ended}
	case v.Standing == Spectator:
		return v.refuse(StillSettling, v.Entry.Lease)
	case missing && v.Entry.Settles.After(v.AsOf):
		return v.refuse(NotYetVisible, v.Entry.Settles)
	case existed && v.Entry.remembers(v.Asked):
		return Plan{Step: Refuse, Reason: Gone}
	case existed && v.isSame():
		return Plan{Step: Refuse, Reason: KeptGone}
	case v.isOlder(): // Than what was applied, or than one that ended what was not there.
		return Plan{Step: Refuse, Reason: GoneSince}
	case v.Standing == Reader:
		return Plan{Step: Take}
	case v.Entry.awaitsCreate():
		return v.again(Plan{Step: Create})
	default:
		return Plan{Step: Create}
	}
}

// planFound decides what to do about an integration that exists.
func (v View) planFound() Plan {
	e, recorded := v.Entry, v.Shown.is(v.Entry.IntegrationID)
	// The effect of this request's own confirmed write is not an older state.
	stale := recorded && e.Stale.After(v.AsOf) && !e.Completes(v.Asked)
	missing, removable := v.missing(), v.removable()
	asRequested := v.Shown.Matches && len(missing) == 0 && len(removable) == 0 && !stale && (!v.Asked.Updates || !v.Shown.NeedsUpdate)
	completed := recorded && v.isSame() // What somebody edited since stays until a request restores it.
	first := recorded && v.completesCreate()
	switch {
	case e.IsEnded() && !v.Asked.Restores:
		return Plan{Step: Refuse, Reason: Ended}
	case recorded && e.remembers(v.Asked) && !v.isOlder():
		return Plan{Step: ReturnUnchanged}
	case v.Standing == Spectator && e.hasStepsLeft() && e.Fingerprint != v.Asked.Fingerprint:
		return v.refuse(StillSettling, e.Lease) // It may be another than the one whose create settles.
	case completed:
		return v.planSame(removable)
	case v.Standing == Spectator && asRequested:
		return v.unchanged()
	case v.Standing == Spectator:
		return v.refuse(StillSettling, e.Lease)
	case v.Asked.Updates && !recorded && e.changing().After(v.AsOf): // It would be forgotten.
		return v.refuse(Changing, e.changing())
	case recorded && slices.ContainsFunc(v.Asked.Certificates, v.mayBeGone): // It is not known whether it is there.
		return v.refuse(Changing, e.Settles)
	case v.Standing == Owner && recorded && v.continues():
		return v.planSteps(missing)
	case v.Standing == Owner && recorded && e.awaitsCertificate() && !e.Rechecked:
		return Plan{Step: Recheck} // Another request's certificate may still be on its way.
	case asRequested:
		return v.unchanged()
	case v.isSame(): // What it made is gone, and something else has the entity id.
		return Plan{Step: Refuse, Reason: KeptGone}
	case v.isOlder():
		return Plan{Step: ReturnSuperseded}
	case e.remembers(v.Asked):
		return Plan{Step: Refuse, Reason: Gone}
	case v.Standing == Reader && (v.Asked.Updates || first) && v.Shown.ID != "":
		return Plan{Step: Take}
	case first:
		return v.add(missing[0])
	case v.Asked.Updates && v.Shown.ID != "" && (stale || v.Shown.NeedsUpdate):
		return Plan{Step: Update}
	case v.Asked.Updates && v.Shown.ID != "" && len(missing) > 0:
		return v.add(missing[0])
	case v.Asked.Updates && v.Shown.ID != "":
		return Plan{Step: RemoveCertificate, Certificate: removable[0]}
	case stale:
		return v.refuse(Changing, e.Stale)
	default:
		return Plan{Step: Refuse, Reason: Conflict}
	}
}

// planSame decides what the same request does when it arrives again: it only deletes the certificates that it
// names.
func (v View) planSame(removable []string) Plan {
	e := v.Entry
	switch {
	case v.Standing == Owner && e.awaitsCertificate() && !e.Rechecked:
		return Plan{Step: Recheck} // A renewal's certificate may still be on its way.
	case v.Standing == Owner && len(removable) > 0:
		return Plan{Step: RemoveCertificate, Certificate: removable[0]}
	case v.Standing == Owner && v.Removed:
		return Plan{Step: Complete}
	case len(removable) == 0:
		return v.unchanged()
	case v.Standing == Reader:
		return Plan{Step: Take}
	default:
		return v.refuse(StillSettling, e.Lease)
	}
}

// completesCreate reports whether a request adds the first certificates to an integration that this
// function created without any, and changes nothing else. That completes the create, so a caller who may
// only create may do it, if such a caller requested that create. What a person created or edited is left
// alone.
func (v View) completesCreate() bool {
	e := v.Entry
	return e.MayComplete(v.Asked) && !v.Asked.Updates && e.State == Completed && len(e.Added) == 0 && v.Shown.Matches && !v.Shown.Certified && len(v.Asked.Certificates) > 0
}

// unchanged is the plan of a request that finds what it asks for. One that updates takes its place in
// the order first, so that nothing older undoes it. One that does not is not ordered: it asked
// for nothing that was not there. It is recorded only if nothing else was, or if it makes the
// connection managed.
func (v View) unchanged() Plan {
	keeps := v.Entry.mayKeep(v.Asked) && !v.isOlder()
	switch {
	case !v.Asked.Updates && v.Standing == Owner && (v.Entry.State == Free || keeps):
		return Plan{Step: RecordUnchanged}
	case !v.Asked.Updates && v.Standing == Reader && keeps:
		return Plan{Step: Take}
	case !v.Asked.Updates, !v.Entry.Applied.Before(v.Asked.Order):
		return Plan{Step: ReturnUnchanged}
	case v.Standing == Owner:
		return Plan{Step: RecordUnchanged}
	case v.Standing == Reader:
		return Plan{Step: Take}
	default:
		return v.refuse(StillSettling, v.Entry.Lease)
	}
}

// planSteps decides what is left to do for a request that was announced.
func (v View) planSteps(missing []string) Plan {
	awaited := v.Entry.awaitsCertificate() && slices.Contains(missing, v.Entry.Certificate)
	switch {
	case awaited && !v.Entry.Rechecked: // An update would forget that it may be on its way.
		return Plan{Step: Recheck}
	case v.needsUpdate() && !v.Asked.Updates:
		return Plan{Step: Refuse, Reason: Conflict} // Somebody edited it since.
	case v.needsUpdate():
		return Plan{Step: Update}
	case awaited:
		return v.again(Plan{Step: AddCertificate, Certificate: v.Entry.Certificate})
	case len(missing) > 0:
		return v.add(missing[0])
	case len(v.removable()) > 0:
		return Plan{Step: RemoveCertificate, Certificate: v.removable()[0]}
	default:
		return Plan{Step: Complete}
	}
}

// continues reports whether the request continues what was announced. One that may not update does
// so only if that was a create, or completes one.
func (v View) continues() bool {
	may := v.Asked.Updates || v.Entry.Outcome == OutcomeCreated || v.Entry.Bare
	return may && v.Entry.Continues(v.Asked) && !v.isOlder()
}

// needsUpdate reports whether an update is left to do. What a create made needs none. What was found after a
// create without a response may have been made by a person.
func (v View) needsUpdate() bool {
	found := v.Asked.Updates && !v.Entry.Bare && !v.Shown.Matches
	return !v.UpdateSent && (v.Entry.Outcome == OutcomeUpdated && v.Shown.NeedsUpdate || found)
}

// add adds a certificate, unless too many of its creates had an unknown outcome.
func (v View) add(sha256 string) Plan {
	if v.Entry.UnknownCertificates[sha256] >= maxUnknownCreates {
		return Plan{Step: Refuse, Reason: NeedsAPerson, Certificate: sha256}
	}
	return Plan{Step: AddCertificate, Certificate: sha256}
}

// again decides whether to repeat a create whose outcome was not recorded, and which shows nothing.
func (v View) again(create Plan) Plan {
	switch {
	case !v.Entry.Rechecked:
		return Plan{Step: Recheck}
	case v.Entry.UnknownCreates >= maxUnknownCreates:
		return Plan{Step: Refuse, Reason: NeedsAPerson, Certificate: v.Entry.Certificate}
	default:
		return create
	}
}

func (v View) refuse(reason Reason, until time.Time) Plan {
	return Plan{Step: Refuse, Reason: reason, Wait: until.Sub(v.AsOf)}
}

// missing returns the certificates that are requested and that SendGrid lacks. Those added a
// moment ago may not be shown yet.
func (v View) missing() []string {
	var missing []string
	for _, sha256 := range v.Asked.Certificates {
		settles := v.Entry.Settles.After(v.AsOf) && slices.Contains(v.Entry.Added, sha256)
		if !slices.Contains(v.Shown.Certificates, sha256) && !settles {
			missing = append(missing, sha256)
		}
	}
	return missing
}

// removable returns the certificates that the request deletes and that exist. A request that is older than
// what was applied deletes nothing.
func (v View) removable() []string {
	if v.Asked.Order.Before(v.Entry.Applied) {
		return nil
	}
	return slices.DeleteFunc(slices.Clone(v.Asked.Removes), func(sha256 string) bool {
		return !slices.Contains(v.Shown.Certificates, sha256) || slices.Contains(v.Asked.Certificates, sha256) || v.mayBeGone(sha256)
	})
}

// mayBeGone reports whether a certificate was deleted a moment ago, and may still be shown.
func (v View) mayBeGone(sha256 string) bool {
	return v.Entry.Settles.After(v.AsOf) && slices.Contains(v.Entry.Removed, sha256)
}

// isOlder reports whether a newer request, other than this one, was applied. An older request that restores
// never counts as the same one: it could undo what was to stay after it.
func (v View) isOlder() bool { return v.Asked.Order.Before(v.Entry.Applied) && !v.isSame() }

// isSame reports whether the request was completed before: the same request again changes nothing,
// unless it restores.
func (v View) isSame() bool { return v.Entry.Completes(v.Asked) && !v.Asked.Restores }
