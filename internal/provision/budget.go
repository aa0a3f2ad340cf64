package provision

import (
	"context"
	"math/rand/v2"
	"time"
)

const (
	// defaultBudget is the time for one request where the caller set no deadline.
	defaultBudget = 25 * time.Second
	// Kept free at the end, each at most an eighth of the time: one for the answer, so
	// that the function is not killed while it gives it, one for the last ledger write.
	answerMargin = 500 * time.Millisecond
	recordMargin = 500 * time.Millisecond
	// settleMargin is kept free after the create, at most a quarter of the time, to see
	// what came of it.
	settleMargin = 4 * time.Second
	// minCreate is the least time in which a create is worth starting.
	minCreate = time.Second
)

// budget divides the time of one request into three parts, each with a context that
// ends with it. Once a create was sent, the caller going away no longer matters: its
// outcome has to be settled and recorded all the same.
type budget struct {
	// act is for looking and creating, settle for finding out what came of a create,
	// record for writing it down.
	act, settle, record context.Context
	// deadline is when the caller gives up, or kills the process.
	deadline time.Time
	cancel   func()
}

func newBudget(ctx context.Context) budget {
	deadline, ok := ctx.Deadline()
	if !ok {
		deadline = time.Now().Add(defaultBudget)
	}
	total := time.Until(deadline)
	recordEnd := deadline.Add(-min(answerMargin, total/8))
	settleEnd := recordEnd.Add(-min(recordMargin, total/8))
	actEnd := settleEnd.Add(-min(settleMargin, total/4))

	detached := context.WithoutCancel(ctx)
	record, cancelRecord := context.WithDeadline(detached, recordEnd)
	settle, cancelSettle := context.WithDeadline(detached, settleEnd)
	act, cancelAct := context.WithDeadline(ctx, actEnd)
	return budget{
		act: act, settle: settle, record: record, deadline: deadline,
		cancel: func() { cancelAct(); cancelSettle(); cancelRecord() },
	}
}

// left returns how much time is left in ctx.
func left(ctx context.Context) time.Duration {
	deadline, _ := ctx.Deadline()
	return time.Until(deadline)
}

// sleep waits for d, and reports false without waiting if ctx would end first.
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

// backoff returns how long to wait before a repetition, counted from 0: anything up to a
// bound that doubles each time, so that many waiters spread out.
func backoff(repetition int, first, most time.Duration) time.Duration {
	bound := most
	if repetition < 16 {
		bound = min(most, first<<repetition)
	}
	return time.Millisecond + rand.N(bound) //nolint:gosec // Spreading waiters out needs no secrecy.
}
