package provision

import (
	"cmp"
	"context"
	"slices"

	"sendgrid-sso-integration/internal/problem"
	"sendgrid-sso-integration/internal/protocol"
	"sendgrid-sso-integration/internal/request"
	"sendgrid-sso-integration/sendgrid"
)

// endMatching ends each connection whose kept request has the metadata in the request's match. If there are
// several, none of them is deleted later.
func (p *Provisioner) endMatching(ctx context.Context, r request.Resolved, d Delivery) (*Result, error) {
	if p.All == nil {
		return nil, problem.InvalidField("match", "is not supported here; send the entity_id")
	}
	var ids []string
	existing := 0
	for e, err := range p.All(ctx) {
		if err != nil {
			return nil, translate(&ledgerError{err}, "nothing was changed")
		}
		if kept, managed := request.ParseKept(e.Kept); managed && e.Teammate == "" && matches(kept.Metadata, r.Match) {
			ids = append(ids, e.EntityID)
			if !e.IsEnded() || e.IntegrationID != "" { // Else an audit has deleted it.
				existing++
			}
		}
	}
	slices.Sort(ids)
	combined := &Result{Metadata: r.Metadata}
	if r.DryRun {
		combined.Outcome, combined.Steps, combined.Changes = protocol.OutcomePlanned, []Step{}, []problem.Change{}
	}
	var failures []error
	for _, id := range ids {
		one := r
		one.Match, one.EntityID = nil, id
		result, err := p.ensure(ctx, one, d, existing > 1)
		if err != nil {
			failures = append(failures, err)
			continue
		}
		combined.add(result)
	}
	if len(failures) > 0 { // Those that are ended stay ended. The sender repeats the request for the others.
		return nil, failures[0]
	}
	combined.Outcome = cmp.Or(combined.Outcome, protocol.OutcomeUnchanged)
	if len(combined.Integrations) == 1 {
		combined.Integrations = nil
	}
	return combined, nil
}

func matches(metadata, wanted map[string]string) bool {
	for key, value := range wanted {
		if metadata[key] != value {
			return false
		}
	}
	return true
}

// add adds the result for one of several connections.
func (r *Result) add(one *Result) {
	// The outcome of a change wins, and superseded remains only if all are superseded.
	weight := func(o protocol.Outcome) int {
		return slices.Index([]protocol.Outcome{"", protocol.OutcomeSuperseded, protocol.OutcomeUnchanged, protocol.OutcomePlanned, protocol.OutcomeDisabled}, o)
	}
	if weight(one.Outcome) > weight(r.Outcome) {
		r.Outcome = one.Outcome
	}
	if one.Integration.ID == "" {
		return
	}
	if len(one.Integrations) == 0 {
		one.Integrations = []sendgrid.Integration{one.Integration}
	}
	r.Integration, r.Integrations = one.Integration, append(r.Integrations, one.Integrations...)
	r.Changes, r.Steps = append(r.Changes, one.Changes...), append(r.Steps, one.Steps...)
	r.DeleteAfter = one.DeleteAfter
	if len(r.Integrations) > 1 {
		r.DeleteAfter = nil // It would differ between them.
	}
}
