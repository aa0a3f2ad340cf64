package provision

import (
	"time"
)

// step is what an attempt does next.
type step int

const (
	// answerUnchanged: the integration exists as it should.
	answerUnchanged step = iota
	// adopt: the integration is the outcome of a create whose answer was lost.
	adopt
	// create: announce a create and send it.
	create
	// recheck: an announced create shows no integration. Let one more settling period pass
	// before creating, because the create may still be on its way.
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
	// wait is how long a recheck waits.
	wait time.Duration
}

// view is all that a plan depends on.
type view struct {
	request  Request
	delivery Delivery
	entry    Entry
	standing standing
	observation
	now      time.Time
	settling time.Duration
}

// makePlan decides what to do next. It is a pure function, so that the rules of the
// protocol can be read and tested in one place.
func makePlan(v view) plan {
	if v.integration == nil {
		return v.planMissing()
	}
	return v.planFound()
}

// planFound decides what to do about an integration that exists.
func (v view) planFound() plan {
	fingerprint := v.request.fingerprint()
	differences := v.request.differences(*v.integration)
	edited := v.integration.ID == v.entry.IntegrationID && v.entry.completes(fingerprint)
	switch {
	case v.standing == spectator && len(differences) > 0:
		// It may be another than the one whose create settles.
		return plan{step: refuse, err: outcomeUnknown(v.entry.Lease.Sub(v.now), nil)}
	case v.standing == owner && v.integration.ID != "" && v.entry.announces(fingerprint):
		// SendGrid may have changed how a value is written.
		return plan{step: adopt}
	case len(differences) == 0, edited: // What somebody edited since is meant to stay.
		return plan{step: answerUnchanged}
	default:
		return plan{step: refuse, err: conflict(v.integration.ID, differences)}
	}
}

// planMissing decides what to do where SendGrid shows no integration.
func (v view) planMissing() plan {
	switch {
	case v.standing == spectator:
		return plan{step: refuse, err: outcomeUnknown(v.entry.Lease.Sub(v.now), nil)}
	case v.recordedMissing && v.entry.Settles.After(v.now):
		return plan{step: refuse, err: notYetVisible(v.entry.IntegrationID, v.entry.Settles.Sub(v.now))}
	case v.entry.State == Completed && v.entry.createdBy(v.delivery):
		return plan{step: refuse, err: gone(v.entry.IntegrationID)}
	case v.standing == completed:
		return plan{step: takeEntry}
	case v.entry.awaitsCreate() && !v.entry.Rechecked:
		return plan{step: recheck, wait: v.settling}
	case v.entry.awaitsCreate() && v.entry.UnknownCreates >= maxUnknownCreates:
		return plan{step: refuse, err: needsAPerson(v.entry.UnknownCreates)}
	default:
		return plan{step: create}
	}
}
