package audit

import (
	"cmp"
	"context"
	"errors"
	"maps"
	"slices"
	"strings"
	"time"

	"sendgrid-sso-integration/internal/invocation"
	"sendgrid-sso-integration/internal/problem"
	"sendgrid-sso-integration/internal/protocol"
	"sendgrid-sso-integration/internal/provision"
	"sendgrid-sso-integration/internal/retry"
	"sendgrid-sso-integration/sendgrid"
)

const (
	// spread is the time over which the messages of an audit arrive, so that it leaves SendGrid's rate
	// limit to requests.
	spread = 15 * time.Minute
	// listTries bounds how often a list of the account is read.
	listTries   = 3
	listTimeout = 8 * time.Second
	// maxFailures is how many connections in a row may fail before an audit without a queue ends: then
	// SendGrid has an outage.
	maxFailures = 10
	// maxWait is how long an audit without a queue waits for a request that works on a connection.
	maxWait = 2 * time.Second
)

// Start begins an audit: it sends a message for each connection or, without a queue, audits them as long
// as there is time. Errors are of type *problem.Error. Repeating it is safe; it is another audit.
func (a *Auditor) Start(ctx context.Context, publish Publish) (*Report, error) {
	report := &Report{Began: time.Now().UTC(), Connections: []Connection{}, Findings: []Finding{}}
	working, cancel := invocation.Report.Keep(ctx)
	defer cancel()
	integrations, err := repeated(working, a.SendGrid.ListIntegrations)
	if err != nil {
		return nil, err
	}
	tasks, err := a.tasks(working, integrations, report)
	if err != nil {
		return nil, err
	}
	report.Total = len(tasks)
	if a.Queue != nil {
		if err := a.send(working, tasks, report); err != nil {
			return nil, err
		}
	}
	a.auditTeammates(working, report) // Without a queue, the connections take all the time that there is.
	if a.Queue == nil {
		if err := a.auditAll(working, tasks, report, publish); err != nil {
			return nil, err
		}
	}
	if err := a.remember(ctx, report, publish); err != nil {
		return nil, err
	}
	report.bound()
	return report, nil
}

// repeated reads a list of the account, and repeats the read if it fails.
func repeated[T any](ctx context.Context, list func(context.Context) (T, error)) (T, error) {
	for try := 0; ; try++ {
		once, cancel := context.WithTimeout(ctx, listTimeout)
		all, err := list(once)
		cancel()
		if err == nil {
			return all, nil
		}
		class := sendgrid.ClassOf(err)
		if try == listTries-1 || !class.Repeatable() || !retry.Sleep(ctx, time.Second<<try) {
			return all, translate(err)
		}
	}
}

// tasks returns a task for each entity id that SendGrid lists or the ledger manages, in the order in
// which they were audited last. An integration without an entity id is a finding of the account.
func (a *Auditor) tasks(ctx context.Context, integrations []sendgrid.Integration, report *Report) ([]Task, error) {
	audited := map[string]time.Time{} // By entity id.
	for _, i := range integrations {
		if i.EntityID != "" {
			audited[i.EntityID] = time.Time{}
			continue
		}
		report.Findings = append(report.Findings, Finding{
			Code: provision.IntegrationIncomplete, IntegrationID: i.ID, Message: "An integration has no entity_id, so nobody can log in with it. Finish its setup in SendGrid's SSO settings, or delete it.",
		})
	}
	now := time.Now()
	for e, err := range a.Ledger.All(ctx) {
		if err != nil {
			return nil, ledgerUnavailable(err)
		}
		if !e.Expires.Before(now) && outcomeUnknown(e, now) {
			report.UnknownOutcomes++
		}
		if _, listed := audited[e.EntityID]; e.EntityID != "" && !e.Expires.Before(now) && (listed || e.Managed() || e.Deleting != "") {
			audited[e.EntityID] = e.Audited
		}
	}
	ids := slices.SortedFunc(maps.Keys(audited), func(x, y string) int {
		return cmp.Or(audited[x].Compare(audited[y]), strings.Compare(x, y))
	})
	tasks := make([]Task, len(ids))
	for at, id := range ids {
		tasks[at] = Task{EntityID: id, Began: report.Began}
	}
	return tasks, nil
}

// outcomeUnknown reports whether the outcome of a write that the entry records is unknown: its response was lost, or
// the process that sent it died.
func outcomeUnknown(e protocol.Entry, now time.Time) bool {
	announced := e.State == protocol.Creating || e.State == protocol.Adding || e.Deleting != "" && e.IntegrationID != ""
	return e.State == protocol.Unknown || announced && !e.Lease.After(now)
}

// send sends the tasks to the queue. The audits run after this one has ended.
func (a *Auditor) send(ctx context.Context, tasks []Task, report *Report) error {
	bodies := make([]string, len(tasks))
	for at, t := range tasks {
		bodies[at] = t.message()
	}
	if err := a.Queue.Send(ctx, bodies, spread); err != nil {
		return &problem.Error{
			Code: problem.EventQueueUnavailable, RetryAfter: retrySoon, Err: err,
			Message: "The event queue did not take the messages of the audit; check EVENT_QUEUE_URL and the function's role. The audit is repeated.",
		}
	}
	report.Queued = len(tasks)
	return nil
}

// auditAll audits one connection after another. Connections that time does not allow come first in the next
// audit, and those that failed come last, so that they do not delay the others.
func (a *Auditor) auditAll(ctx context.Context, tasks []Task, report *Report, publish Publish) error {
	var cause error // Of the last failure.
	inARow := 0
	for len(tasks) > 0 && inARow < maxFailures && hasTime(ctx) {
		c, err := a.connection(ctx, tasks[0], maxWait, concernsOne, publish)
		var e *problem.Error
		if errors.As(err, &e) && e.Code != problem.InProgress {
			cause = err
		}
		if e != nil && e.Code == problem.RateLimited { // It limits the others, too.
			if !retry.Sleep(ctx, e.RetryAfter) {
				break
			}
			continue
		}
		tasks = tasks[1:]
		switch {
		case c != nil && err != nil:
			inARow++
			report.Failed++
		case c != nil:
			inARow = 0
		case concernsAll(err):
			return ended(err)
		case err != nil:
			report.Unreached++
		}
		if c != nil {
			report.Connections = append(report.Connections, *c)
		}
	}
	report.Unreached += len(tasks)
	if cause != nil && len(report.Connections) == report.Failed {
		return noneAudited(cause)
	}
	return nil
}

func hasTime(ctx context.Context) bool {
	deadline, ok := ctx.Deadline()
	return !ok || time.Until(deadline) >= invocation.MinWrite
}

// concernsAll reports whether every other connection would fail in the same way. What the API key may not write
// concerns those that are to be written.
func concernsAll(err error) bool {
	var refused *sendgrid.Error
	if errors.As(err, &refused) && codeOf(err) == problem.SendGridForbidden && refused.Op.Writes() {
		return false
	}
	return slices.Contains([]problem.Code{
		problem.SendGridUnauthorized, problem.SendGridForbidden, problem.SecretUnavailable, problem.LedgerUnavailable, problem.EventBusUnavailable,
	}, codeOf(err))
}

// concernsOne reports whether a failure is about the connection itself: not one that all connections share, not
// that of a connection on which a request works, and not the end of the time.
func concernsOne(err error) bool {
	passes := slices.Contains([]problem.Code{problem.InProgress, problem.RateLimited, problem.DeadlineExceeded}, codeOf(err))
	return !passes && !concernsAll(err)
}

// codeOf returns the code of an error, none if there is no error.
func codeOf(err error) problem.Code {
	if err == nil {
		return ""
	}
	return problem.From(err).Code
}

// LedgerKey is the key of the audit's own entry. Those of connections are hashes.
const LedgerKey = "audit"

// retention is how long the ledger remembers the last audit.
const retention = 30 * 24 * time.Hour

// remember stores when the audit began, and what it found about the account, and publishes what is
// new there. If two audits run at once, the one that stores first counts.
func (a *Auditor) remember(ctx context.Context, report *Report, publish Publish) error {
	entry, err := a.Ledger.Get(ctx, LedgerKey)
	if err != nil {
		return ledgerUnavailable(err)
	}
	found := report.Findings
	if report.Teammates != nil && report.Teammates.Failure != "" {
		before := ofTeammates(entry.Findings)
		found = append(slices.Clone(found), before...)
		report.Findings = append(report.Findings, readable(before)...)
	}
	if fresh := newFindings(entry.Findings, found); publish != nil && len(fresh) > 0 {
		if err := publish(ctx, Notice{New: fresh}); err != nil {
			return notPublished(err)
		}
	}
	entry.Key, entry.Revision, entry.Owner = LedgerKey, entry.Revision+1, report.Began.Format(time.RFC3339Nano)
	entry.State, entry.IntegrationID, entry.Expires = protocol.Free, "", report.Began.Add(retention)
	entry.Audited, entry.Findings = report.Began, store(found, time.Time{}, maxStoredOfAccount)
	if _, _, err := a.Ledger.Put(ctx, entry); err != nil {
		return ledgerUnavailable(err)
	}
	return nil
}
