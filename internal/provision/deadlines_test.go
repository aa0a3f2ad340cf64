package provision_test

import (
	"context"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"sendgrid-sso-integration/internal/problem"
	"sendgrid-sso-integration/internal/protocol"
	"sendgrid-sso-integration/internal/provision"
	"sendgrid-sso-integration/sendgrid"
	"sendgrid-sso-integration/sendgrid/sendgridtest"
)

// lengths are invocations from the shortest in which a create is tried to Lambda's longest.
var lengths = []time.Duration{
	2 * time.Second, 3 * time.Second, 10 * time.Second, 28 * time.Second, time.Minute, 15 * time.Minute,
}

func TestEnsureCreatesNothingWithTooLittleTime(t *testing.T) {
	t.Parallel()
	for _, length := range []time.Duration{time.Millisecond, 500 * time.Millisecond, 1900 * time.Millisecond} {
		t.Run(length.String(), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t)
				_, err := w.ensureWithin(length, oktaRequest())
				e := requireCode(t, problem.DeadlineExceeded, err)
				require.Contains(t, e.Message, "The time ran out ")
				require.True(t, e.Retryable())
				w.creates(0, 0)
				w.released()
			})
		})
	}
}

func TestEnsureDoesNothingAfterItsDeadline(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		ctx, cancel := context.WithTimeout(t.Context(), -time.Second)
		defer cancel()
		_, err := w.provisioner.Ensure(ctx, oktaRequest(), provision.Delivery{})
		require.Error(t, err)
		w.calls(0, 0, 0)
	})
}

// The time for one request is bounded where the caller sets no bound.
func TestEnsureBoundsItself(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.sendGrid.Script(sendgridtest.Fault{Delay: forever, Times: -1})
		start := time.Now()
		_, err := w.provisioner.Ensure(t.Context(), oktaRequest(), provision.Delivery{})
		requireCode(t, problem.SendGridUnavailable, err)
		require.Less(t, time.Since(start), 25*time.Second)
	})
}

func TestEnsureReturnsInTimeThoughAReadHangs(t *testing.T) {
	t.Parallel()
	for _, length := range lengths {
		t.Run(length.String(), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t)
				w.sendGrid.Script(sendgridtest.Fault{Op: sendgrid.OpListIntegrations, Delay: forever, Times: -1})
				_, err := w.ensureWithin(length, oktaRequest())
				code, message := problem.DeadlineExceeded, "The time ran out while SendGrid was asked to list the integrations"
				if length > 20*time.Second { // One try had its time.
					code, message = problem.SendGridUnavailable, "SendGrid did not respond in time when asked to list the integrations"
				}
				require.Contains(t, requireCode(t, code, err).Message, message)
				w.creates(0, 0)
				w.released()
			})
		})
	}
}

func TestEnsureReturnsInTimeThoughACreateHangs(t *testing.T) {
	t.Parallel()
	for _, length := range lengths {
		t.Run(length.String(), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t)
				w.sendGrid.Script(sendgridtest.Fault{Op: sendgrid.OpCreateIntegration, Delay: forever})
				_, err := w.ensureWithin(length, oktaRequest())
				requireCode(t, problem.OutcomeUnknown, err)
				w.creates(1, 0)
				entry, _ := w.ledger.state()
				require.Equal(t, protocol.Unknown, entry.State)
				require.True(t, entry.Lease.Equal(time.Now().Add(provision.DefaultSettling)))
			})
		})
	}
}

// A create that is cut off leaves enough time to find what it made.
func TestEnsureAdoptsACreateThatTookTooLong(t *testing.T) {
	t.Parallel()
	for _, length := range lengths {
		t.Run(length.String(), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t)
				w.sendGrid.Script(sendgridtest.Fault{Op: sendgrid.OpCreateIntegration, Delay: forever, Commit: true})
				result, err := w.ensureWithin(length, oktaRequest())
				require.NoError(t, err)
				require.Equal(t, protocol.OutcomeCreated, result.Outcome)
				require.True(t, result.Adopted)
				w.creates(1, 1)
			})
		})
	}
}

// A slow create is given its time.
func TestEnsureWaitsForASlowCreate(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.sendGrid.Script(sendgridtest.Fault{Op: sendgrid.OpCreateIntegration, Delay: 15 * time.Second})
		require.False(t, w.succeeds(protocol.OutcomeCreated, oktaRequest()).Adopted)
		w.creates(1, 1)
	})
}

// Everything hangs from the create on: still there is a result.
func TestEnsureReturnsInTimeThoughNothingWorksAnyMore(t *testing.T) {
	t.Parallel()
	for _, length := range lengths {
		t.Run(length.String(), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t)
				w.sendGrid.Script(
					sendgridtest.Fault{Op: sendgrid.OpCreateIntegration, Delay: forever, Commit: true},
					sendgridtest.Fault{Op: sendgrid.OpListIntegrations, Skip: 1, Delay: forever, Times: -1},
				)
				w.ledger.hangAt(stepUnknown)
				_, err := w.ensureWithin(length, oktaRequest())
				requireCode(t, problem.OutcomeUnknown, err)
				entry, _ := w.ledger.state()
				require.Equal(t, protocol.Creating, entry.State)
				require.Greater(t, time.Until(entry.Lease), provision.DefaultSettling)
			})
		})
	}
}

// When the caller goes away before the create, it is not sent; afterwards its outcome is
// settled anyway.
func TestEnsureAfterTheCallerWentAway(t *testing.T) {
	t.Parallel()
	ensure := func(w *world, op sendgrid.Op) (*provision.Result, error) {
		w.sendGrid.Script(sendgridtest.Fault{Op: op, Delay: 10 * time.Second, Commit: true})
		ctx, cancel := context.WithTimeout(context.Background(), invocation)
		defer cancel()
		time.AfterFunc(time.Second, cancel)
		return w.provisioner.Ensure(ctx, oktaRequest(), provision.Delivery{})
	}
	t.Run("before the create", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			w := newWorld(t)
			start := time.Now()
			_, err := ensure(w, sendgrid.OpListIntegrations)
			require.Error(t, err)
			require.Equal(t, time.Second, time.Since(start))
			w.creates(0, 0)
			w.released()
		})
	})
	t.Run("after the create", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			w := newWorld(t)
			result, err := ensure(w, sendgrid.OpCreateIntegration)
			require.NoError(t, err)
			require.True(t, result.Adopted)
			entry, _ := w.ledger.state()
			require.Equal(t, protocol.Completed, entry.State)
			require.Equal(t, result.Integration.ID, entry.IntegrationID)
			w.creates(1, 1)
		})
	})
	t.Run("while waiting for someone else", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			w := newWorld(t)
			done := w.begin(10 * time.Second)
			start := time.Now()
			ctx, cancel := context.WithTimeout(t.Context(), invocation)
			defer cancel()
			time.AfterFunc(3*time.Second, cancel)
			_, err := w.provisioner.Ensure(ctx, oktaRequest(), provision.Delivery{})
			requireCode(t, problem.InProgress, err)
			require.Equal(t, 3*time.Second, time.Since(start))
			require.NoError(t, <-done)
			w.creates(1, 1)
		})
	})
}

// A try that is cut off by the end of the time does not hide what the one before it said.
func TestEnsureSaysWhatFailedBeforeItsTimeRanOut(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		first   sendgridtest.Fault
		code    problem.Code
		message string
	}{
		"an outage":    {sendgridtest.Fault{Status: 503}, problem.SendGridUnavailable, "status 503"},
		"a rate limit": {sendgridtest.Fault{Status: 429}, problem.RateLimited, "rate limit"},
	} {
		for _, certificates := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, certificates=%t", name, certificates), func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) {
					w := newWorld(t)
					r, op := oktaRequest(), sendgrid.OpListIntegrations
					if certificates { // These are read by the attempt itself.
						w.created(oktaRequest())
						r, op = withCertificates(), sendgrid.OpListCertificates
					}
					first := tt.first
					first.Op = op
					w.sendGrid.Script(first, sendgridtest.Fault{Op: op, Delay: forever, Times: -1})
					_, err := w.ensureWithin(9*time.Second, r)
					require.Contains(t, requireCode(t, tt.code, err).Message, tt.message)
				})
			})
		}
	}
}
