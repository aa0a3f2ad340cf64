package sendgrid_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"sendgrid-sso-integration/sendgrid"
	"sendgrid-sso-integration/sendgrid/sendgridtest"
)

// spread is how far the calls are apart that wait for the same reset.
const spread = 50 * time.Millisecond

// limitedWorld is a SendGrid with a rate limit, and processes that use it.
type limitedWorld struct {
	t       *testing.T
	server  *sendgridtest.Server
	network *sendgridtest.Network
	start   time.Time

	mu      sync.Mutex
	sent    map[sendgrid.Op][]time.Duration // since the start
	refused int
}

func newLimitedWorld(t *testing.T, limit int, window time.Duration) *limitedWorld {
	t.Helper()
	w := &limitedWorld{t: t, server: sendgridtest.New(), start: time.Now(), sent: map[sendgrid.Op][]time.Duration{}}
	w.server.SetRateLimit(limit, window)
	w.network = sendgridtest.NewNetwork(w.server)
	t.Cleanup(w.network.Close)
	return w
}

// process returns a client as a process of its own has it.
func (w *limitedWorld) process() *sendgrid.Client {
	return &sendgrid.Client{Keys: fixedKey(testKey), HTTP: w.network.HTTPClient(), OnCall: w.note}
}

func (w *limitedWorld) note(_ context.Context, c sendgrid.Call) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.sent[c.Op] = append(w.sent[c.Op], time.Since(w.start)-c.Duration)
	if c.Status == http.StatusTooManyRequests {
		w.refused++
	}
}

// call makes a call that may take a time. It does not matter if there is no such integration.
func (w *limitedWorld) call(c *sendgrid.Client, op sendgrid.Op, within time.Duration) error {
	ctx, cancel := context.WithTimeout(context.Background(), within)
	defer cancel()
	at := slices.IndexFunc(everyCall(), func(each operation) bool { return each.op == op })
	err := everyCall()[at].call(ctx, c)
	if sendgrid.IsNotFound(err) {
		return nil
	}
	return err
}

// succeeds makes so many calls of each operation at once, each again until the limit permits it.
func (w *limitedWorld) succeeds(c *sendgrid.Client, times int, ops ...sendgrid.Op) {
	var all sync.WaitGroup
	for _, op := range slices.Repeat(ops, times) {
		all.Go(func() {
			err := w.call(c, op, 8*time.Second)
			for sendgrid.ClassOf(err) == sendgrid.Throttled {
				err = w.call(c, op, 8*time.Second)
			}
			if err != nil {
				w.t.Error(err)
			}
		})
	}
	all.Wait()
}

// requireUnsent requires that a call was not made because of the limit, until it resets.
func (w *limitedWorld) requireUnsent(err error, reset time.Duration) {
	w.t.Helper()
	require.Equal(w.t, sendgrid.Throttled, sendgrid.ClassOf(err))
	require.ErrorContains(w.t, err, "the rate limit is used up")
	require.False(w.t, requireError(w.t, err).Sent)
	require.WithinDuration(w.t, w.start.Add(reset), requireError(w.t, err).RateLimit.Reset, 0)
}

// A limit that a response clearly states is used, for a minute at most. Nothing else is waited for.
func TestPacerBelievesWhatIsPlain(t *testing.T) {
	t.Parallel()
	const limit, remaining, reset, create = "X-RateLimit-Limit", "X-RateLimit-Remaining", "X-RateLimit-Reset", sendgrid.OpCreateIntegration
	// A bubble's clock begins in the year 2000, and no time passes before the response.
	in := func(d time.Duration) string {
		return strconv.FormatInt(time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC).Add(d).Unix(), 10)
	}
	type header = map[string]string
	for name, tt := range map[string]struct {
		status int
		header header
		waits  time.Duration
	}{
		"used up":                        {0, header{remaining: "0", reset: in(30 * time.Second)}, 30 * time.Second},
		"refused":                        {429, header{reset: in(30 * time.Second)}, 30 * time.Second},
		"refused, reset is missing":      {429, header{reset: ""}, 0},
		"remaining is missing":           {0, header{remaining: "", reset: in(30 * time.Second)}, 0},
		"remaining is not a number":      {0, header{remaining: "none", reset: in(30 * time.Second)}, 0},
		"limit is missing":               {0, header{limit: "", remaining: "0", reset: in(30 * time.Second)}, 0},
		"reset is missing":               {0, header{remaining: "0", reset: ""}, 0},
		"reset in milliseconds":          {0, header{remaining: "0", reset: in(30*time.Second) + "000"}, 0},
		"reset in the past":              {0, header{remaining: "0", reset: in(-30 * time.Second)}, 0},
		"reset in the year 9999":         {0, header{remaining: "0", reset: "253402300799"}, 0},
		"20 hours ahead, something left": {0, header{remaining: "2", reset: in(20 * time.Hour)}, 0},
		"20 hours ahead, nothing left":   {0, header{remaining: "0", reset: in(20 * time.Hour)}, time.Minute},
		"refused for 20 hours":           {429, header{reset: in(20 * time.Hour)}, time.Minute},
		"refused, Retry-After 20 s":      {429, header{reset: "", "Retry-After": "20"}, 20 * time.Second},
		"refused, Retry-After 23 h":      {429, header{reset: "", "Retry-After": "82800"}, time.Minute},
		"responded, Retry-After 20 s":    {0, header{reset: "", "Retry-After": "20"}, 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				w := newLimitedWorld(t, 1000, 40*time.Second)
				w.server.Script(
					sendgridtest.Fault{Status: tt.status, Header: tt.header},
					sendgridtest.Fault{Op: create, Delay: 250 * time.Millisecond, Times: -1},
				)
				c := w.process()
				require.Equal(t, tt.status == 0, w.call(c, create, time.Minute) == nil)
				if tt.waits > 0 {
					w.requireUnsent(w.call(c, create, 2*time.Minute), tt.waits)
					w.succeeds(c, 1, sendgrid.OpListIntegrations, sendgrid.OpGetIntegration) // Others are not held back.
				}
				require.Zero(t, time.Since(w.start), "what does not reset in time is not waited for")
				require.Len(t, w.sent[create], 1)
				time.Sleep(tt.waits)
				w.succeeds(c, 10, create) // More than the first response left.
				require.Less(t, time.Since(w.start), tt.waits+time.Second)
			})
		})
	}
}

// A call waits for a reset if it can end in time after it.
func TestPacerWaitsWithinTheTimeThereIs(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		resets, has time.Duration
		sent        bool
	}{
		"soon enough":            {4 * time.Second, time.Hour, true},
		"too late for any call":  {5 * time.Second, time.Hour, false},
		"too late for this call": {4 * time.Second, 5 * time.Second, false},
		"just in time":           {4 * time.Second, 5*time.Second + spread, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				w := newLimitedWorld(t, 1, tt.resets)
				c := w.process()
				w.succeeds(c, 1, sendgrid.OpCreateIntegration)
				err := w.call(c, sendgrid.OpCreateIntegration, tt.has)
				if tt.sent {
					require.NoError(t, err)
				} else {
					w.requireUnsent(err, tt.resets)
				}
				require.Equal(t, tt.sent, time.Since(w.start) > 0, "it does not wait in vain")
			})
		})
	}
}

// After a reset the calls are not made all at once: those that end a request are first, then
// those of a request that has begun, then those that begin one. None is too early.
func TestPacerMakesTheImportantCallsFirst(t *testing.T) {
	t.Parallel()
	ranks := map[sendgrid.Op]time.Duration{
		sendgrid.OpCreateIntegration: 0, sendgrid.OpCreateCertificate: 0, sendgrid.OpUpdateIntegration: spread,
		sendgrid.OpGetIntegration: spread, sendgrid.OpListCertificates: spread, sendgrid.OpListIntegrations: 2 * spread,
		sendgrid.OpCreateTeammate: 0, sendgrid.OpGetTeammate: spread, sendgrid.OpListTeammates: 2 * spread,
		sendgrid.OpListPending: 2 * spread,
	}
	ops := slices.Collect(maps.Keys(ranks))
	synctest.Test(t, func(t *testing.T) {
		w := newLimitedWorld(t, 1000, 2*time.Second)
		used := sendgridtest.Fault{Status: 404, Header: map[string]string{"X-RateLimit-Remaining": "0"}, Times: len(ops)}
		w.server.Script(used, sendgridtest.Fault{Status: 404, Times: -1})
		c := w.process()
		w.succeeds(c, 1, ops...)
		w.succeeds(c, 20, ops...)
		for op, rank := range ranks {
			sent, first := w.sent[op][1:], 2*time.Second+rank
			slices.Sort(sent)
			require.Len(t, sent, 20, op)
			require.GreaterOrEqual(t, sent[0], first, op)
			require.Less(t, sent[19], first+spread, op)
			require.Greater(t, len(slices.Compact(sent)), 10, "%s is spread out", op)
		}
	})
}

// A caller that goes while it waits is not served, and nothing was sent for it.
func TestPacerLetsACallerGo(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newLimitedWorld(t, 1, 4*time.Second)
		c := w.process()
		w.succeeds(c, 1, sendgrid.OpCreateIntegration)
		ctx, cancel := context.WithCancelCause(context.Background())
		gone := errors.New("gone")
		time.AfterFunc(time.Second, func() { cancel(gone) })
		_, err := c.CreateIntegration(ctx, exampleRequest())
		require.Equal(t, sendgrid.NeverSent, sendgrid.ClassOf(err))
		require.ErrorIs(t, err, gone)
		require.Equal(t, time.Second, time.Since(w.start))
		require.Len(t, w.sent[sendgrid.OpCreateIntegration], 1)
	})
}

// Processes share a limit of 20 calls a second, for lists and creates together or for each. The
// time, beside that of one create an event, and the refusals cannot get worse unnoticed.
func TestPacerKeepsToTheLimit(t *testing.T) {
	t.Parallel()
	const events, batch, limit = 200, 10, 20
	maxRefused := map[int]float64{1: 0.1, 2: 0.3, 4: 0.45} // by the number of processes
	for processes := range maxRefused {
		for _, shared := range []bool{true, false} {
			t.Run(fmt.Sprintf("processes=%d/shared=%t", processes, shared), func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) {
					w := newLimitedWorld(t, limit, time.Second)
					w.server.ShareRateLimit(shared)
					w.server.Script(
						sendgridtest.Fault{Op: sendgrid.OpListIntegrations, Delay: 150 * time.Millisecond, Times: -1},
						sendgridtest.Fault{Op: sendgrid.OpCreateIntegration, Delay: 250 * time.Millisecond, Times: -1},
					)
					var left atomic.Int32
					left.Store(events / batch)
					var all sync.WaitGroup
					for range processes {
						c := w.process()
						all.Go(func() {
							for left.Add(-1) >= 0 {
								w.succeeds(c, 1, sendgrid.OpListIntegrations)
								w.succeeds(c, batch, sendgrid.OpCreateIntegration)
							}
						})
					}
					all.Wait()
					ratio, refused := time.Since(w.start).Seconds()/(events/limit), float64(w.refused)/events
					t.Logf("%.2f times the bound, %.2f refused an event", ratio, refused)
					require.Less(t, ratio, 1.35)
					require.LessOrEqual(t, refused, maxRefused[processes])
				})
			})
		}
	}
}
