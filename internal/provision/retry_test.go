package provision_test

import (
	"strconv"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"sendgrid-sso-integration/internal/problem"
	"sendgrid-sso-integration/internal/protocol"
	"sendgrid-sso-integration/sendgrid"
	"sendgrid-sso-integration/sendgrid/sendgridtest"
)

// limited is a refusal whose limit resets after a time, or that does not say when.
func limited(op sendgrid.Op, reset time.Duration) sendgridtest.Fault {
	header := ""
	if reset != 0 {
		header = strconv.FormatInt(time.Now().Add(reset).Unix(), 10)
	}
	return sendgridtest.Fault{Op: op, Status: 429, Header: map[string]string{"X-RateLimit-Reset": header}}
}

func TestEnsureWaitsForALimitThatResetsInTime(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name         string
		op           sendgrid.Op
		list, create int
	}{
		{name: "list", op: sendgrid.OpListIntegrations, list: 2, create: 1},
		{name: "create", op: sendgrid.OpCreateIntegration, list: 1, create: 2},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t)
				start := time.Now()
				w.sendGrid.Script(limited(tt.op, 10*time.Second))
				require.False(t, w.succeeds(protocol.OutcomeCreated, oktaRequest()).Adopted)
				require.GreaterOrEqual(t, time.Since(start), 10*time.Second)
				require.Less(t, time.Since(start), 11*time.Second, "it resets after that, so there is no need to wait longer")
				w.calls(tt.list, tt.create, 0)
				w.creates(tt.create, 1)
			})
		})
	}
}

// A wrong reset may be hours away. Who has the time asks again after a minute.
func TestEnsureAsksAgainAfterAMinute(t *testing.T) {
	t.Parallel()
	for _, op := range []sendgrid.Op{sendgrid.OpListIntegrations, sendgrid.OpCreateIntegration} {
		t.Run(string(op), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t)
				start := time.Now()
				w.sendGrid.Script(limited(op, 20*time.Hour))
				_, err := w.ensureWithin(5*time.Minute, oktaRequest())
				require.NoError(t, err)
				require.Equal(t, time.Minute, time.Since(start))
				w.creates(w.sendGrid.Count(sendgrid.OpCreateIntegration), 1)
			})
		})
	}
}

func TestEnsureTakesItsTurnInARealWindow(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.sendGrid.SetRateLimit(1, 7*time.Second)
		for _, entity := range []string{"urn:a", "urn:b", "urn:c"} {
			r := oktaRequest()
			r.EntityID = entity
			w.created(r)
		}
		require.Len(t, w.sendGrid.Integrations(), 3)
	})
}

func TestEnsureDoesNotWaitForALimitThatResetsTooLate(t *testing.T) {
	t.Parallel()
	for _, op := range []sendgrid.Op{sendgrid.OpListIntegrations, sendgrid.OpCreateIntegration} {
		t.Run(string(op), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t)
				start := time.Now()
				w.sendGrid.Script(limited(op, 20*time.Hour))
				e := w.fails(problem.RateLimited, oktaRequest())
				require.Zero(t, time.Since(start), "waiting would be in vain")
				require.Equal(t, time.Minute, e.RetryAfter, "no reset is believed for longer")
				require.True(t, e.Retryable())
				require.Empty(t, w.sendGrid.Integrations())

				w.pass(e.RetryAfter)
				w.created(oktaRequest())
			})
		})
	}
}

// A create that begins too late to end in time is not begun.
func TestEnsureDoesNotCreateInTheLastMoment(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.sendGrid.Script(limited(sendgrid.OpCreateIntegration, 20*time.Second))
		_, err := w.ensureWithin(invocation+500*time.Millisecond, oktaRequest())
		requireCode(t, problem.RateLimited, err)
		w.creates(1, 0)
		w.pass(20 * time.Second)
		w.released()
	})
}

func TestEnsureBacksOffFromALimitThatDoesNotSayWhenItResets(t *testing.T) {
	t.Parallel()
	for _, op := range []sendgrid.Op{sendgrid.OpListIntegrations, sendgrid.OpCreateIntegration} {
		t.Run(string(op), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t)
				fault := limited(op, 0)
				fault.Times = 4
				w.sendGrid.Script(fault)
				e := w.fails(problem.RateLimited, oktaRequest())
				require.Equal(t, time.Minute, e.RetryAfter)
				require.Equal(t, 4, w.sendGrid.Count(op))
				w.created(oktaRequest())
			})
		})
	}
}

// A reset that has just passed by our clock says nothing about the limit, and is no reason to
// hammer.
func TestEnsureBacksOffFromALimitThatHasJustReset(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		start := time.Now()
		fault := limited(sendgrid.OpListIntegrations, -time.Second)
		fault.Times = -1
		w.sendGrid.Script(fault)
		e := w.fails(problem.RateLimited, oktaRequest())
		require.Equal(t, time.Minute, e.RetryAfter)
		require.Greater(t, time.Since(start), time.Millisecond)
		w.calls(4, 0, 0)
	})
}
