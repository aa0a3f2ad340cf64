// Package audit checks the SSO integrations of the account once a day: which certificates each
// has, when the last of them expires, and what else keeps people from logging in.
//
// SendGrid lists certificates one integration at a time, and its rate limit and the end of the
// invocation bound how many an audit reaches. The integrations are checked in the order of
// their ids, in a circle. An audit that does not reach all of them stores the id of the next
// one in the ledger, and the next audit begins there. So the audits together go around the
// circle and skip none: each integration is checked again after at most as many audits as it
// takes to go around once, whatever is created or deleted meanwhile. An audit that reaches
// nothing fails, and the next one begins after the integrations that it asked about in vain.
package audit

import (
	"context"
	"crypto/rand"
	"log/slog"
	"slices"
	"strings"
	"time"

	"sendgrid-sso-integration/internal/invocation"
	"sendgrid-sso-integration/internal/protocol"
	"sendgrid-sso-integration/sendgrid"
)

const (
	// ledgerKey is the key of the audit's entry. Those of the integrations are hashes.
	ledgerKey = "audit"
	// retention is how long the ledger remembers where the next audit begins.
	retention = 30 * 24 * time.Hour
)

// SendGrid is the part of sendgrid.Client that an audit uses.
type SendGrid interface {
	ListIntegrations(context.Context) ([]sendgrid.Integration, error)
	ListCertificates(ctx context.Context, integrationID string) ([]sendgrid.Certificate, error)
}

// Ledger is the part of provision.Ledger that an audit uses.
type Ledger interface {
	Get(ctx context.Context, key string) (protocol.Entry, error)
	Put(context.Context, protocol.Entry) (current protocol.Entry, stored bool, err error)
}

// Publish publishes an event about each of these integrations, whose last certificate expires
// within 30 days, or has expired.
type Publish func(context.Context, []Integration) error

// Auditor audits the integrations of one account.
type Auditor struct {
	SendGrid SendGrid
	Ledger   Ledger
	Logger   *slog.Logger
}

// Audit checks as many integrations as the time and SendGrid's rate limit allow, and publishes
// what expires, unless publish is nil. An integration that cannot be checked is reported and does not end the audit.
// Errors are of type *problem.Error: the account cannot be read at all, nothing was reached,
// or the ledger or the event bus is unavailable. Repeating the audit is safe; events may then
// be published twice.
func (a *Auditor) Audit(ctx context.Context, publish Publish) (*Report, error) {
	entry, err := a.Ledger.Get(ctx, ledgerKey)
	if err != nil {
		return nil, ledgerUnavailable(err)
	}
	report, failure := a.check(ctx, entry.IntegrationID)
	if report == nil {
		return nil, failure
	}
	// The events come before the ledger: if they cannot be published, the repetition begins
	// where this audit began.
	if expiring := report.expiring(); publish != nil && len(expiring) > 0 {
		if err := publish(ctx, expiring); err != nil {
			return nil, notPublished(err)
		}
	}
	// An audit that reached nothing moves on, too, or what fails every time would keep all the
	// following ones from the rest.
	if err := a.remember(ctx, entry, report.Next); err != nil {
		return nil, err
	}
	if failure != nil {
		return nil, failure
	}
	report.bound()
	return report, nil
}

// check lists the integrations and checks them, beginning with the id next. If not one could be
// checked, it returns an error and the report.
func (a *Auditor) check(ctx context.Context, next string) (*Report, error) {
	ctx, cancel := context.WithTimeout(ctx, workTime(ctx))
	defer cancel()
	w := &walk{sendGrid: a.SendGrid, logger: a.Logger, now: time.Now()}
	integrations, err := w.integrations(ctx)
	if err != nil {
		return nil, translate(err)
	}
	return w.check(ctx, from(next, integrations))
}

// workTime returns how long an audit reads from SendGrid.
func workTime(ctx context.Context) time.Duration {
	deadline, ok := ctx.Deadline()
	if !ok {
		return invocation.WithoutDeadline
	}
	left := time.Until(deadline)
	return min(invocation.WithoutDeadline, left-invocation.Report.Of(left))
}

// from returns the integrations in the order of their ids, in a circle that begins with the
// first whose id is at least next.
func from(next string, integrations []sendgrid.Integration) []sendgrid.Integration {
	sorted := slices.Clone(integrations)
	slices.SortStableFunc(sorted, func(a, b sendgrid.Integration) int { return strings.Compare(a.ID, b.ID) })
	at, _ := slices.BinarySearchFunc(sorted, next, func(i sendgrid.Integration, id string) int { return strings.Compare(i.ID, id) })
	return slices.Concat(sorted[at:], sorted[:at])
}

// remember stores where the next audit begins. There is nothing to store if this one has
// reached everything: then any beginning will do. If two audits run at once, the one that
// stores first counts.
func (a *Auditor) remember(ctx context.Context, entry protocol.Entry, next string) error {
	if next == "" {
		return nil
	}
	entry.Key, entry.Revision, entry.Owner = ledgerKey, entry.Revision+1, rand.Text()
	entry.State, entry.IntegrationID, entry.Expires = protocol.Free, next, time.Now().Add(retention)
	if _, _, err := a.Ledger.Put(ctx, entry); err != nil {
		return ledgerUnavailable(err)
	}
	return nil
}
