package audit_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"sendgrid-sso-integration/internal/audit"
	"sendgrid-sso-integration/internal/problem"
	"sendgrid-sso-integration/internal/protocol"
	"sendgrid-sso-integration/internal/provision"
	"sendgrid-sso-integration/sendgrid"
	"sendgrid-sso-integration/sendgrid/sendgridtest"
)

// queue collects what is sent, or fails.
type queue struct {
	err    error
	bodies []string
	spread time.Duration
}

func (q *queue) Send(_ context.Context, bodies []string, spread time.Duration) error {
	q.bodies, q.spread = append(q.bodies, bodies...), spread
	return q.err
}

// tasks returns the entity ids of the tasks in the queue, which the function reads.
func (q *queue) tasks(t *testing.T, began time.Time) (ids []string) {
	t.Helper()
	for _, body := range q.bodies {
		task, ok := audit.ParseTask([]byte(body))
		require.True(t, ok, body)
		require.True(t, task.Began.Equal(began))
		ids = append(ids, task.EntityID)
	}
	return ids
}

// addMany adds integrations, whose entity ids are urn:idp:1 and so on, each with the same certificate.
func (w *world) addMany(count int) {
	der := certificate(365 * day)
	for n := range count {
		w.certify(w.add(fmt.Sprint("urn:idp:", n+1)), der)
	}
}

// Each connection has one message: each entity id that SendGrid lists, once, and each that is managed.
func TestStartWithAQueue(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w, q := newWorld(t), &queue{}
		w.Queue = q
		w.sendGrid.Delete(w.manage(byHand("urn:gone")))
		w.manage(byHand("urn:managed"))
		w.add("urn:twice")
		w.add("urn:twice")
		forgotten := w.add("urn:forgotten") // It has an entry, is not managed and not there any more.
		_, err := w.connection("urn:forgotten", false)
		require.NoError(t, err)
		w.sendGrid.Delete(forgotten)
		w.add("\u2028<é>")
		w.bus.notices = nil
		calls := len(w.sendGrid.Requests())
		report := w.started()
		require.ElementsMatch(t, []string{"urn:gone", "urn:managed", "urn:twice", "\u2028<é>"}, q.tasks(t, report.Began))
		require.Equal(t, 15*time.Minute, q.spread)
		require.Equal(t, &audit.Report{Began: report.Began, Total: 4, Queued: 4, Connections: []audit.Connection{}, Findings: []audit.Finding{}}, report)
		require.Len(t, w.sendGrid.Requests(), calls+1, "the audits come later")
		require.Empty(t, w.bus.notices)
	})
}

// An outcome that nobody knows is counted until it is known: that of an entry whose write got no response, or whose
// process died. An entry that expired, or on which a request is working, does not count.
func TestUnknownOutcomesAreCounted(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		entry protocol.Entry
		want  int
	}{
		"create lost":        {protocol.Entry{State: protocol.Unknown}, 1},
		"it settles":         {protocol.Entry{State: protocol.Unknown, Lease: time.Now().AddDate(100, 0, 0)}, 1},
		"died creating":      {protocol.Entry{State: protocol.Creating, Owner: "another"}, 1},
		"died adding":        {protocol.Entry{State: protocol.Adding, Owner: "another", IntegrationID: "1"}, 1},
		"is creating":        {protocol.Entry{State: protocol.Creating, Owner: "another", Lease: time.Now().AddDate(100, 0, 0)}, 0},
		"died deleting":      {protocol.Entry{State: protocol.Completed, IntegrationID: "1", Deleting: "1"}, 1},
		"deleted, not told":  {protocol.Entry{State: protocol.Completed, Deleting: "1"}, 0},
		"steps left":         {protocol.Entry{State: protocol.Pending, IntegrationID: "1"}, 0},
		"completed":          {protocol.Entry{State: protocol.Completed, IntegrationID: "1"}, 0},
		"expired long since": {protocol.Entry{State: protocol.Unknown, Expires: time.Unix(1, 0)}, 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t)
				w.Queue = &queue{}
				tt.entry.Key, tt.entry.EntityID, tt.entry.Revision = "some key", "urn:lost", 1
				if tt.entry.Expires.IsZero() {
					tt.entry.Expires = time.Now().Add(day)
				}
				_, stored, err := w.ledger.Put(t.Context(), tt.entry)
				require.NoError(t, err)
				require.True(t, stored)
				require.Equal(t, tt.want, w.started().UnknownOutcomes)
			})
		})
	}
}

// What is wrong with the account is found once, and the ledger has it with the time of the audit.
func TestFindingsOfTheAccount(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.Queue = &queue{}
		begun := w.sendGrid.Add(sendgrid.IntegrationRequest{Name: "begun", Enabled: true})
		for today := range 3 {
			report := w.started()
			require.Equal(t, found{provision.IntegrationIncomplete}, codes(report.Findings))
			require.Equal(t, begun.ID, report.Findings[0].IntegrationID)
			require.Zero(t, report.Total)
			require.Equal(t, today == 0, len(w.bus.news()) == 1)
			own, err := w.ledger.Get(t.Context(), audit.LedgerKey)
			require.NoError(t, err)
			require.True(t, own.Audited.Equal(report.Began))
			require.Equal(t, begun.ID, audit.Stored(own.Findings)[0].IntegrationID)
			require.False(t, own.Managed())
			require.Greater(t, own.Expires, time.Now().Add(29*day))
			time.Sleep(day)
		}
		w.sendGrid.Delete(begun.ID)
		require.Empty(t, w.started().Findings)
		_, err := w.Start(t.Context(), nil)
		require.NoError(t, err)
	})
}

// Without a queue, connections are audited one after another. What the time does not suffice for comes
// first in the next audit, and so does what is new.
func TestStartWithoutAQueue(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		connections, limit int
		window             time.Duration
		days               int
	}{
		"none":                           {0, 100, 10 * time.Second, 1},
		"one":                            {1, 100, time.Minute, 1},
		"150 without a limit in the way": {150, 10_000, time.Minute, 1},
		"170 in two days":                {170, 40, 10 * time.Second, 2},
		"100 with a window of a minute":  {100, 30, time.Minute, 4},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t)
				w.addMany(tt.connections)
				w.sendGrid.SetRateLimit(tt.limit, tt.window)
				reached, total, audited := map[string]bool{}, tt.connections, 0
				for today := range tt.days {
					if today == 1 {
						w.add("urn:another", 365*day)
						total++
					}
					report := w.started()
					require.Equal(t, []int{total, 0}, []int{report.Total, report.Failed})
					require.Len(t, report.Connections, total-report.Unreached)
					left := total - len(reached)
					audited += len(report.Connections)
					for _, id := range entities(report) {
						reached[id] = true
					}
					require.Len(t, reached, total-max(0, left-len(report.Connections)), "the others come first")
					require.Equal(t, today+1 == tt.days, len(reached) == total, "day %d: %d", today, len(reached))
					time.Sleep(day)
				}
				require.LessOrEqual(t, w.sendGrid.Count(sendgrid.OpListCertificates), audited+tt.days, "the limit is waited for")
			})
		})
	}
}

// A connection on which a request is working does not keep the audit from the others.
func TestStartLeavesOutWhatIsInProgress(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.addMany(3)
		require.NoError(t, w.request(byHand("urn:changing")))
		w.lease()
		start := time.Now()
		report := w.started()
		require.Less(t, time.Since(start), 4*time.Second)
		require.Equal(t, []string{"urn:idp:2", "urn:idp:3"}, entities(report))
		require.Equal(t, 2, report.Unreached)
		require.Zero(t, report.Failed)
	})
}

func entities(r *audit.Report) (ids []string) {
	for _, c := range r.Connections {
		ids = append(ids, c.EntityID)
	}
	slices.Sort(ids)
	return ids
}

// A connection that cannot be read is reported and stored, and the others are audited.
func TestOneConnectionFails(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		fault   sendgridtest.Fault
		message string
	}{
		"500":                 {sendgridtest.Fault{Status: 500, Times: 4}, "SendGrid responded with status 500"},
		"deleted meanwhile":   {sendgridtest.Fault{Status: 404}, "status 404"},
		"not JSON":            {sendgridtest.Fault{Status: 200, Body: "<html>", Times: 4}, "response could not be read"},
		"no response in time": {sendgridtest.Fault{Delay: time.Minute, Times: 3}, "did not respond in time"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t)
				w.addMany(5)
				tt.fault.Op = sendgrid.OpListCertificates
				w.sendGrid.Script(tt.fault)
				report := w.started()
				require.Equal(t, 1, report.Failed)
				require.Len(t, report.Connections, 5)
				last := report.Connections[4]
				require.Equal(t, entity, last.EntityID)
				require.Equal(t, found{audit.CertificatesUnknown}, codes(last.Findings))
				require.Contains(t, last.Findings[0].Message, tt.message)
				require.NotContains(t, last.Findings[0].Message, "Send the request", "there is none")
				require.Equal(t, found{audit.CertificatesUnknown}, w.stored())
				require.Contains(t, w.log.String(), entity)
			})
		})
	}
}

// What the API key may not write is a finding about the connection that is to be written. The others are audited,
// today and later.
func TestAWriteThatIsRefusedConcernsOneConnection(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		set   func(*world)
		scope string
	}{
		"a deletion": {func(w *world) { ended(w, nil); time.Sleep(twoWeeks) }, sendgrid.ScopeDelete},
		"a renewal":  {func(w *world) { w.manage(byURL()); w.idp.SigninURL += "/2" }, sendgrid.ScopeUpdate},
		"a certificate": {func(w *world) {
			w.manage(byURL())
			w.idp.Certificates = append(w.idp.Certificates, certificate(700*day))
		}, sendgrid.ScopeCreate},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t)
				tt.set(w)
				for _, other := range []string{"urn:idp:0", "urn:idp:2", "urn:idp:3"} {
					w.add(other, 90*day)
				}
				all := []string{sendgrid.ScopeRead, sendgrid.ScopeCreate, sendgrid.ScopeUpdate, sendgrid.ScopeDelete}
				w.sendGrid.SetScopes("SG.key", slices.DeleteFunc(all, func(scope string) bool { return scope == tt.scope })...)
				for range 3 {
					report := w.started()
					require.Equal(t, []int{4, 4, 1, 0}, []int{report.Total, len(report.Connections), report.Failed, report.Unreached})
					at := slices.IndexFunc(report.Connections, func(c audit.Connection) bool { return c.EntityID == entity })
					require.Equal(t, found{audit.CertificatesUnknown}, codes(report.Connections[at].Findings))
					require.Contains(t, report.Connections[at].Findings[0].Message, tt.scope)
					time.Sleep(day)
				}
			})
		})
	}
}

// listed returns the ids of the integrations whose certificates were listed, in this order.
func (w *world) listed() (ids []string) {
	for _, r := range w.sendGrid.Requests() {
		if r.Op == sendgrid.OpListCertificates {
			id, _, _ := strings.Cut(strings.TrimPrefix(r.Path, "/v3/sso/integrations/"), "/")
			ids = append(ids, id)
		}
	}
	return ids
}

// In an outage the audit ends. What failed comes last in the next one, so that it keeps no audit from the
// others.
func TestOutage(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct{ connections, audited, failed, unreached int }{
		"in the middle":      {30, 5, 10, 15},
		"at the end":         {12, 5, 7, 0},
		"from the beginning": {30, 0, 10, 20},
		"of everything":      {3, 0, 3, 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t)
				w.addMany(tt.connections)
				w.sendGrid.Script(sendgridtest.Fault{Op: sendgrid.OpListCertificates, Status: 404, Skip: tt.audited, Times: -1})
				report, err := w.start()
				require.Equal(t, tt.audited+tt.failed, w.sendGrid.Count(sendgrid.OpListCertificates))
				if tt.audited > 0 {
					require.NoError(t, err)
					require.Equal(t, []int{tt.connections, tt.audited + tt.failed, tt.failed, tt.unreached}, []int{report.Total, len(report.Connections), report.Failed, report.Unreached})
				} else {
					var failure *problem.Error
					require.ErrorAs(t, err, &failure)
					require.Equal(t, problem.SendGridUnavailable, failure.Code)
					require.True(t, failure.Retryable())
					require.Contains(t, failure.Message, "No connection could be audited. SendGrid responded with status 404")
				}
				first := w.listed()
				time.Sleep(day)
				w.sendGrid.ClearFaults()
				require.Len(t, w.started().Connections, tt.connections)
				for _, id := range w.listed()[len(first):][:tt.unreached] {
					require.NotContains(t, first, id)
				}
			})
		})
	}
}

// The failure of an audit has the code of what is wrong, and whether a retry helps.
func TestFailuresOfTheWhole(t *testing.T) {
	t.Parallel()
	fault := func(op sendgrid.Op, f sendgridtest.Fault) func(*world) {
		f.Op, f.Times = op, -1
		return func(w *world) { w.sendGrid.Script(f) }
	}
	reset := time.Date(2000, 1, 1, 0, 10, 0, 0, time.UTC).Unix() // Bubbles begin at the same time.
	for name, tt := range map[string]struct {
		set   func(w *world)
		code  problem.Code
		retry bool
		calls int // Lists of certificates.
	}{
		"the key is refused": {fault(sendgrid.OpListIntegrations, sendgridtest.Fault{Status: 401}), problem.SendGridUnauthorized, false, 0},
		"no scope":           {fault(sendgrid.OpListCertificates, sendgridtest.Fault{Status: 403}), problem.SendGridForbidden, false, 1},
		"no key": {func(w *world) {
			w.keys.OnKey = func(context.Context) (string, string, error) { return "", "", errBroken }
		}, problem.SecretUnavailable, true, 0},
		"the list fails":            {fault(sendgrid.OpListIntegrations, sendgridtest.Fault{Status: 503}), problem.SendGridUnavailable, true, 0},
		"nothing responds":          {fault(sendgrid.OpListIntegrations, sendgridtest.Fault{Delay: time.Minute}), problem.DeadlineExceeded, true, 0},
		"the rate limit is used up": {fault(sendgrid.OpListCertificates, sendgridtest.Fault{Status: 429, Header: map[string]string{"X-RateLimit-Reset": fmt.Sprint(reset)}}), problem.RateLimited, true, 1},
		"the ledger is not read":    {func(w *world) { w.ledger.reads = errBroken }, problem.LedgerUnavailable, true, 0},
		"the ledger is not written": {func(w *world) { w.ledger.writes = errBroken }, problem.LedgerUnavailable, true, 0},
		"the ledger is not listed":  {func(w *world) { w.ledger.lists = errBroken }, problem.LedgerUnavailable, true, 0},
		"the event bus fails":       {func(w *world) { w.add("urn:idp:0"); w.bus.err = errBroken }, problem.EventBusUnavailable, true, 1},
		"the queue fails":           {func(w *world) { w.Queue = &queue{err: errBroken} }, problem.EventQueueUnavailable, true, 0},
		"only the account cannot be published": {func(w *world) {
			w.Queue, w.bus.err = &queue{}, errBroken
			w.sendGrid.Add(sendgrid.IntegrationRequest{Name: "begun"})
		}, problem.EventBusUnavailable, true, 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t)
				w.addMany(3)
				tt.set(w)
				report, err := w.start()
				require.Nil(t, report)
				var failure *problem.Error
				require.ErrorAs(t, err, &failure)
				require.Equal(t, tt.code, failure.Code, "%v", failure)
				require.Equal(t, tt.retry, failure.Retryable())
				require.Equal(t, tt.calls, w.sendGrid.Count(sendgrid.OpListCertificates))
				require.NotContains(t, failure.Public(), "broken", "the cause is for the log")
				require.NotContains(t, failure.Public(), "end the request", "there is none")
				own, err := w.ledger.Memory.Get(t.Context(), audit.LedgerKey)
				require.NoError(t, err)
				require.Zero(t, own.Audited, "it is no audit")
			})
		})
	}
}
