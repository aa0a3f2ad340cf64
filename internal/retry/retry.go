// Package retry has what every loop that repeats a call needs: how long to wait, and a wait
// that a context bounds. What is repeated, and how often, is up to the loop.
package retry

import (
	"context"
	"time"
)

// Backoff returns how long to wait before a repetition, counted from 0: a random time up to a
// bound that doubles each time, so that many waiters spread out.
func Backoff(repetition int, first, most time.Duration, random func() uint64) time.Duration {
	bound := most
	if repetition < 16 {
		bound = min(most, first<<repetition)
	}
	return time.Millisecond + time.Duration(random()%uint64(bound)) //nolint:gosec // It is less than bound.
}

// Sleep waits for d. It reports false if ctx ends first; if its deadline is known to come first,
// it does not wait for that.
func Sleep(ctx context.Context, d time.Duration) bool {
	deadline, bounded := ctx.Deadline()
	if ctx.Err() != nil || bounded && d >= time.Until(deadline) {
		return false
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}
