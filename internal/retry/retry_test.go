package retry_test

import (
	"context"
	"math"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"sendgrid-sso-integration/internal/retry"
)

// The bound of the random time doubles until it reaches the most.
func TestBackoff(t *testing.T) {
	t.Parallel()
	const ms = time.Millisecond
	for repetition, bound := range map[int]time.Duration{0: 100 * ms, 1: 200 * ms, 2: 400 * ms, 3: 500 * ms, 1000: 500 * ms, math.MaxInt: 500 * ms} {
		longest := retry.Backoff(repetition, 100*ms, 500*ms, func() uint64 { return uint64(bound) - 1 })
		require.Equal(t, bound+ms-1, longest, repetition)
		require.Equal(t, ms, retry.Backoff(repetition, 100*ms, 500*ms, func() uint64 { return uint64(bound) }), repetition)
	}
}

func TestSleep(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		context     func(context.Context) (context.Context, context.CancelFunc)
		slept       bool
		took, sleep time.Duration
	}{
		"without a deadline": {context.WithCancel, true, time.Second, time.Second},
		"before the deadline": {
			func(ctx context.Context) (context.Context, context.CancelFunc) {
				return context.WithTimeout(ctx, time.Minute)
			}, true, time.Second, time.Second,
		},
		"the deadline comes first": {
			func(ctx context.Context) (context.Context, context.CancelFunc) {
				return context.WithTimeout(ctx, time.Second)
			}, false, 0, time.Second,
		},
		"ends on the way": {
			func(ctx context.Context) (context.Context, context.CancelFunc) {
				ctx, cancel := context.WithCancel(ctx)
				time.AfterFunc(time.Second, cancel)
				return ctx, cancel
			}, false, time.Second, time.Hour,
		},
		"has ended": {
			func(ctx context.Context) (context.Context, context.CancelFunc) {
				ctx, cancel := context.WithCancel(ctx)
				cancel()
				return ctx, cancel
			}, false, 0, time.Hour,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				ctx, cancel := tt.context(t.Context())
				defer cancel()
				start := time.Now()
				require.Equal(t, tt.slept, retry.Sleep(ctx, tt.sleep))
				require.Equal(t, tt.took, time.Since(start))
			})
		})
	}
}
