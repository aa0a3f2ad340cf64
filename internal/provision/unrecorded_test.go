package provision_test

import (
	"bytes"
	"errors"
	"log/slog"
	"testing"
	"testing/synctest"
	"time"

	"sendgrid-sso-integration/internal/problem"
	"sendgrid-sso-integration/internal/protocol"

	"github.com/stretchr/testify/require"

	"sendgrid-sso-integration/internal/provision"
	"sendgrid-sso-integration/sendgrid"
	"sendgrid-sso-integration/sendgrid/sendgridtest"
)

var errLedger = errors.New("marker: the table does not answer")

// The lease of an attempt ends at the latest when its invocation and the settling have.
const lease = invocation + provision.DefaultSettling

func (w *world) ledgerFails(step string) {
	w.t.Helper()
	w.ledger.failAt(step, errLedger)
	e := w.fails(problem.LedgerUnavailable, oktaRequest())
	require.ErrorIs(w.t, e, errLedger)
	require.NotContains(w.t, e.Public(), "marker")
	require.True(w.t, e.Retryable())
	require.Positive(w.t, e.RetryAfter)
}

func TestEnsureDoesNothingWithoutTheLedger(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.ledgerFails(stepTake)
		w.calls(0, 0, 0)
		w.ledger.failAt("", nil)
		w.released()
	})
}

func TestEnsureDoesNotWaitForALedgerThatHangs(t *testing.T) {
	t.Parallel()
	for _, step := range []string{stepTake, stepCreating} {
		t.Run(step, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t)
				w.ledger.hangAt(step)
				w.fails(problem.LedgerUnavailable, oktaRequest())
				w.creates(0, 0)
				w.ledger.failAt("", nil)
				w.released()
			})
		})
	}
}

func TestEnsureCreatesNothingThatTheLedgerDoesNotKnowOf(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.ledgerFails(stepCreating)
		w.calls(1, 0, 0)
		w.ledger.failAt("", nil)
		w.released()
	})
}

// A success that is not recorded is none: an older request could undo it. It is found once the
// lease has ended, and created once.
func TestEnsureSucceedsOnlyOnceThatIsRecorded(t *testing.T) {
	t.Parallel()
	for name, fail := range map[string]func(*spyLedger){
		"failing": func(s *spyLedger) { s.failAt(stepCompleted, errLedger) },
		"lost":    func(s *spyLedger) { s.failAt(stepCompleted, errLost) },
		"hanging": func(s *spyLedger) { s.hangAt(stepCompleted) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t)
				fail(w.ledger)
				begun := time.Now()
				e := w.fails(problem.LedgerUnavailable, oktaRequest())
				require.Equal(t, w.sendGrid.Integrations()[0].ID, e.IntegrationID)
				require.True(t, e.Retryable())
				w.ledger.failAt("", nil)
				_, err := w.ensureWithin(10*time.Second, oktaRequest())
				requireCode(t, problem.InProgress, err)

				w.pass(time.Until(begun.Add(lease)))
				require.Equal(t, e.IntegrationID, w.created(oktaRequest()).ID)
				w.unchanged(oktaRequest())
				w.creates(1, 1)
			})
		})
	}
}

func TestEnsureGuardsAnAmbiguousCreateThatItCannotRecord(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.ledger.failAt(stepUnknown, errLedger)
		w.lose(false)
		begun := time.Now()
		w.fails(problem.OutcomeUnknown, oktaRequest())
		entry, _ := w.ledger.state()
		require.Equal(t, protocol.Creating, entry.State)
		require.True(t, entry.Lease.Equal(begun.Add(lease)))

		w.ledger.failAt("", nil)
		w.fails(problem.InProgress, oktaRequest())
		w.creates(1, 0)
		w.pass(time.Until(begun.Add(lease)) - provision.DefaultSettling)
		w.recheck()
		w.created(oktaRequest())
		w.creates(2, 1)
	})
}

func TestEnsureReportsTheFailureThoughItCannotReleaseTheEntry(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.ledger.failAt(stepRelease, errLedger)
		w.sendGrid.Script(sendgridtest.Fault{Op: sendgrid.OpCreateIntegration, Status: 403})
		begun := time.Now()
		w.fails(problem.SendGridForbidden, oktaRequest())
		w.ledger.failAt("", nil)
		w.fails(problem.InProgress, oktaRequest())
		w.pass(time.Until(begun.Add(lease)) - provision.DefaultSettling)
		w.recheck()
		w.created(oktaRequest())
	})
}

func TestEnsureLogsWhatItCouldNotRecord(t *testing.T) {
	t.Parallel()
	for _, step := range []string{stepRelease, stepUnknown} {
		t.Run(step, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t)
				var log bytes.Buffer
				w.provisioner.Logger = slog.New(slog.NewTextHandler(&log, nil))
				w.ledger.failAt(step, errLedger)
				switch step {
				case stepRelease:
					w.sendGrid.Script(sendgridtest.Fault{Op: sendgrid.OpCreateIntegration, Status: 403})
				case stepUnknown:
					w.lose(false)
				}
				_, _ = w.ensure(oktaRequest())
				require.Contains(t, log.String(), "level=WARN")
				require.Contains(t, log.String(), entityID)
				require.Contains(t, log.String(), errLedger.Error())
				require.NotContains(t, log.String(), testKey)
			})
		})
	}
}
