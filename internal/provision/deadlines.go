package provision

import (
	"context"
	"time"

	"sendgrid-sso-integration/internal/invocation"
)

// deadlines divide the time of one attempt. Until work it reads and sends writes; until reconcile
// it finds out the outcome of a write, and until commit it records it. Once a write was sent, the
// caller's cancellation no longer counts: the outcome has to be found out and recorded.
type deadlines struct {
	work, reconcile, commit time.Time
	// wait is until when to wait for others: an attempt that owns the entry, a write that
	// settles, a rate limit. It is not after work.
	wait time.Time
	// end is when the caller gives up, or kills the process.
	end time.Time
}

// divideTime divides the time of a request that waits for others no longer than maxWait, where
// that is not 0.
func divideTime(ctx context.Context, maxWait time.Duration) deadlines {
	now := time.Now()
	end, ok := ctx.Deadline()
	if !ok {
		end = now.Add(invocation.WithoutDeadline)
	}
	total := end.Sub(now)
	d := deadlines{end: end}
	d.commit = end.Add(-invocation.Response.Of(total))
	d.reconcile = d.commit.Add(-invocation.Commit.Of(total))
	d.work = d.reconcile.Add(-invocation.Reconcile.Of(total))
	d.wait = d.work
	if until := now.Add(maxWait); maxWait > 0 && until.Before(d.wait) {
		d.wait = until
	}
	return d
}

// uncancelled returns a context with the values of ctx that ends at a time, and not with ctx.
func uncancelled(ctx context.Context, end time.Time) (context.Context, context.CancelFunc) {
	return context.WithDeadline(context.WithoutCancel(ctx), end)
}

// left returns how much time is left in ctx.
func left(ctx context.Context) time.Duration {
	deadline, _ := ctx.Deadline()
	return time.Until(deadline)
}
