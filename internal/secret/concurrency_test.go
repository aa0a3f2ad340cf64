package secret_test

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"sendgrid-sso-integration/internal/secret"
)

func TestConcurrentCallersShareOneFetch(t *testing.T) {
	t.Parallel()
	calls := map[string]func(context.Context, *secret.Cache[string]) (string, string, error){
		"Get": func(ctx context.Context, c *secret.Cache[string]) (string, string, error) { return c.Get(ctx) },
		"Refresh": func(ctx context.Context, c *secret.Cache[string]) (string, string, error) {
			return c.Refresh(ctx, "0")
		},
	}
	for name, call := range calls {
		for outcome, a := range map[string]response{
			"success": {text: "a", version: "1", after: time.Second},
			"failure": {err: errUnreachable, after: time.Second},
		} {
			t.Run(name+" "+outcome, func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) {
					api := respondWith(a)
					c := newCache(api, secret.Options{})
					var wg sync.WaitGroup
					for range 100 {
						wg.Go(func() {
							value, version, err := call(t.Context(), c)
							if !errors.Is(err, a.err) || value != a.text || version != a.version {
								t.Errorf("got %q %q %v", value, version, err)
							}
						})
					}
					wg.Wait()
					require.EqualValues(t, 1, api.calls.Load())
				})
			})
		}
	}
}

func TestTheEndOfOneCallerDoesNotEndTheFetch(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		api := respondWith(response{text: "a", version: "1", after: 3 * time.Second})
		c := newCache(api, secret.Options{})
		began := time.Now()

		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		var wg sync.WaitGroup
		wg.Go(func() {
			_, _, err := c.Get(ctx)
			if !errors.Is(err, context.DeadlineExceeded) || time.Since(began) != time.Second {
				t.Errorf("the first caller got %v after %v", err, time.Since(began))
			}
		})
		synctest.Wait() // The first caller has started the fetch.
		wg.Go(func() {
			value, _, err := c.Get(t.Context())
			if err != nil || value != "a" || time.Since(began) != 3*time.Second {
				t.Errorf("the second caller got %q, %v after %v", value, err, time.Since(began))
			}
		})
		wg.Wait()
		require.EqualValues(t, 1, api.calls.Load())
	})
}

func TestACallerWaitsNoLongerThanItsContext(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		api := respondWith(response{text: "a", version: "1"}, response{text: "b", version: "2", after: 3 * time.Second})
		c := newCache(api, secret.Options{})
		get := getter(t, c)
		require.Equal(t, "a@1", get())

		began := time.Now()
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		_, _, err := c.Refresh(ctx, "1")
		require.Equal(t, context.DeadlineExceeded, err)
		require.Equal(t, time.Second, time.Since(began))
		require.Equal(t, "a@1", get(), "the cached value is served during the fetch")

		_, version, err := c.Refresh(t.Context(), "1")
		require.NoError(t, err)
		require.Equal(t, "2", version, "the fetch continued and was joined")
		require.EqualValues(t, 2, api.calls.Load())
	})
}

func TestLimitedRefreshJoinsTheFetchInProgress(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		api := respondWith(response{text: "a", version: "1"}, response{text: "b", version: "2", after: time.Second})
		c := newCache(api, secret.Options{MinRefresh: time.Minute})
		require.Equal(t, "a@1", getter(t, c)())

		var wg sync.WaitGroup
		for range 10 {
			wg.Go(func() {
				if _, version, err := c.Refresh(t.Context(), "1"); err != nil || version != "2" {
					t.Errorf("got version %q, %v", version, err)
				}
			})
		}
		wg.Wait()
		require.EqualValues(t, 2, api.calls.Load())
	})
}

func TestAFetchIsBounded(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c := newCache(respondWith(response{after: time.Hour}), secret.Options{})
		began := time.Now()
		_, _, err := c.Get(t.Context())

		var failure *secret.Error
		require.ErrorAs(t, err, &failure)
		require.False(t, failure.Permanent())
		require.Equal(t, 5*time.Second, time.Since(began))
		require.NotErrorIs(t, err, context.DeadlineExceeded, "the caller's context has not ended")
		require.ErrorContains(t, err, `secret "sendgrid/api-key" could not be read: no response in time`)
	})
}

func TestAnEndedContextStartsNoFetch(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		api := respondWith(response{text: "a", version: "1"})
		c := newCache(api, secret.Options{})
		ctx, cancel := context.WithCancel(t.Context())
		cancel()

		_, _, err := c.Get(ctx)
		require.Equal(t, context.Canceled, err)
		synctest.Wait()
		require.Zero(t, api.calls.Load())

		require.Equal(t, "a@1", getter(t, c)())
		value, _, err := c.Get(ctx)
		require.NoError(t, err, "the cached value takes no time")
		require.Equal(t, "a", value)
	})
}

// Lambda can freeze the process during a fetch. The response may be hours old when the process
// continues, so it does not count, and callers do not wait for it.
func TestAFetchThatWasFrozen(t *testing.T) {
	t.Parallel()
	for outcome, first := range map[string]response{
		"success": {text: "revoked", version: "1", after: 2 * time.Second},
		"failure": {err: errUnreachable, after: 2 * time.Second},
	} {
		for order, wait := range map[string]time.Duration{"before the next caller": 2 * time.Second, "after the next caller": 0} {
			t.Run(outcome+" "+order, func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) {
					var frozen atomic.Int64
					api := respondWith(first, response{text: "b", version: "2"})
					c := newCache(api, secret.Options{FailureBackoff: time.Minute, Now: func() time.Time { return time.Now().Add(time.Duration(frozen.Load())) }})
					ctx, cancel := context.WithTimeout(t.Context(), time.Second)
					defer cancel()
					_, _, err := c.Get(ctx)
					require.ErrorIs(t, err, context.DeadlineExceeded)

					frozen.Store(int64(time.Hour))
					time.Sleep(wait)
					require.Equal(t, "b@2", getter(t, c)())
					time.Sleep(2 * time.Second)
					require.Equal(t, "b@2", getter(t, c)())
					require.EqualValues(t, 2, api.calls.Load())

					frozen.Store(0) // The clock is set back, so the age of the value is unknown.
					require.Equal(t, "b@2", getter(t, c)())
					require.EqualValues(t, 3, api.calls.Load())
				})
			})
		}
	}
}
