package audit_test

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"sendgrid-sso-integration/internal/audit"
	"sendgrid-sso-integration/internal/problem"
	"sendgrid-sso-integration/internal/provision"
	"sendgrid-sso-integration/sendgrid"
	"sendgrid-sso-integration/sendgrid/sendgridtest"
)

// An audit ends in time, reports what it did not reach, and the next day begins there. It is
// paced, so SendGrid refuses no call.
func TestRotation(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		integrations, limit int
		window              time.Duration
		days                int
	}{
		"none":                                {0, 100, 10 * time.Second, 1},
		"one":                                 {1, 2, time.Minute, 1},
		"500 without a limit in the way":      {500, 10_000, time.Minute, 1},
		"500 in two days":                     {500, 100, 10 * time.Second, 2},
		"500 with a window of a minute":       {500, 200, time.Minute, 3},
		"100 with a limit too small to share": {100, 5, 10 * time.Second, 7},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t)
				w.addMany(tt.integrations, 365*day)
				w.sendGrid.SetRateLimit(tt.limit, tt.window)
				reached, next := map[string]bool{}, ""
				for today := 1; today <= tt.days; today++ {
					before := len(w.sendGrid.Requests())
					report := w.succeeds()
					ids := w.listed(before)
					require.Equal(t, tt.integrations, report.Summary.Total)
					require.Len(t, ids, report.Summary.Audited)
					require.Len(t, report.Unreached, report.Summary.Unreached)
					require.True(t, next == "" || ids[0] == next, "the audit begins where the last one ended")
					require.False(t, slices.ContainsFunc(report.Unreached, func(id string) bool { return slices.Contains(ids, id) }))
					next = report.Next
					require.Equal(t, next == "", report.Summary.Unreached == 0)
					for _, id := range ids {
						reached[id] = true
					}
					require.Equal(t, today == tt.days, len(reached) == tt.integrations, "day %d: %d", today, len(reached))
					time.Sleep(day)
				}
				for _, r := range w.sendGrid.Requests() {
					require.Equal(t, http.StatusOK, r.Status)
				}
			})
		})
	}
}

// Whatever is created or deleted meanwhile, what stays is reached within one round.
func TestRotationWhileIntegrationsChange(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.addMany(200, 365*day)
		w.sendGrid.SetRateLimit(20, time.Minute)
		stays := map[string]bool{}
		for _, i := range w.sendGrid.Integrations() {
			stays[i.ID] = true
		}
		for range 14 { // 18 calls a day, and at most 242 integrations.
			before := len(w.sendGrid.Requests())
			report := w.succeeds()
			for _, id := range w.listed(before) {
				delete(stays, id)
			}
			require.True(t, w.sendGrid.Delete(report.Next), "the very one with which the next audit would begin")
			delete(stays, report.Next)
			w.addMany(3, 365*day)
			time.Sleep(day)
		}
		require.Empty(t, slices.Collect(maps.Keys(stays)))
	})
}

func TestFindings(t *testing.T) {
	t.Parallel()
	days := func(n int) *int { return &n }
	type found = []provision.WarningCode
	for name, tt := range map[string]struct {
		set      func(w *world)
		daysLeft *int
		found    found
		summary  audit.Summary // without Total and Audited
	}{
		"in order": {func(w *world) { w.add("a", -day, 365*day) }, days(365), nil, audit.Summary{DaysLeft: days(365)}},
		"30 days":  {func(w *world) { w.add("a", 30*day) }, days(30), nil, audit.Summary{DaysLeft: days(30)}},
		"soon": {func(w *world) { w.add("a", 30*day-time.Second, 3*day) }, days(29), found{provision.CertificateExpiresSoon},
			audit.Summary{DaysLeft: days(29), Expiring: 1}},
		"the last day": {func(w *world) { w.add("a", time.Hour) }, days(0), found{provision.CertificateExpiresSoon}, audit.Summary{DaysLeft: days(0), Expiring: 1}},
		"expired":      {func(w *world) { w.add("a", -time.Hour, -9*day) }, days(-1), found{audit.CertificatesExpired}, audit.Summary{DaysLeft: days(-1), Expiring: 1}},
		"none":         {func(w *world) { w.add("a") }, nil, found{provision.NoCertificate}, audit.Summary{WithoutCertificate: 1}},
		"disabled": {func(w *world) {
			w.sendGrid.Edit(w.add("a", 3*day).ID, func(i *sendgrid.Integration) { i.Enabled = false })
		}, days(3), found{provision.IntegrationDisabled, provision.CertificateExpiresSoon}, audit.Summary{Disabled: 1, Expiring: 1}},
		"half configured": {func(w *world) { w.sendGrid.Add(sendgrid.IntegrationRequest{Name: "begun", Enabled: true}) },
			nil, found{provision.IntegrationIncomplete, provision.NoCertificate}, audit.Summary{WithoutCertificate: 1}},
		"not completed": {func(w *world) {
			w.sendGrid.Edit(w.add("a", 90*day).ID, func(i *sendgrid.Integration) { i.CompletedIntegration = new(bool) })
		}, days(90), found{provision.IntegrationIncomplete}, audit.Summary{DaysLeft: days(90)}},
		"no certificate is readable": {func(w *world) { w.certificate(w.add("a").ID, "?") },
			nil, found{audit.CertificateUnreadable}, audit.Summary{}},
		"only the dates are readable": {func(w *world) {
			w.add("a", 3*day)
			w.sendGrid.SetCertificateForm(func(string) string { return "?" })
		}, days(3), found{provision.CertificateExpiresSoon, audit.CertificateUnreadable}, audit.Summary{DaysLeft: days(3), Expiring: 1}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t)
				tt.set(w)
				report := w.succeeds()
				require.Len(t, report.Integrations, 1)
				i := report.Integrations[0]
				require.Equal(t, tt.daysLeft, i.DaysLeft)
				require.Equal(t, tt.found, codes(i))
				tt.summary.Total, tt.summary.Audited = 1, 1
				require.Equal(t, tt.summary, report.Summary)
				require.Len(t, w.bus.published, tt.summary.Expiring)
				require.Zero(t, w.ledger.puts, "everything was reached")
			})
		})
	}
}

// The report has what an operator needs, the most urgent first, and is JSON without null.
func TestReport(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.add("none")
		w.add("later", 20*day)
		soon := w.add("soon", 90*time.Minute, -day)
		report := w.succeeds()
		require.Equal(t, []string{"soon", "later", "none"}, names(report))
		require.Equal(t, []string{"later", "soon"}, slices.Sorted(slices.Values(namesOf(w.bus.published))))
		i := report.Integrations[0]
		require.Equal(t, soon.ID, i.ID)
		require.Equal(t, "urn:idp:soon", i.EntityID)
		require.True(t, i.Enabled)
		require.Len(t, i.Certificates, 2)
		require.Len(t, i.Certificates[0].SHA256, 64)
		require.Equal(t, time.Now().Add(90*time.Minute).UTC(), i.Certificates[0].NotAfter)
		require.Equal(t, "66138976", i.Certificates[0].ID)
		text, err := json.Marshal(report)
		require.NoError(t, err)
		require.NotContains(t, string(text), "null")
		require.NotContains(t, string(text), "BEGIN CERTIFICATE")
	})
}

func names(r *audit.Report) []string { return namesOf(r.Integrations) }

func namesOf(integrations []audit.Integration) (names []string) {
	for _, i := range integrations {
		names = append(names, i.Name)
	}
	return names
}

// One integration that cannot be read is reported, and the others are audited.
func TestOneIntegrationFails(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		fault   sendgridtest.Fault
		message string
	}{
		"500":                   {sendgridtest.Fault{Status: 500}, "SendGrid answered with status 500 when asked to list the certificates."},
		"deleted meanwhile":     {sendgridtest.Fault{Status: 404}, "status 404"},
		"not JSON":              {sendgridtest.Fault{Status: 200, Body: "<html>"}, "status 200"},
		"the connection breaks": {sendgridtest.Fault{Drop: true, Times: 2}, "SendGrid could not be reached."}, // The transport repeats a read.
		"no answer":             {sendgridtest.Fault{Delay: time.Minute}, "SendGrid did not answer in time."},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t)
				w.addMany(5, 365*day)
				tt.fault.Op, tt.fault.Skip = sendgrid.OpListCertificates, 2
				w.sendGrid.Script(tt.fault)
				report := w.succeeds()
				require.Equal(t, 4, report.Summary.Audited)
				require.Equal(t, 1, report.Summary.Failed)
				last := report.Integrations[4]
				require.Equal(t, []provision.WarningCode{audit.CertificatesUnknown}, codes(last))
				require.Contains(t, last.Findings[0].Message, tt.message)
				require.Empty(t, report.Next)
			})
		})
	}
}

// In an outage the audit ends, and the next one begins after the integrations that failed.
func TestOutage(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct{ integrations, unreached int }{
		"in the middle": {50, 35}, "at the end": {15, 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t)
				w.addMany(tt.integrations, 365*day)
				w.sendGrid.Script(sendgridtest.Fault{Op: sendgrid.OpListCertificates, Status: 503, Skip: 5, Times: -1})
				report := w.succeeds()
				require.Equal(t, audit.Summary{Total: tt.integrations, Audited: 5, Failed: 10, Unreached: tt.unreached, DaysLeft: report.Summary.DaysLeft}, report.Summary)
				require.Equal(t, 15, w.sendGrid.Count(sendgrid.OpListCertificates))
				require.NotContains(t, w.listed(0), report.Next)
			})
		})
	}
}

// Integrations that fail all the time do not keep the audit from the others: it fails, and its
// repetition begins after them.
func TestNothingReached(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		fault         sendgridtest.Fault
		failed, after int // after is where the next audit begins
	}{
		"an error":  {sendgridtest.Fault{Status: 500, Times: 10}, 10, 10},
		"no answer": {sendgridtest.Fault{Delay: time.Minute, Times: 5}, 5, 4}, // The last one is interrupted.
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t)
				w.addMany(12, 3*day)
				tt.fault.Op = sendgrid.OpListCertificates
				w.sendGrid.Script(tt.fault)
				require.True(t, w.fails().Retryable())
				require.Empty(t, w.bus.published)
				first := w.listed(0)
				require.Len(t, first, tt.failed)

				w.sendGrid.ClearFaults()
				require.Equal(t, 12, w.succeeds().Summary.Audited)
				second := w.listed(0)[tt.failed:]
				require.Equal(t, first[:tt.after], second[12-tt.after:], "they come last")
			})
		})
	}
}

// A failure of the audit has the code of what is wrong, and whether a retry helps.
func TestFailures(t *testing.T) {
	t.Parallel()
	fault := func(op sendgrid.Op, f sendgridtest.Fault) func(*world) {
		f.Op, f.Times = op, -1
		return func(w *world) { w.sendGrid.Script(f) }
	}
	for name, tt := range map[string]struct {
		set   func(w *world)
		code  problem.Code
		retry bool
		calls int // lists of certificates
	}{
		"the key is refused":        {fault(sendgrid.OpListIntegrations, sendgridtest.Fault{Status: 401}), problem.SendGridUnauthorized, false, 0},
		"no scope":                  {fault(sendgrid.OpListCertificates, sendgridtest.Fault{Status: 403}), problem.SendGridForbidden, false, 1},
		"no key":                    {func(w *world) { w.keys.err = errBroken }, problem.SecretUnavailable, true, 0},
		"the list fails":            {fault(sendgrid.OpListIntegrations, sendgridtest.Fault{Status: 503}), problem.SendGridUnavailable, true, 0},
		"every integration fails":   {fault(sendgrid.OpListCertificates, sendgridtest.Fault{Status: 503}), problem.SendGridUnavailable, true, 3},
		"nothing answers":           {fault(sendgrid.OpListCertificates, sendgridtest.Fault{Delay: time.Minute}), problem.DeadlineExceeded, true, 3},
		"the rate limit is used up": {fault(sendgrid.OpListCertificates, limited(time.Minute)), problem.RateLimited, true, 1},
		"the ledger is not read":    {func(w *world) { w.ledger.reads = errBroken }, problem.LedgerUnavailable, true, 0},
		"the ledger is not written": {func(w *world) {
			w.ledger.writes = errBroken
			w.sendGrid.SetRateLimit(2, time.Minute)
		}, problem.LedgerUnavailable, true, 2},
		"the event bus fails": {func(w *world) { w.bus.err = errBroken }, problem.EventBusUnavailable, true, 3},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t)
				w.addMany(3, 3*day)
				tt.set(w)
				failure := w.fails()
				require.Equal(t, tt.code, failure.Code)
				require.Equal(t, tt.retry, failure.Retryable())
				require.Equal(t, tt.calls, w.sendGrid.Count(sendgrid.OpListCertificates))
				require.NotContains(t, failure.Public(), "broken", "the cause is for the log")
			})
		})
	}
}

// limited is a refusal by the rate limit; a reset of 0 is not reported.
func limited(reset time.Duration) sendgridtest.Fault {
	header := ""
	if reset != 0 {
		// Bubbles begin at the same time.
		header = fmt.Sprint(time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC).Add(reset).Unix())
	}
	return sendgridtest.Fault{Status: 429, Header: map[string]string{"X-RateLimit-Reset": header}}
}

// If events could not be published, the repetition begins where the failed audit began, so
// that no integration is passed over.
func TestRepetitionAfterAFailedPublish(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.addMany(4, 3*day)
		w.sendGrid.SetRateLimit(2, time.Minute)
		w.bus.err = errBroken
		require.Equal(t, problem.EventBusUnavailable, w.fails().Code)
		w.bus.err = nil
		time.Sleep(time.Minute)
		w.succeeds()
		ids := w.listed(0)
		require.Equal(t, ids[:2], ids[2:])
		require.Len(t, w.bus.published, 2)
	})
}

// A call that the rate limit refuses is made again once it resets.
func TestRefusedByTheRateLimit(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct{ reset, takes time.Duration }{
		"reset is reported":     {7 * time.Second, 7 * time.Second},
		"reset is in the past":  {-time.Minute, 10 * time.Second},
		"reset is not reported": {0, 10 * time.Second},
	} {
		for _, op := range []sendgrid.Op{sendgrid.OpListIntegrations, sendgrid.OpListCertificates} {
			t.Run(name+": "+string(op), func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) {
					w := newWorld(t)
					w.addMany(3, 365*day)
					refusal := limited(tt.reset)
					refusal.Op = op
					w.sendGrid.Script(refusal)
					start := time.Now()
					require.Equal(t, 3, w.succeeds().Summary.Audited)
					require.Equal(t, tt.takes, time.Since(start))
				})
			})
		}
	}
}

// list is an account with integrations as large as the client passes them on, each with many
// certificates.
type list []sendgrid.Integration

func (l list) ListIntegrations(context.Context) ([]sendgrid.Integration, error) { return l, nil }

func (l list) ListCertificates(context.Context, string) ([]sendgrid.Certificate, error) {
	return slices.Repeat([]sendgrid.Certificate{{ID: strings.Repeat("<", 256), PublicCertificate: "?", NotAfter: 1}}, 50), nil
}

// The report fits into what Lambda returns, however large the fields are.
func TestReportIsBounded(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var all list
		for n := range 500 {
			all = append(all, sendgrid.Integration{ID: fmt.Sprintf("%0256d", n), Name: strings.Repeat("<", 4096), EntityID: strings.Repeat("é", 2048)})
		}
		w := newWorld(t)
		w.SendGrid = all
		report := w.succeeds()
		text, err := json.Marshal(report)
		require.NoError(t, err)
		require.Less(t, len(text), 6_000_000)
		require.Positive(t, report.Omitted)
		require.Equal(t, 500, len(report.Integrations)+report.Omitted)
		require.Len(t, w.bus.published, 500)
		for _, i := range w.bus.published {
			require.LessOrEqual(t, len(i.Name), 256)
			require.LessOrEqual(t, len(i.EntityID), 1024)
			require.Len(t, i.Certificates, 10)
		}
	})
}
