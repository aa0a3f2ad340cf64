package provision

import (
	"context"
	"slices"
	"time"

	"sendgrid-sso-integration/internal/problem"
	"sendgrid-sso-integration/internal/protocol"
	"sendgrid-sso-integration/internal/request"
	"sendgrid-sso-integration/sendgrid"
)

// endConnection disables every integration with the entity id, and records that the connection is ended.
func (a *connectionAttempt) endConnection(ctx context.Context) (*Result, error) {
	if a.request.DryRun {
		return a.previewEnd(ctx)
	}
	if err := a.own(ctx); err != nil {
		return nil, err
	}
	all, err := a.beginEnd(ctx)
	if err != nil {
		a.release(ctx)
		return nil, err
	}
	for {
		p := a.planEnd(all)
		if p.Step != protocol.Update {
			return a.finishEnd(ctx, p, all)
		}
		next := a.firstEnabled(all)
		if err := a.perform(ctx, a.disable(all[next])); err != nil {
			return nil, err
		}
		all[next] = *a.seen.integration
	}
}

// finishEnd carries out the last step of a request that ends a connection.
func (a *connectionAttempt) finishEnd(ctx context.Context, p protocol.Plan, all []sendgrid.Integration) (*Result, error) {
	outcomes := map[protocol.Step]protocol.Outcome{protocol.ReturnSuperseded: protocol.OutcomeSuperseded, protocol.ReturnUnchanged: protocol.OutcomeUnchanged}
	if p.Step == protocol.Complete {
		return a.recordEnd(ctx, all)
	}
	if outcome, ok := outcomes[p.Step]; ok {
		a.release(ctx)
		return a.ended(outcome, all), nil
	}
	result, err := a.carryOut(ctx, p)
	if result == nil && err == nil {
		err = errUnplanned
	}
	return result, err
}

// beginEnd reads the integrations with the entity id. The recorded one is the last: in the end, the entry
// records that one.
func (a *connectionAttempt) beginEnd(ctx context.Context) ([]sendgrid.Integration, error) {
	a.asOf = time.Now()
	list, err := a.lists.join(ctx, a.wait, a.arrived, a.repeats, a.SendGrid.ListIntegrations)
	if err != nil {
		return nil, err
	}
	recorded := a.entry.IntegrationID
	var all []sendgrid.Integration
	var own *sendgrid.Integration
	for _, i := range list {
		switch {
		case recorded != "" && i.ID == recorded:
			own = &i
		case i.EntityID == a.request.EntityID && i.ID != "" && i.ID != a.entry.Gone:
			all = append(all, i)
		}
	}
	if own == nil && recorded != "" { // The list may lag behind a read by id.
		if own, err = a.getIfThere(ctx, recorded); err != nil {
			return nil, err
		}
	}
	a.seen = observation{recordedMissing: recorded != "" && own == nil}
	if own != nil {
		all = append(all, a.settled(*own))
	}
	if len(all) > 0 {
		a.seen.integration = &all[len(all)-1]
	}
	a.reconcileEntry()
	return all, nil
}

// settled returns the current state of the recorded integration. What is shown may be older than this
// function's last write, which is in the baseline; sending that back would undo a part of the write.
func (a *connectionAttempt) settled(i sendgrid.Integration) sendgrid.Integration {
	if !a.entry.Stale.After(a.asOf) {
		return i
	}
	b, _ := parseBaseline(a.entry.Baseline)
	for field, into := range map[string]*string{"name": &i.Name, "signin_url": &i.SigninURL, "signout_url": &i.SignoutURL, "entity_id": &i.EntityID} {
		if text, ok := b.Fields[field].(string); ok {
			*into = text
		}
	}
	i.Enabled = !a.entry.IsEnded() // Whatever is shown: it may be enabled, unless the last write disabled it.
	return i
}

// planEnd makes the next plan.
func (a *connectionAttempt) planEnd(all []sendgrid.Integration) protocol.Plan {
	shown := protocol.Shown{Exists: len(all) > 0, NeedsUpdate: a.firstEnabled(all) >= 0, RecordedMissing: a.seen.recordedMissing}
	return protocol.View{Asked: a.asked, Entry: a.entry, Standing: a.standing, Shown: shown, AsOf: a.asOf, UpdateSent: a.updateSent}.PlanEnd()
}

// firstEnabled returns the index of the first integration that is enabled, -1 if none is.
func (a *connectionAttempt) firstEnabled(all []sendgrid.Integration) int {
	return slices.IndexFunc(all, func(i sendgrid.Integration) bool { return i.Enabled })
}

// disable is the update that disables an integration. Every other field is sent as SendGrid has it.
func (a *connectionAttempt) disable(i sendgrid.Integration) write {
	metadata, match, kind := a.request.Metadata, a.request.Match, a.request.Kind
	a.request.Request = request.Request{
		Name: i.Name, SigninURL: i.SigninURL, SignoutURL: i.SignoutURL, EntityID: i.EntityID, IfExists: request.UpdateExisting,
		Metadata: metadata, Match: match, Kind: kind,
	}
	a.seen.integration = &i
	w := a.updateIntegration()
	w.step.Description = "Disable the integration " + i.ID + "."
	return w
}

// recordEnd records that the connection is ended.
func (a *connectionAttempt) recordEnd(ctx context.Context, all []sendgrid.Integration) (*Result, error) {
	now := time.Now()
	var ending *protocol.Ending
	if a.entry.Ends(len(all) > 0, a.updateSent) {
		ending = &protocol.Ending{By: a.delivery.Caller, At: now}
		if a.DeleteAfter > 0 && len(all) == 1 && !a.oneOfSeveral { // Of several, a person decides which.
			ending.DeleteAfter = now.Add(a.DeleteAfter)
		}
	}
	e := a.entry
	if len(all) > 0 {
		e = e.About(all[len(all)-1].ID, a.settles())
		if e.Baseline == "" {
			e.Baseline = baseline{Fields: request.Shown(all[len(all)-1])}.String()
		}
	}
	e = e.End(a.asked, ending, now, a.held)
	if err := a.commit(ctx, e); err != nil {
		return nil, err
	}
	outcome := protocol.OutcomeUnchanged
	if len(all) > 0 && ending != nil { // Also if somebody had disabled them before.
		outcome = protocol.OutcomeDisabled
	}
	a.readEnded(ctx, all)
	return a.ended(outcome, all), nil
}

// readEnded reads the recorded integration again if the list lacks its URLs. A failure is ignored: the end is
// already recorded.
func (a *connectionAttempt) readEnded(ctx context.Context, all []sendgrid.Integration) {
	if len(all) == 0 {
		return
	}
	ctx, cancel := uncancelled(ctx, a.reconcile)
	defer cancel()
	last := &all[len(all)-1]
	a.seen.integration = last
	if a.readWhole(ctx) == nil {
		*last = *a.seen.integration
	}
}

// ended returns the result of a request that ends a connection.
func (a *connectionAttempt) ended(outcome protocol.Outcome, all []sendgrid.Integration) *Result {
	a.isEnd = true
	r := &Result{Outcome: outcome, Changes: a.changes}
	if len(all) > 0 {
		r.Integration = all[len(all)-1]
	}
	if len(all) > 1 {
		r.Integrations = all
	}
	if after := a.entry.DeleteAfter; !after.IsZero() && outcome != protocol.OutcomeSuperseded && len(all) > 0 {
		after = after.UTC().Truncate(time.Second)
		r.DeleteAfter = &after
	}
	return r
}

// previewEnd returns what the request would do.
func (a *connectionAttempt) previewEnd(ctx context.Context) (*Result, error) {
	if err := a.beginPreview(ctx); err != nil {
		return nil, err
	}
	all, err := a.beginEnd(ctx)
	if err != nil {
		return nil, err
	}
	p := a.planEnd(all)
	if p.Step == protocol.Recheck || p.Step == protocol.Refuse {
		_, err := a.planned(p)
		return nil, err
	}
	result := a.ended(protocol.OutcomePlanned, all)
	result.Steps, result.Changes, result.DeleteAfter = []Step{}, []problem.Change{}, nil
	for at := range all {
		if p.Step == protocol.Update && all[at].Enabled {
			w := a.disable(all[at])
			result.Steps, result.Changes = append(result.Steps, w.step), append(result.Changes, w.changes...)
		}
	}
	return result, nil
}

// forget makes the ledger forget the connection.
func (a *connectionAttempt) forget(ctx context.Context) (*Result, error) {
	if err := a.own(ctx); err != nil {
		return nil, err
	}
	if a.asked.Order.Before(a.entry.Applied) {
		a.release(ctx)
		a.isEnd = true
		return &Result{Outcome: protocol.OutcomeSuperseded}, nil
	}
	if a.entry.Deleting != "" && a.entry.IntegrationID != "" { // The outcome of the deletion has to be known first.
		if _, err := a.beginEnd(ctx); err != nil {
			a.release(ctx)
			return nil, err
		}
	}
	if err := a.commit(ctx, a.entry.Forget(time.Now()).Release(a.held)); err != nil {
		return nil, err
	}
	a.isEnd = true
	return &Result{Outcome: protocol.OutcomeUnchanged}, nil
}

// checkRemoval refuses a request that would leave no valid certificate, before anything is sent.
func (a *connectionAttempt) checkRemoval(now time.Time) error {
	removes := a.asked.Removes
	adds := len(a.asked.Certificates) > 0 && !a.entry.Completes(a.asked) // The same request again adds none.
	if len(removes) == 0 || a.seen.integration == nil || adds {
		return nil
	}
	left := func(c storedCertificate) bool { return c.notAfter.After(now) && !slices.Contains(removes, c.sha256) }
	removed := func(c storedCertificate) bool { return slices.Contains(removes, c.sha256) }
	if slices.ContainsFunc(a.seen.certificates, removed) && !slices.ContainsFunc(a.seen.certificates, left) {
		return problem.InvalidField("remove_certificates", "would leave no certificate that is valid, so that nobody could log in; request the next one first")
	}
	return nil
}
