package provision

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"sendgrid-sso-integration/internal/problem"
	"sendgrid-sso-integration/internal/protocol"
	"sendgrid-sso-integration/sendgrid"
)

// endsAdministrator reports whether a write deletes or demotes an administrator. Reads may lag behind the write
// that promoted the teammate.
func (a *teammateAttempt) endsAdministrator(w write) bool {
	demotes := w.Kind == protocol.DeleteResource || w.Kind == protocol.UpdateResource && !a.asks.IsAdmin
	before, _ := parseTeammateBaseline(a.entry.Baseline)
	promoted := before.IsAdmin && a.entry.Settling(a.asOf) > 0
	return demotes && a.seen != nil && (a.seen.IsAdmin || promoted)
}

// guarded performs a write, unless it would leave the account without an administrator who logs in by SSO.
//
// Two such writes, about two administrators, must not each count the other. So they are made one after the other,
// under the lease of one shared entry. Because lists lag, that entry remembers for a settling period whom not to
// count.
func (a *teammateAttempt) guarded(ctx context.Context, w write) error {
	if !a.endsAdministrator(w) {
		return a.perform(ctx, w)
	}
	guard := &attempt{
		Provisioner: a.Provisioner, deadlines: a.deadlines, arrived: func() {}, waits: a.waits, fresh: protocol.NewAdministratorsEntry(a.Account), resource: a,
	}
	var err error
	if guard.standing, err = guard.acquire(ctx, false); err != nil || guard.standing != protocol.Owner {
		a.release(ctx)
		return busy(err)
	}
	before := guard.entry
	ended, err := a.countAdministrators(ctx, before)
	if err != nil {
		guard.record(ctx, "release the entry of the administrators", before.Release(time.Time{}))
		a.release(ctx)
		return err
	}
	announced := before
	announced.Removed, announced.Settles = slices.Concat(ended, []string{a.asks.Email}), guard.end.Add(guard.settling())
	if err := guard.announce(ctx, announced); err != nil {
		a.release(ctx)
		return err
	}
	err = a.perform(ctx, w)
	after := guard.entry
	if err != nil && a.translate(err).Code != problem.OutcomeUnknown { // The write certainly did not happen.
		after.Removed, after.Settles = before.Removed, before.Settles
	}
	guard.record(ctx, "release the entry of the administrators", after.Release(time.Time{}))
	return err
}

// busy returns the error of a write that could not start because of another one.
func busy(err error) error {
	var ledger *ledgerError
	if errors.As(err, &ledger) {
		return err
	}
	return anotherEnds(retryLeased, err)
}

// anotherEnds returns the error of a write that has to wait for one that ends another administrator.
func anotherEnds(wait time.Duration, err error) *problem.Error {
	return &problem.Error{
		Code: problem.InProgress, RetryAfter: max(time.Second, wait), Err: err,
		Message: "Another request removes or demotes an administrator at the moment, and one has to be left. Send the request again.",
	}
}

// countAdministrators returns who must not be counted as an administrator, and an error if nobody else is left.
func (a *teammateAttempt) countAdministrators(ctx context.Context, guard protocol.Entry) (ended []string, err error) {
	ended = slices.Clone(guard.Removed)
	all, err := read(ctx, a.attempt, a.Teammates.ListTeammates)
	if err != nil {
		return nil, err
	}
	switch {
	case a.isLastAdministrator(all, nil):
		return nil, a.lastAdministrator()
	case a.isLastAdministrator(all, ended): // Whether the others still are will be known once that has settled.
		return nil, anotherEnds(time.Until(guard.Settles), nil)
	}
	return ended, nil
}

// isLastAdministrator reports whether nobody but this teammate, and those who were removed or demoted a moment ago,
// administers the account and logs in by SSO.
func (a *teammateAttempt) isLastAdministrator(all []sendgrid.Teammate, ended []string) bool {
	return !slices.ContainsFunc(all, func(t sendgrid.Teammate) bool {
		return t.SSO() && t.IsAdmin && !a.isThis(t) && !slices.ContainsFunc(ended, func(email string) bool { return strings.EqualFold(email, t.Email) })
	})
}

func (a *teammateAttempt) lastAdministrator() *problem.Error {
	return &problem.Error{Code: problem.Conflict, Message: fmt.Sprintf(
		"%s is the last administrator who logs in by SSO, so nothing was changed. Request another administrator first, and send the request again.", a.asks.Email)}
}
