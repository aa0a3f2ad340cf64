package status_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"sendgrid-sso-integration/internal/audit"
	"sendgrid-sso-integration/internal/protocol"
	"sendgrid-sso-integration/internal/request"
	"sendgrid-sso-integration/internal/status"
	"sendgrid-sso-integration/sendgrid"
)

const (
	day = 24 * time.Hour
	// limit is the time within which a report is complete.
	limit = 10 * time.Second
	// secretText is in the causes of errors, and in nothing that is published.
	secretText = "SG.secret-that-must-not-leak"
)

var errBroken = errors.New("broken: " + secretText)

// account is what a report is about. The zero value is an empty account in which nothing fails.
type account struct {
	checks       []status.Check
	integrations []sendgrid.Integration
	entries      []protocol.Entry
	list, scan   func(context.Context) error // How reading fails, if it does.
	people       *people                     // nil if teammates are off.
}

// people are the teammates of an account. wait, if not nil, is how reading them fails.
type people struct {
	listed  []sendgrid.Teammate
	pending []sendgrid.PendingTeammate
	wait    func(context.Context) error
}

func (p *people) ListTeammates(ctx context.Context) ([]sendgrid.Teammate, error) {
	if p.wait == nil {
		return p.listed, nil
	}
	return p.listed, p.wait(ctx)
}

func (p *people) ListPendingTeammates(context.Context) ([]sendgrid.PendingTeammate, error) {
	return p.pending, nil
}

func (a account) reporter() *status.Reporter {
	read := func(ctx context.Context, fails func(context.Context) error) error {
		if fails == nil {
			return nil
		}
		return fails(ctx)
	}
	reporter := &status.Reporter{
		Version: "1.2.3", Durable: true,
		Checks: func(context.Context) []status.Check { return a.checks },
		Integrations: func(ctx context.Context) ([]sendgrid.Integration, error) {
			return a.integrations, read(ctx, a.list)
		},
		Entries: func(ctx context.Context) iter.Seq2[protocol.Entry, error] {
			return func(yield func(protocol.Entry, error) bool) {
				for _, e := range a.entries {
					if !yield(e, nil) {
						return
					}
				}
				if err := read(ctx, a.scan); err != nil {
					yield(protocol.Entry{}, err)
				}
			}
		},
	}
	if a.people != nil {
		reporter.Teammates, reporter.BreakGlass = a.people, []string{"boss@example.com"}
	}
	return reporter
}

// report makes a report, which is in time and has no secret.
func (a account) report(t *testing.T) *status.Report {
	t.Helper()
	start := time.Now()
	r := a.reporter().Report(t.Context())
	require.LessOrEqual(t, time.Since(start), limit)
	text, err := json.Marshal(r)
	require.NoError(t, err)
	require.NotContains(t, string(text), secretText)
	ok := true
	for _, c := range r.Checks {
		require.NotEmpty(t, c.Name)
		require.NotEmpty(t, c.Message, c.Name)
		ok = ok && c.OK
	}
	require.Equal(t, ok, r.OK)
	return r
}

// check returns the result of a check that a report has.
func check(t *testing.T, r *status.Report, name string) status.Result {
	t.Helper()
	for _, c := range r.Checks {
		if c.Name == name {
			return c
		}
	}
	require.FailNow(t, "there is no such check", name)
	return status.Result{}
}

// run returns the result of one check by itself.
func run(t *testing.T, c status.Check) status.Result {
	t.Helper()
	return check(t, account{checks: []status.Check{c}}.report(t), c.Name)
}

// failing returns the names of the checks that are not ok.
func failing(r *status.Report) []string {
	names := []string{}
	for _, c := range r.Checks {
		if !c.OK {
			names = append(names, c.Name)
		}
	}
	return names
}

// fails returns a way to fail at once.
func fails(err error) func(context.Context) error {
	return func(context.Context) error { return err }
}

// deafness is how long what is deaf goes on.
const deafness = time.Minute

// hangs waits until it is told to end, and deaf does not listen to that.
func hangs(ctx context.Context) error {
	<-ctx.Done()
	return fmt.Errorf("%w: %s", ctx.Err(), secretText)
}

func deaf(context.Context) error {
	time.Sleep(deafness)
	return errBroken
}

// entry returns the entry of a connection. change, if not nil, changes it.
func entry(entityID string, change func(*protocol.Entry)) protocol.Entry {
	e := protocol.Entry{
		Key: "key of " + entityID, EntityID: entityID, IntegrationID: "id of " + entityID, State: protocol.Completed, Expires: time.Now().Add(day),
	}
	if change != nil {
		change(&e)
	}
	return e
}

// managed returns the entry of a connection whose request was kept a month ago.
func managed(entityID string, change func(*protocol.Entry)) protocol.Entry {
	e := entry(entityID, nil)
	e.Kept = kept(entityID, time.Now().Add(-30*day))
	if change != nil {
		change(&e)
	}
	return e
}

func kept(entityID string, at time.Time) string {
	return request.Kept{Name: "Kept " + entityID, Enabled: true, EntityID: entityID, At: at}.String()
}

// own returns the entry of the audits, of which the last one began at a time.
func own(began time.Time) protocol.Entry {
	return protocol.Entry{Key: audit.LedgerKey, Audited: began, Expires: began.Add(30 * day)}
}

// stored returns what an audit leaves in an entry: findings, and when the last certificate expires, if that is
// known.
func stored(last time.Time, codes ...string) string {
	findings := []any{}
	for _, code := range codes {
		findings = append(findings, map[string]string{"code": code, "message": "About " + code, "identity": code})
	}
	record := map[string]any{"findings": findings}
	if !last.IsZero() {
		record["last"] = last
	}
	return request.Text(record)
}

// integration returns an integration as SendGrid lists it.
func integration(id, entityID string) sendgrid.Integration {
	return sendgrid.Integration{ID: id, EntityID: entityID, Name: "Listed " + id, Enabled: true}
}
