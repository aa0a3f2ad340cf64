package audit_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"sendgrid-sso-integration/internal/audit"
	"sendgrid-sso-integration/internal/provision"
	"sendgrid-sso-integration/sendgrid"
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
		require.Equal(t, calls+1, len(w.sendGrid.Requests()), "the audits come later")
		require.Empty(t, w.bus.notices)
	})
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
