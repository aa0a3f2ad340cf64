package provision

import (
	"slices"
	"time"

	"sendgrid-sso-integration/internal/saml"
)

// step is what an attempt does next.
type step int

const (
	// answerUnchanged: the integration exists as it should.
	answerUnchanged step = iota
	// answerSuperseded: a newer request was applied. Nothing is changed.
	answerSuperseded
	// adopt: the integration is the outcome of a create whose answer was lost.
	adopt
	// create: announce a create of the integration and send it.
	create
	// update: announce an update of the integration and send it.
	update
	// adoptCertificate: the certificate is the outcome of a create whose answer was lost.
	adoptCertificate
	// addCertificate: announce the create of a certificate and send it.
	addCertificate
	// complete: everything is done. Record that, and answer.
	complete
	// recheck: an announced create shows nothing. Let one more settling period pass before
	// creating again, because the create may still be on its way.
	recheck
	// takeEntry: there is something to do, and the entry is not taken yet.
	takeEntry
	// refuse: answer with an error.
	refuse
)

// plan is the next step, and what it needs.
type plan struct {
	step step
	// err is the answer of refuse.
	err error
	// certificate is the one to add.
	certificate saml.Certificate
}

// view is all that a plan depends on.
type view struct {
	request  Request
	delivery Delivery
	entry    Entry
	standing standing
	observation
	// now is when reading began.
	now time.Time
}

// makePlan decides what to do next. It is a pure function, so that the rules of the
// protocol can be read and tested in one place.
func makePlan(v view) plan {
	if v.integration == nil {
		return v.planMissing()
	}
	return v.planFound()
}

// planMissing decides what to do where SendGrid shows no integration.
func (v view) planMissing() plan {
	switch {
	case v.standing == spectator:
		return plan{step: refuse, err: outcomeUnknown(v.entry.Lease.Sub(v.now), nil)}
	case v.recordedMissing && v.entry.Settles.After(v.now):
		return plan{step: refuse, err: notYetVisible(v.entry.IntegrationID, v.entry.Settles.Sub(v.now))}
	case v.recordedMissing && v.entry.createdBy(v.delivery):
		return plan{step: refuse, err: gone(v.entry.IntegrationID)}
	case v.recordedMissing && v.isOlder():
		return plan{step: refuse, err: goneSince(v.entry.IntegrationID)}
	case v.standing == completed:
		return plan{step: takeEntry}
	case v.entry.awaitsCreate():
		return v.retry(plan{step: create})
	default:
		return plan{step: create}
	}
}

// planFound decides what to do about an integration that exists.
func (v view) planFound() plan {
	fingerprint := v.request.fingerprint()
	recorded := v.integration.ID != "" && v.integration.ID == v.entry.IntegrationID
	announced := v.standing == owner && v.entry.Fingerprint == fingerprint
	ours := !v.entry.hasStepsLeft() || v.entry.Fingerprint == fingerprint
	stale := v.entry.mayBeStale(*v.integration, v.now)
	asRequested := v.request.matches(*v.integration) && len(v.missing()) == 0 && !stale
	switch {
	case v.standing == spectator && asRequested && ours:
		return plan{step: answerUnchanged}
	case v.standing == spectator: // It may be another than the one whose create settles.
		return plan{step: refuse, err: outcomeUnknown(v.entry.Lease.Sub(v.now), nil)}
	case recorded && v.entry.completes(fingerprint): // What somebody edited since is meant to stay.
		return plan{step: answerUnchanged}
	case announced && v.entry.awaitsCreate() && v.integration.ID != "":
		return plan{step: adopt} // SendGrid may have changed how a value is written.
	case announced && recorded && v.entry.hasStepsLeft():
		return v.planSteps()
	case v.standing == owner && recorded && v.entry.awaitsCertificate() && v.shows(v.entry.Certificate):
		return plan{step: adoptCertificate}
	case v.standing == owner && recorded && v.entry.awaitsCertificate() && !v.entry.Rechecked:
		return plan{step: recheck} // Another request's certificate may still be on its way.
	case asRequested && (!v.updates() || !v.request.needsUpdate(*v.integration)):
		return plan{step: answerUnchanged}
	case v.isOlder():
		return plan{step: answerSuperseded}
	case v.standing == completed:
		return plan{step: takeEntry}
	case v.updates() && v.integration.ID != "":
		return plan{step: update}
	case stale:
		return plan{step: refuse, err: changing(v.integration.ID, v.entry.Stale.Sub(v.now))}
	default:
		return plan{step: refuse, err: conflict(*v.integration, v.request, v.observation)}
	}
}

// planSteps decides what is left to do for a request that was announced.
func (v view) planSteps() plan {
	missing := v.missing()
	at := slices.IndexFunc(missing, func(c saml.Certificate) bool { return c.SHA256 == v.entry.Certificate })
	switch {
	case v.entry.Outcome == OutcomeUpdated && v.request.needsUpdate(*v.integration) && !v.updateSent:
		return plan{step: update}
	case v.entry.awaitsCertificate() && at < 0:
		return plan{step: adoptCertificate}
	case v.entry.awaitsCertificate():
		return v.retry(plan{step: addCertificate, certificate: missing[at]})
	case len(missing) > 0:
		return plan{step: addCertificate, certificate: missing[0]}
	default:
		return plan{step: complete}
	}
}

// retry decides whether a create is sent again whose outcome was not recorded, and which
// shows nothing.
func (v view) retry(again plan) plan {
	switch {
	case !v.entry.Rechecked:
		return plan{step: recheck}
	case v.entry.UnknownCreates >= maxUnknownCreates:
		return plan{step: refuse, err: needsAPerson(v.entry)}
	default:
		return again
	}
}

// missing returns the certificates that are requested and that SendGrid lacks. Those added a
// moment ago may not be shown yet.
func (v view) missing() []saml.Certificate {
	var missing []saml.Certificate
	for _, c := range v.request.Certificates {
		settles := v.entry.Settles.After(v.now) && slices.Contains(v.entry.Added, c.SHA256)
		if !v.shows(c.SHA256) && !settles {
			missing = append(missing, c)
		}
	}
	return missing
}

func (v view) updates() bool { return v.request.IfExists == UpdateExisting }

// isOlder reports whether a newer request, other than this one, was applied.
func (v view) isOlder() bool {
	return v.delivery.Time.Before(v.entry.Applied) && v.entry.Fingerprint != v.request.fingerprint()
}
