package provision

import (
	"context"
	"math/rand/v2"
	"time"
)

const (
	// defaultTime is the time for one request where the caller set no deadline.
	defaultTime = 25 * time.Second
	// Kept free at the end, each at most an eighth of the time: one for the answer, so
	// that the function is not killed while it gives it, one for the last ledger write.
	answerMargin = 500 * time.Millisecond
	commitMargin = 500 * time.Millisecond
	// reconcileMargin is kept free after the writes, at most a quarter of the time, to find
	// out their outcome.
	reconcileMargin = 4 * time.Second
	// minWrite is the least time in which a write is worth starting.
	minWrite = time.Second
)

// phases divide the time of one request, each with a context that ends with it. Once a
// write was sent, the caller's cancellation no longer counts: the outcome has to be found
// out and recorded.
type phases struct {
	// workCtx is for reading and for sending writes.
	workCtx context.Context
	// reconcileCtx is for finding out the outcome of a write.
	reconcileCtx context.Context
	// commitCtx is for the last write to the ledger.
	commitCtx context.Context
	// patience is until when to wait for what others have to do first: an attempt that has the
	// entry, a write that settles, a rate limit that resets. It is not after workCtx.
	patience time.Time
	// deadline is when the caller gives up, or kills the process.
	deadline time.Time
	cancel   func()
}

// divideTime divides the time of a request that waits for others no longer than patience,
// where that is not 0.
func divideTime(ctx context.Context, patience time.Duration) phases {
	deadline, ok := ctx.Deadline()
	if !ok {
		deadline = time.Now().Add(defaultTime)
	}
	total := time.Until(deadline)
	commitEnd := deadline.Add(-min(answerMargin, total/8))
	reconcileEnd := commitEnd.Add(-min(commitMargin, total/8))
	workEnd := reconcileEnd.Add(-min(reconcileMargin, total/4))

	waitEnd := workEnd
	if end := time.Now().Add(patience); patience > 0 && end.Before(workEnd) {
		waitEnd = end
	}

	detached := context.WithoutCancel(ctx)
	commit, cancelCommit := context.WithDeadline(detached, commitEnd)
	reconcile, cancelReconcile := context.WithDeadline(detached, reconcileEnd)
	work, cancelWork := context.WithDeadline(ctx, workEnd)
	return phases{
		workCtx: work, reconcileCtx: reconcile, commitCtx: commit, patience: waitEnd, deadline: deadline,
		cancel: func() { cancelWork(); cancelReconcile(); cancelCommit() },
	}
}

// left returns how much time is left in ctx.
func left(ctx context.Context) time.Duration {
	deadline, _ := ctx.Deadline()
	return time.Until(deadline)
}

// sleep waits for d. It reports false, without waiting, if ctx would end first.
func sleep(ctx context.Context, d time.Duration) bool {
	if ctx.Err() != nil || d >= left(ctx) {
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

// backoff returns how long to wait before a repetition, counted from 0: a random time up to
// a bound that doubles each time, so that many waiters spread out.
func backoff(repetition int, first, most time.Duration) time.Duration {
	bound := most
	if repetition < 16 {
		bound = min(most, first<<repetition)
	}
	return time.Millisecond + rand.N(bound) //nolint:gosec // Spreading waiters out needs no secrecy.
}
