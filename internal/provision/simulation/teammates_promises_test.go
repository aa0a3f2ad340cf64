package simulation_test

import (
	"context"
	"slices"
	"time"

	"sendgrid-sso-integration/internal/problem"
	"sendgrid-sso-integration/internal/protocol"
	"sendgrid-sso-integration/internal/provision"
	"sendgrid-sso-integration/sendgrid"
)

// accepted reports whether the request of a try counts as applied: it changed what SendGrid has,
// or, if it may, found it as requested. The same delivery again keeps the place of the first one.
func (sim *peopleSimulation) accepted(t *peopleTry) bool {
	if t.result == nil {
		return false
	}
	switch t.result.Outcome {
	case protocol.OutcomeCreated, protocol.OutcomeUpdated, protocol.OutcomeDeleted:
		return true
	case protocol.OutcomeUnchanged:
		return t.asks.update && !sim.remembered(t)
	case protocol.OutcomeSuperseded, protocol.OutcomePlanned, protocol.OutcomeRejected, protocol.OutcomeFailed, protocol.OutcomeDisabled:
	}
	return false
}

// remembered reports whether the same delivery was applied before, or may have been: the ledger may
// have recorded it without a response.
func (sim *peopleSimulation) remembered(t *peopleTry) bool {
	q := t.asks
	return !q.http && slices.ContainsFunc(sim.tries, func(other *peopleTry) bool {
		same := other.asks == q && (!q.bare || other.delivery == t.delivery)
		return same && other != t && (other.result != nil || other.unrecorded()) && other.ended.Before(t.ended)
	})
}

// others returns the tries of other requests, or of the same, for the same teammate.
func (sim *peopleSimulation) others(t *peopleTry) []*peopleTry {
	return slices.DeleteFunc(slices.Clone(sim.tries), func(other *peopleTry) bool { return other == t || other.asks.email != t.asks.email })
}

// did reports whether a person has made one of these edits to a teammate by now; if recently is set, not so long ago
// that SendGrid's reads must show it.
func (sim *peopleSimulation) did(email string, recently bool, actions ...peopleAction) bool {
	return slices.ContainsFunc(sim.schedule.edits, func(h peopleEdit) bool {
		at := sim.began.Add(h.at)
		old := recently && at.Before(time.Now().Add(-maxLag-maxLate-10*time.Second))
		return (h.email == email || email == "") && slices.Contains(actions, h.action) && !at.After(time.Now()) && !old
	})
}

// sends checks that a write may be sent at all.
func (sim *peopleSimulation) sends(ctx context.Context, op sendgrid.Op) {
	sim.mu.Lock()
	defer sim.mu.Unlock()
	t := peopleTryOf(ctx)
	if op == sendgrid.OpDeleteTeammate {
		sim.require(!t.readFailed, "%s deletes after a read that failed", t)
	}
	if t.asks.restore || t.asks.absent {
		return
	}
	for _, other := range sim.others(t) {
		completed := other.result != nil && (other.result.Outcome == protocol.OutcomeCreated || other.result.Outcome == protocol.OutcomeUpdated)
		if !completed || !other.asks.sameFields(t.asks) || !other.ended.Before(t.began) {
			continue
		}
		between := slices.ContainsFunc(sim.others(t), func(x *peopleTry) bool {
			return !x.asks.sameFields(t.asks) && (x.ended.IsZero() || x.ended.After(other.began)) && (x.wroteSince || sim.accepted(x) || x.died || x.lostRecord || x.failure != nil && x.failure.Code == problem.OutcomeUnknown)
		})
		sim.require(between, "%s is the same request as %s, and is sent again", t, other)
	}
}

// mayCreate checks a create that takes effect, or that finds that the teammate exists.
func (sim *peopleSimulation) mayCreate(t *peopleTry, exists bool) {
	sim.require(!t.asks.absent, "%s creates", t)
	if exists {
		sim.require(sim.did(t.asks.email, false, adds, invites), "%s creates somebody who exists", t)
		return
	}
	if t.late && sim.did(t.asks.email, true, adds, invites) {
		return // It took what a person made for what its create made, which comes late. That is not prevented.
	}
	var removed time.Time
	for _, other := range sim.others(t) {
		if other.asks.absent && other.result != nil && other.result.Outcome == protocol.OutcomeDeleted && other.ended.After(removed) {
			removed = other.ended
		}
	}
	// A create of one that restores was sent, at least.
	back := t.asks.restore || slices.ContainsFunc(sim.others(t), func(other *peopleTry) bool {
		return other.asks.restore && other.writes > 0 && (other.ended.IsZero() || other.ended.After(removed))
	})
	sim.require(removed.IsZero() || back, "%s brings back who was removed", t)
}

// mayChange checks a change or a deletion that takes effect.
func (sim *peopleSimulation) mayChange(t *peopleTry, value sendgrid.Teammate, exists bool) {
	sim.require(!t.asks.webhook, "%s may only create, and changes", t)
	sim.require(t.asks.update, "%s changes, and does not ask to update", t)
	if exists && (!value.SSO() || value.UserType == sendgrid.UserTypeOwner) {
		sim.require(sim.did(t.asks.email, true, invites), "%s changes who does not log in by SSO", t)
	}
}

// keepsAdministrator checks that a write left an administrator, if there was one.
func (sim *peopleSimulation) keepsAdministrator(t *peopleTry, before int) {
	byHand := sim.did("", false, removes, demotes, invites) || sim.did(t.asks.email, true, promotes) // What a person did a moment ago is not shown.
	sim.require(before == 0 || sim.administrators() > 0 || byHand, "%s leaves no administrator", t)
}

// wrote records that a write took effect.
func (sim *peopleSimulation) wrote(t *peopleTry, what string) {
	sim.trace("  effect: %s %s %s", t, what, t.asks.email)
	t.wroteSince = true
	var newest *peopleTry
	for _, other := range sim.others(t) {
		if sim.accepted(other) && !other.ended.After(time.Now()) && (newest == nil || other.newer(&newest.caller)) {
			newest = other
		}
	}
	if t.late && sim.did(t.asks.email, true, adds, invites) {
		return // It adopted what a person made while its own create was late. That is not prevented.
	}
	if newest == nil || !newest.newer(&t.caller) || newest.asks.sameFields(t.asks) {
		return
	}
	// A newer request that asks for the same may have been announced.
	asked := slices.ContainsFunc(sim.others(t), func(other *peopleTry) bool {
		return other.newer(&newest.caller) && other.asks.sameFields(t.asks)
	})
	sim.require(asked, "late=%t, result %s: %s undoes %s, which is newer", t.late, newest.result.Outcome, t, newest)
}

// checkRecorded checks what a try wrote to the ledger.
func (sim *peopleSimulation) checkRecorded(ctx context.Context, before, after protocol.Entry) {
	t := peopleTryOf(ctx)
	if after.Teammate == "" { // It orders the writes that end an administrator.
		return
	}
	q := t.asks
	sim.require(after.Teammate == q.email, "%s writes the entry of %s", t, after.Teammate)
	announced := before.State == protocol.Completed && (after.State == protocol.Creating || after.State == protocol.Pending)
	if announced && before.Managed() && !q.restore {
		sim.require(before.KeptIdentity != q.resolve().Teammate.Identity(), "%s is the request that is kept, and changes SendGrid", t)
	}
	if before.IsEnded() && !after.IsEnded() { // Anybody may find out that the create of one that restores took effect.
		sim.require(q.restore || before.State == protocol.Creating || before.State == protocol.Unknown, "%s brings back who was removed", t)
	}
	if before.Managed() && after.Revision == before.Revision+1 {
		sim.require(after.Managed() || q.absent || before.Deleting != "", "%s makes the ledger forget what is kept", t)
		found := before.Outcome == protocol.OutcomeCreated || before.Deleting != "" // The outcome of another request's write.
		sim.require(!q.webhook || after.Kept == before.Kept || found, "%s has no right to change what is kept", t)
	}
	if after.Managed() && after.Kept != before.Kept {
		sim.require(!q.access.isDropped(), "%s is kept, and SendGrid did not give all of it", t)
	}
}

// checkResult checks the result of a try.
func (sim *peopleSimulation) checkResult(t *peopleTry) {
	if t.failure != nil {
		sim.trace("%s: %s %s: %s", t, t.failure.Code, provision.OutcomeOf(t.failure), t.failure.Message)
		sim.require(t.failure.Code != problem.Internal, "%s ends in Internal: %v", t, t.failure)
		return
	}
	sim.trace("%s: %s", t, t.result.Outcome)
	q, p := t.asks, sim.person(t.asks.email)
	for _, w := range t.result.Warnings {
		if w.Code == provision.Drifted {
			sim.require(sim.did(q.email, false, allActions()...) || sim.meanwhile(t), "%s finds drift, and nobody edited anything: %v", t, w.Changes)
		}
		if w.Code == provision.Missing || w.Code == provision.Ended {
			absent := slices.ContainsFunc(sim.schedule.requests, func(other *declared) bool { return other.absent && other.email == q.email })
			sim.require(absent || sim.did(q.email, false, removes), "%s is superseded because %s is gone", t, q.email)
			return
		}
	}
	switch t.result.Outcome {
	case protocol.OutcomeDeleted:
		sim.require(q.absent && p.existed(sim.began.Add(-time.Hour)), "%s deleted nobody", t)
	case protocol.OutcomeSuperseded:
		newer := slices.ContainsFunc(sim.others(t), func(other *peopleTry) bool {
			return !t.newer(&other.caller) && (other.wroteSince || sim.accepted(other) || other.result != nil && other.asks.update || other.unrecorded())
		})
		byHand := sim.did(q.email, false, adds, removes) // Reads that lag may show as created who was there before.
		sim.require(newer || byHand, "%s is superseded by nothing", t)
	case protocol.OutcomeCreated, protocol.OutcomeUpdated, protocol.OutcomeUnchanged:
		if q.absent {
			sim.require(t.result.Outcome == protocol.OutcomeUnchanged, "%s is %s", t, t.result.Outcome)
			return
		}
		sim.require(!q.access.isDropped(), "%s is %s, and SendGrid did not give all of it", t, t.result.Outcome)
		edited := t.result.Outcome != protocol.OutcomeUpdated && sim.did(q.email, false, allActions()...)
		again := t.result.Outcome == protocol.OutcomeUnchanged && sim.remembered(t)
		sim.require(edited || again || sim.was(p, q, t.began.Add(-maxLag)), "%s is %s, and SendGrid had something else", t, t.result.Outcome)
	case protocol.OutcomePlanned, protocol.OutcomeRejected, protocol.OutcomeFailed, protocol.OutcomeDisabled:
		sim.require(false, "%s is %s", t, t.result.Outcome)
	}
}

// meanwhile reports whether a write of another request took effect during a try, which may only read.
func (sim *peopleSimulation) meanwhile(t *peopleTry) bool {
	return slices.ContainsFunc(sim.person(t.asks.email).history, func(v version[sendgrid.Teammate]) bool { return v.since.After(t.began) })
}

// was reports whether a teammate was as declared at some time since then.
func (sim *peopleSimulation) was(p *teammate, q *declared, since time.Time) bool {
	for n, v := range p.history {
		is := !v.deleted && q.isMet(v.value)
		if q.absent {
			is = v.deleted
		}
		if is && (n == len(p.history)-1 || p.history[n+1].since.After(since)) {
			return true
		}
	}
	return q.absent && len(p.history) == 0
}

// checkEnd checks what is left once everything has ended.
func (sim *peopleSimulation) checkEnd() {
	sim.mu.Lock()
	defer sim.mu.Unlock()
	entries := map[string]protocol.Entry{}
	for entry := range sim.ledger.All(context.Background()) { // In memory it does not fail.
		sim.require(!entry.Lease.After(time.Now()), "the entry of %q is still leased", entry.Teammate)
		entries[entry.Teammate] = entry
	}
	for _, p := range sim.people {
		if !sim.did(p.email, false, allActions()...) {
			sim.checkPerson(p, entries[p.email])
		}
	}
}

// counts reports whether a try determines the state of a teammate: it was applied, or a write of it took effect.
// One that was not recorded does not count to other requests, which may then remove the teammate, or declare otherwise.
func (sim *peopleSimulation) counts(t *peopleTry) bool {
	if sim.accepted(t) || !t.wroteSince {
		return sim.accepted(t)
	}
	overwritten := slices.ContainsFunc(sim.others(t), func(x *peopleTry) bool {
		return x.asks != t.asks && x.wroteSince && sim.accepted(x) && x.ended.After(t.ended)
	})
	return !slices.ContainsFunc(sim.others(t), func(other *peopleTry) bool {
		rejected := other.failure != nil && provision.OutcomeOf(other.failure) == protocol.OutcomeRejected
		superseded := overwritten && rejected || other.result != nil && other.result.Outcome == protocol.OutcomeSuperseded || other.failure != nil && (other.failure.Code == problem.Conflict || other.failure.Code == problem.Gone)
		return other.delivery == t.delivery && other.number > t.number && superseded
	})
}

// checkPerson checks that a teammate whom nobody edited is what the newest request declares.
func (sim *peopleSimulation) checkPerson(p *teammate, entry protocol.Entry) {
	var newest []*peopleTry
	for _, t := range sim.tries {
		switch {
		case t.asks.email != p.email, !sim.counts(t):
		case len(newest) == 0 || t.newer(&newest[0].caller):
			newest = []*peopleTry{t}
		case !newest[0].newer(&t.caller):
			newest = append(newest, t)
		}
	}
	if len(newest) == 0 {
		wrote := slices.ContainsFunc(sim.tries, func(t *peopleTry) bool { return t.asks.email == p.email && t.wroteSince }) // And was not recorded.
		sim.require(len(p.history) <= 1 || wrote, "%s was changed, and nobody asked for that", p.email)
		return
	}
	right := slices.ContainsFunc(newest, func(t *peopleTry) bool { return sim.was(p, t.asks, time.Now()) })
	sim.require(right, "%s is not what the newest request declares (%s)", p.email, newest[0])
	_, exists := p.now()
	kept := entry.State != protocol.Completed || !exists || slices.ContainsFunc(newest, func(t *peopleTry) bool {
		return entry.KeptIdentity == t.asks.resolve().Teammate.Identity()
	})
	sim.require(kept, "the entry does not keep the newest request (%s)", newest[0])
	sim.require(exists || entry.Kept == "" && entry.Baseline == "", "the entry keeps what was declared of %s, who was removed", p.email)
}
