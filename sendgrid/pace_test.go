package sendgrid_test

import (
	"context"
	"fmt"
	"net/http"
	"strconv"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"sendgrid-sso-integration/sendgrid"
	"sendgrid-sso-integration/sendgrid/sendgridtest"
)

// limitedWorld is a SendGrid with a rate limit, and processes that use it.
type limitedWorld struct {
	t       *testing.T
	server  *sendgridtest.Server
	network *sendgridtest.Network

	mu      sync.Mutex
	refused int
	calls   map[sendgrid.Op]int
}

func newLimitedWorld(t *testing.T, limit int, window time.Duration) *limitedWorld {
	t.Helper()
	w := &limitedWorld{t: t, server: sendgridtest.New(), calls: map[sendgrid.Op]int{}}
	w.server.SetRateLimit(limit, window)
	w.server.Script(
		sendgridtest.Fault{Op: sendgrid.OpListIntegrations, Delay: 150 * time.Millisecond, Times: -1},
		sendgridtest.Fault{Op: sendgrid.OpCreateIntegration, Delay: 250 * time.Millisecond, Times: -1},
	)
	w.network = sendgridtest.NewNetwork(w.server)
	t.Cleanup(w.network.Close)
	return w
}

// process returns a client as a process of its own has it.
func (w *limitedWorld) process() *sendgrid.Client {
	return &sendgrid.Client{Keys: fixedKey(testKey), HTTP: w.network.HTTPClient(), OnCall: w.count}
}

func (w *limitedWorld) count(_ context.Context, c sendgrid.Call) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.calls[c.Op]++
	if c.Status == http.StatusTooManyRequests {
		w.refused++
	}
}

// batch makes a list and so many creates at once, each until it succeeds.
func (w *limitedWorld) batch(c *sendgrid.Client, creates int) {
	until := func(call func(context.Context) error) {
		for {
			ctx, cancel := context.WithTimeout(context.Background(), 8*time.Second)
			err := call(ctx)
			cancel()
			if err == nil {
				return
			}
			if sendgrid.ClassOf(err) != sendgrid.Throttled {
				w.t.Error(err)
				return
			}
			time.Sleep(time.Until(requireError(w.t, err).RateLimit.Reset))
		}
	}
	until(func(ctx context.Context) error { _, err := c.ListIntegrations(ctx); return err })
	var all sync.WaitGroup
	for range creates {
		all.Go(func() {
			until(func(ctx context.Context) error {
				_, err := c.CreateIntegration(ctx, exampleRequest())
				return err
			})
		})
	}
	all.Wait()
}

// Processes share a limit of 20 calls a second, for lists and creates together or for each.
// What is left to improve is measured, so that it cannot get worse: the time beside that of
// one create an event, and the refusals.
func TestPacerKeepsToTheLimit(t *testing.T) {
	t.Parallel()
	const events, batch = 200, 10
	for _, together := range []bool{true, false} {
		for _, processes := range []int{1, 2, 4} {
			t.Run(fmt.Sprintf("together=%t/%d", together, processes), func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) {
					w := newLimitedWorld(t, 20, time.Second)
					w.server.ShareRateLimit(together)
					batches := make(chan int, events/batch)
					for range events / batch {
						batches <- batch
					}
					close(batches)
					start := time.Now()
					var all sync.WaitGroup
					for range processes {
						c := w.process()
						all.Go(func() {
							for creates := range batches {
								w.batch(c, creates)
							}
						})
					}
					all.Wait()
					ratio := time.Since(start).Seconds() / (events / 20)
					refused := float64(w.refused) / events
					t.Logf("%s: %.2f times the bound, %.2f refused an event, %v", t.Name(), ratio, refused, w.calls)
					require.Less(t, ratio, 1.35)
					require.LessOrEqual(t, refused, 0.3)
				})
			})
		}
	}
}

// create and list make one call each, and note in the world how long it took.
func (w *limitedWorld) create(c *sendgrid.Client, within time.Duration) error {
	ctx, cancel := context.WithTimeout(context.Background(), within)
	defer cancel()
	_, err := c.CreateIntegration(ctx, exampleRequest())
	return err
}

func (w *limitedWorld) list(c *sendgrid.Client, within time.Duration) error {
	ctx, cancel := context.WithTimeout(context.Background(), within)
	defer cancel()
	_, err := c.ListIntegrations(ctx)
	return err
}

// What an answer states plainly is believed, for a minute at most. Nothing else is waited for.
func TestPacerBelievesWhatIsPlain(t *testing.T) {
	t.Parallel()
	const limit, remaining, reset = "X-RateLimit-Limit", "X-RateLimit-Remaining", "X-RateLimit-Reset"
	// A bubble's clock begins in the year 2000, and no time passes before the answer.
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
		"answered, Retry-After 20 s":     {0, header{reset: "", "Retry-After": "20"}, 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				w := newLimitedWorld(t, 1000, time.Minute)
				w.server.ClearFaults()
				w.server.Script(
					sendgridtest.Fault{Status: tt.status, Header: tt.header},
					sendgridtest.Fault{Delay: 250 * time.Millisecond, Times: -1},
				)
				c, start := w.process(), time.Now()
				require.Equal(t, tt.status == 0, w.create(c, time.Minute) == nil)
				if tt.waits > 0 {
					err := w.create(c, 2*time.Minute)
					require.Equal(t, sendgrid.Throttled, sendgrid.ClassOf(err))
					require.ErrorContains(t, err, "the rate limit is used up")
					failure := requireError(t, err)
					require.False(t, failure.Sent)
					require.WithinDuration(t, start.Add(tt.waits), failure.RateLimit.Reset, 0)
					require.Equal(t, 1, w.calls[sendgrid.OpCreateIntegration])
				}
				require.Zero(t, time.Since(start), "what does not reset in time is not waited for")
				time.Sleep(tt.waits)
				var all sync.WaitGroup
				for range 10 { // More than the first answer left.
					all.Go(func() {
						if err := w.create(c, time.Minute); err != nil {
							t.Error(err)
						}
					})
				}
				all.Wait()
				require.Less(t, time.Since(start), tt.waits+5*time.Second)
			})
		})
	}
}

// Another process has used up the limit. One call finds out, and the others wait with it.
func TestPacerIsRefusedOnce(t *testing.T) {
	t.Parallel()
	for name, limit := range map[string]func(w *limitedWorld){
		"with a reset": func(w *limitedWorld) {
			other := w.process()
			for range 20 {
				require.NoError(w.t, w.create(other, time.Minute))
			}
		},
		"without a reset": func(w *limitedWorld) {
			w.server.Script(sendgridtest.Fault{Status: 429, Header: map[string]string{"X-RateLimit-Reset": ""}})
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				w := newLimitedWorld(t, 20, 4*time.Second)
				w.server.ClearFaults()
				limit(w)
				c := w.process()
				require.Equal(t, sendgrid.Throttled, sendgrid.ClassOf(w.create(c, 8*time.Second)))
				var all sync.WaitGroup
				for range 10 {
					all.Go(func() {
						if err := w.create(c, 8*time.Second); err != nil {
							t.Error(err)
						}
					})
				}
				all.Wait()
				require.Equal(t, 1, w.refused)
			})
		})
	}
}

// If one call is left, it is a create: it ends a request, and a list only begins one.
func TestPacerPrefersCreates(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newLimitedWorld(t, 1, 2*time.Second)
		w.server.ClearFaults()
		w.server.ShareRateLimit(true)
		c := w.process()
		require.NoError(t, w.list(c, time.Minute))
		var order []sendgrid.Op
		var mu sync.Mutex
		var both sync.WaitGroup
		call := func(op sendgrid.Op, call func(*sendgrid.Client, time.Duration) error) {
			both.Go(func() {
				if err := call(c, time.Minute); err != nil {
					t.Error(err)
				}
				mu.Lock()
				defer mu.Unlock()
				order = append(order, op)
			})
			synctest.Wait()
		}
		call(sendgrid.OpListIntegrations, w.list)
		call(sendgrid.OpCreateIntegration, w.create)
		both.Wait()
		require.Equal(t, []sendgrid.Op{sendgrid.OpCreateIntegration, sendgrid.OpListIntegrations}, order)
		require.Zero(t, w.refused)
	})
}

// A caller that goes while it waits is not served, and nothing was sent for it.
func TestPacerLetsACallerGo(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newLimitedWorld(t, 1, 4*time.Second)
		c := w.process()
		require.NoError(t, w.create(c, time.Minute))
		ctx, cancel := context.WithCancel(context.Background())
		time.AfterFunc(time.Second, cancel)
		_, err := c.CreateIntegration(ctx, exampleRequest())
		require.Equal(t, sendgrid.NeverSent, sendgrid.ClassOf(err))
		require.ErrorIs(t, err, context.Canceled)
		require.Equal(t, 1, w.calls[sendgrid.OpCreateIntegration])
	})
}
