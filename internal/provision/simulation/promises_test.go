package simulation_test

import (
	"cmp"
	"context"
	"slices"
	"time"

	"sendgrid-sso-integration/internal/problem"
	"sendgrid-sso-integration/internal/protocol"
	"sendgrid-sso-integration/internal/provision"
	"sendgrid-sso-integration/internal/request"
)

// accepted reports whether the request of a try counts as applied: it changed what SendGrid has,
// or, if it may, found it as requested. The same delivery again keeps the place of the first one.
func (t *try) accepted() bool {
	if t.result == nil {
		return false
	}
	switch t.result.Outcome {
	case protocol.OutcomeCreated, protocol.OutcomeUpdated, protocol.OutcomeDisabled:
		return true
	case protocol.OutcomeUnchanged:
		return t.asks.update && !t.sim.remembered(t)
	case protocol.OutcomeSuperseded, protocol.OutcomePlanned, protocol.OutcomeRejected, protocol.OutcomeFailed, protocol.OutcomeDeleted:
	}
	return false
}

// remembered reports whether the same delivery was applied before, or may have been: the ledger may
// have recorded it without a response.
func (sim *simulation) remembered(t *try) bool {
	q := t.delivery.request
	return !q.http && slices.ContainsFunc(sim.tries, func(other *try) bool {
		same := other.delivery.request == q && (!q.bare || other.delivery == t.delivery)
		return same && other != t && (other.result != nil || other.unrecorded()) && other.ended.Before(t.ended)
	})
}

func (q *sent) sameFields(other *sent) bool {
	return q.absent == other.absent && q.enabled == other.enabled && q.signin == other.signin && q.rejected == other.rejected
}

// newer reports whether the request of a try is newer than that of another.
func (t *try) newer(than *try) bool { return t.caller.newer(&than.caller) }

// relation describes the times of two requests.
func relation(a, b *try) string {
	switch {
	case a.order.Sent.Equal(b.order.Sent):
		return "in the same second"
	case a.delivery.request.ahead+b.delivery.request.ahead > 0:
		return "clocks differ"
	default:
		return "at different times"
	}
}

// wrote records that a write took effect. fields is false for a certificate.
func (sim *simulation) wrote(t *try, what string, fields bool) {
	sim.trace("  effect: %s %s", t, what)
	t.wroteSince = !t.asks.audit
	made := 0
	for _, i := range sim.account.live() {
		if !i.byHand {
			made++
		}
	}
	sim.require(made <= 1, "there are %d integrations", made)
	if !fields || t.asks.audit {
		return
	}
	var newest *try
	for _, other := range sim.tries {
		if other.accepted() && !other.ended.After(time.Now()) && (newest == nil || other.newer(newest)) {
			newest = other
		}
	}
	if t.late && slices.ContainsFunc(sim.account.live(), func(i *integration) bool { return i.byHand }) {
		return // It adopted what a person made while its own create was late. That is not prevented.
	}
	if newest == nil || !newest.newer(t) || newest.asks.sameFields(t.asks) {
		return
	}
	// A newer request that asks for the same may have been announced.
	asked := slices.ContainsFunc(sim.tries, func(other *try) bool {
		return other.newer(newest) && other.asks.sameFields(t.asks)
	})
	if !asked {
		sim.require(false, "late=%t, %s, result %s: %s undoes %s, which is newer", t.late, relation(t, newest), newest.result.Outcome, t, newest)
	}
}

// checkRecorded checks what a try wrote to the ledger.
func (sim *simulation) checkRecorded(ctx context.Context, before, after protocol.Entry) {
	t := tryOf(ctx)
	q := t.asks
	if q.audit {
		sim.recordedByAudit(t, before, after)
		return
	}
	announced := before.State == protocol.Completed && (after.State == protocol.Creating || after.State == protocol.Pending || after.State == protocol.Adding)
	if announced && before.Managed() && !q.restore && after.Removing == "" {
		sim.require(before.KeptIdentity != q.resolve().Identity(), "%s is the request that is kept, and changes SendGrid", t)
	}
	if before.IsEnded() && !after.IsEnded() {
		sim.require(q.restore, "%s brings back what was ended", t)
	}
	if before.Managed() && after.Revision == before.Revision+1 {
		sim.require(after.Managed(), "%s makes the ledger forget what is kept", t)
		completes := before.Outcome == protocol.OutcomeCreated || before.Bare && !before.Trusted // That the caller may do.
		sim.require(!q.webhook || after.Kept == before.Kept || completes, "%s has no right to change what is kept", t)
	}
}

// recordedByAudit checks that an audit makes nothing newer, and keeps the request that was kept.
func (sim *simulation) recordedByAudit(t *try, before, after protocol.Entry) {
	sim.require(after.Applied == before.Applied, "%s changes the order", t)
	sim.require(after.State != protocol.Creating || before.State == protocol.Creating, "%s announces a create", t)
	sim.require(after.KeptIdentity == before.KeptIdentity && after.Managed() == before.Managed(), "%s changes whose request is kept", t)
	was, _ := request.ParseKept(before.Kept)
	is, _ := request.ParseKept(after.Kept)
	sim.require(is.Enabled == was.Enabled && is.By == was.By && is.At.Equal(was.At), "%s changes what a person asked for", t)
}

// judge records what the audits find.
func (t *try) judge(_ context.Context, found provision.Audited) (string, error) {
	t.sim.mu.Lock()
	defer t.sim.mu.Unlock()
	t.sim.trace("%s: finds missing=%t unfinished=%t drift=%v renewed=%v", t, found.Missing, found.Unfinished, found.Drift, found.Renewed)
	if len(t.sim.schedule.edits) == 0 {
		t.sim.require(len(found.Drift) == 0, "%s finds drift, and nobody edited anything", t)
		t.sim.require(!found.Missing, "%s misses an integration, and nobody deleted it", t)
	}
	return "", nil
}

// mayDelete checks that an audit deletes only what was ended, is disabled and alone with its entity id.
func (sim *simulation) mayDelete(ctx context.Context, t *try, i *integration, enabled bool) {
	entry := sim.entry(ctx)
	sim.require(t.asks.audit, "%s deletes %s", t, i.id)
	sim.require(entry.IsEnded() && entry.Deleting == i.id, "%s deletes %s, which is not ended", t, i.id)
	recent := func(a action) bool { // Reads lag, and the deletion may have taken effect late.
		return slices.ContainsFunc(sim.schedule.edits, func(h edit) bool {
			at := sim.began.Add(h.at)
			return h.action == a && !at.After(time.Now()) && at.After(time.Now().Add(-maxLag-maxLate))
		})
	}
	sim.require(!enabled || recent(enables), "%s deletes %s, which is enabled", t, i.id)
	sim.require(len(sim.account.live()) == 1 || recent(creates), "%s deletes %s, which shares its entity id", t, i.id)
}

// entry returns the entry of the connection.
func (sim *simulation) entry(ctx context.Context) protocol.Entry {
	entry, _ := sim.ledger.Get(ctx, sim.key) // In memory it does not fail.
	return entry
}

// checkDeleted checks that an integration that was ended is deleted, if it has to be.
func (sim *simulation) checkDeleted() {
	entry := sim.entry(context.Background())
	if len(sim.schedule.edits) > 0 || !entry.IsEnded() {
		return
	}
	live := sim.account.live()
	if sim.schedule.deleteAfter > 0 {
		sim.require(len(live) == 0, "what was ended is not deleted")
	}
	for _, i := range live {
		value, _ := i.now()
		sim.require(!value.Enabled, "what was ended is enabled")
	}
}

// checkRenewed checks that after an audit a connection is as its SAML metadata says.
func (sim *simulation) checkRenewed() {
	entry := sim.entry(context.Background())
	kept, managed := request.ParseKept(entry.Kept)
	live := sim.account.live()
	if !managed || kept.Source.URL == "" || !entry.Audits() || len(sim.schedule.edits) > 0 || sim.schedule.noResponse || len(live) != 1 {
		return
	}
	value, _ := live[0].now()
	d := sim.document()
	sim.require(value.SigninURL == signinURL(d.signin), "the connection is not renewed: signin_url")
	for _, n := range d.certs {
		sim.require(sim.account.count(live[0].id, certificates()[n].PEM()) == 1, "the connection is not renewed: certificate %d", n)
	}
}

// sameRequest reports whether two requests ask for the same, so that one goes on where the other
// stopped.
func (q *sent) sameRequest(other *sent) bool {
	return q.sameFields(other) && slices.Equal(q.certs, other.certs)
}

// mayAdd checks that a request that may not update adds certificates only to what it created itself,
// or to what this function created without any and that never had one.
func (sim *simulation) mayAdd(t *try, id string) {
	q, i := t.asks, sim.account.find(id)
	if q.audit || q.update || i.by != nil && q.sameRequest(i.by) {
		return
	}
	// A read may find what a create without a response made, or what a person made in that minute.
	reconciled := slices.ContainsFunc(sim.tries, func(other *try) bool {
		return other.asks.sameRequest(q) && other.result != nil && other.result.Outcome == protocol.OutcomeCreated
	})
	hadOthers := slices.ContainsFunc(sim.account.certificates, func(c *certificate) bool {
		return c.integration == id && !c.by.sameRequest(q)
	})
	sim.require(reconciled || len(sim.schedule.faults) > 0 || !i.byHand, "%s adds a certificate to what a person made", t)
	sim.require(!hadOthers, "%s adds a certificate to an integration that had another", t)
	if i.by != nil {
		sim.require(len(i.by.certs) == 0, "%s adds the first certificate to what was created with others", t)
		sim.require(i.by.webhook || !q.webhook, "%s adds the first certificate to what somebody created who may more", t)
	}
}

// checkConflict checks that a request that only adds the first certificates to what was created
// without any is no Conflict, where nothing else happened.
func (sim *simulation) checkConflict(t *try) {
	q, s := t.asks, sim.schedule
	differs := func(other *sent) bool {
		return !other.audit && (other.update || other.rejected || other.url || !other.sameFields(q))
	}
	if len(s.faults) > 0 || len(s.edits) > 0 || s.noResponse || slices.ContainsFunc(s.requests, differs) || len(sim.account.certificates) > 0 {
		return
	}
	for _, other := range sim.tries {
		bare := other.result != nil && other.result.Outcome == protocol.OutcomeCreated && len(other.asks.certs) == 0 && (other.asks.webhook || !q.webhook)
		sim.require(!bare || other.ended.After(t.began), "%s is a Conflict, and only adds the first certificates to what %s created", t, other)
	}
}

// checkResult checks the result of a try.
func (sim *simulation) checkResult(t *try) {
	if t.failure != nil {
		sim.trace("%s: %s %s", t, t.failure.Code, provision.OutcomeOf(t.failure))
		if t.failure.Code == problem.Conflict {
			sim.checkConflict(t)
		}
		sim.require(t.failure.Code != problem.Internal, "%s ends in Internal: %v", t, t.failure)
		return
	}
	sim.trace("%s: %s %s", t, t.result.Outcome, t.result.Integration.ID)
	q, id := t.asks, cmp.Or(t.result.Integration.ID, t.result.GoneID)
	if q.absent && id == "" { // There was nothing to end.
		return
	}
	gone := slices.ContainsFunc(t.result.Warnings, func(w provision.Warning) bool { return w.Code == provision.Missing || w.Code == provision.Ended })
	if gone {
		ended := slices.ContainsFunc(sim.schedule.requests, func(other *sent) bool { return other.absent })
		sim.require(ended || !q.http && len(sim.schedule.edits) > 0, "%s is superseded because %s is gone", t, id)
		return
	}
	var about *integration
	for _, i := range sim.account.integrations {
		if i.id == id {
			about = i
		}
	}
	if about == nil {
		sim.require(false, "%s is about %q, which never existed", t, id)
		return
	}
	sim.require(about.existed(t.began.Add(-maxLag)), "%s is about %s, which does not exist", t, id)
	sim.require(id != sim.account.integrations[0].id, "%s is about another's integration", t)
	switch t.result.Outcome {
	case protocol.OutcomeCreated:
		for _, other := range sim.tries {
			twice := other != t && other.result != nil && other.result.Outcome == protocol.OutcomeCreated && other.result.Integration.ID == id
			sim.require(!twice, "%s and %s both created %s", other, t, id)
		}
	case protocol.OutcomeSuperseded:
		newer, why := false, "nothing"
		for _, other := range sim.tries {
			if other == t || t.newer(other) {
				continue
			}
			newer = newer || other.wroteSince || other.accepted() || other.result != nil && other.asks.update || other.unrecorded()
			switch {
			case other.failure != nil && !other.failure.Retryable():
				why = "what was rejected"
			case other.result != nil:
				why = "what changed nothing"
			}
		}
		// What a person creates may be taken for the outcome of a create that is unknown.
		newer = newer || slices.ContainsFunc(sim.schedule.edits, func(h edit) bool { return h.action == creates })
		sim.require(newer, "%s is superseded by %s", t, why)
	case protocol.OutcomeUnchanged, protocol.OutcomeUpdated, protocol.OutcomeDisabled:
		if (len(sim.schedule.edits) == 0 || q.restore) && !sim.appliedBefore(t) && !sim.remembered(t) {
			sim.require(sim.hadFields(about, q, t.began.Add(-maxLag)), "%s is %s, and SendGrid had something else", t, t.result.Outcome)
		}
	case protocol.OutcomePlanned, protocol.OutcomeRejected, protocol.OutcomeFailed, protocol.OutcomeDeleted:
	}
}

// appliedBefore reports whether the same delivery was applied before: then it is unchanged,
// whatever came after it.
func (sim *simulation) appliedBefore(t *try) bool {
	return slices.ContainsFunc(sim.tries, func(other *try) bool {
		return other != t && other.delivery.request == t.delivery.request && !t.delivery.request.http && other.wroteSince
	})
}

// hadFields reports whether an integration was as requested at some time since then.
func (sim *simulation) hadFields(i *integration, q *sent, since time.Time) bool {
	is := func(v version[sendgridIntegration]) bool {
		supplied := q.url && slices.ContainsFunc(sim.schedule.documents, func(d document) bool { return v.value.SigninURL == signinURL(d.signin) })
		if q.absent {
			return !v.deleted && !v.value.Enabled
		}
		return !v.deleted && v.value.Enabled == q.enabled && (supplied || v.value.SigninURL == signinURL(q.signin))
	}
	for n, v := range i.history {
		if is(v) && (n == len(i.history)-1 || i.history[n+1].since.After(since)) {
			return true
		}
	}
	return false
}

// checkEnd checks what is left once everything has ended.
func (sim *simulation) checkEnd() {
	sim.mu.Lock()
	defer sim.mu.Unlock()
	entry := sim.entry(context.Background())
	sim.require(!entry.Lease.After(time.Now()), "the entry is still leased")
	if value, _ := sim.account.integrations[0].now(); value.SigninURL != signinURL("f") || sim.account.integrations[0].history[0].deleted {
		sim.require(false, "another's integration was changed")
	}
	if len(sim.schedule.edits) > 0 {
		return
	}
	var newest []*try
	for _, t := range sim.tries {
		switch {
		case !t.accepted() && !t.wroteSince:
		case len(newest) == 0 || t.newer(newest[0]):
			newest = []*try{t}
		case !newest[0].newer(t):
			newest = append(newest, t)
		}
	}
	live := sim.account.live()
	if len(newest) == 0 {
		return
	}
	absent := slices.ContainsFunc(sim.tries, func(t *try) bool {
		return t.asks.absent && t.result != nil && t.result.Outcome != protocol.OutcomeSuperseded && !newest[0].newer(t)
	})
	if absent && len(live) == 0 { // It was deleted, or came before it was created.
		return
	}
	sim.require(len(live) == 1, "%d integrations are left", len(live))
	if len(live) != 1 {
		return
	}
	managed := entry.State != protocol.Completed || absent || slices.ContainsFunc(sim.tries, func(t *try) bool {
		return !newest[0].newer(t) && entry.KeptIdentity == t.asks.resolve().Identity()
	})
	kept := false
	for _, t := range newest {
		has := sim.hadFields(live[0], t.asks, time.Now())
		for _, n := range t.asks.certs {
			if !t.accepted() || t.asks.url { // The same request again adds nothing.
				break
			}
			has = has && sim.account.count(live[0].id, certificates()[n].PEM()) == 1
		}
		kept = kept || has
	}
	sim.require(managed, "the entry does not keep the newest request (%s)", newest[0])
	sim.require(kept, "SendGrid does not have what the newest request asked for (%s)", newest[0])
}
