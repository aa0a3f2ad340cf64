package sendgrid

import (
	"context"
	"errors"
	"net/http"
	"sync"
	"time"
)

const (
	// maxTurnWait bounds how long a call waits for its turn. A caller that has more time calls
	// again after RateLimit.Reset.
	maxTurnWait = 5 * time.Second
	// minCallTime is the time that a call needs after its turn has come.
	minCallTime = time.Second
	// firstQuiet and maxQuiet bound the silence after a refusal that has no reset to wait for.
	firstQuiet = 100 * time.Millisecond
	maxQuiet   = time.Second
)

// errPaced is the cause of a call that was not made because the rate limit is used up.
var errPaced = errors.New("the rate limit is used up, so the request was not sent")

// pacer admits the calls of a process as the rate limits that the answers report permit,
// instead of having them refused. While nothing is used up it has no effect. If only one more
// call is permitted, one that is not idempotent comes first: it ends a request, where a read
// only begins one.
//
// SendGrid documents a limit for each endpoint. Until two answers prove that, the pacer
// assumes that all endpoints share one: assuming too much costs waiting near the limit, and
// assuming too little costs refusals. The zero value is ready to use.
type pacer struct {
	mu sync.Mutex
	// separate reports whether each operation has a limit of its own.
	separate bool
	budgets  map[Op]*budget
	answers  map[Op]answered
	// changed is closed when a call that waits may have its turn.
	changed chan struct{}
}

// answered is the last answer to an operation.
type answered struct {
	RateLimit
	at time.Time
}

// turn is the right to make one call.
type turn struct {
	op     Op
	budget *budget
	window *window
	taken  time.Time
}

// await waits until op may be called. Its errors are of type *Error: of the class Throttled if
// the rate limit does not permit the call in time, NeverSent if ctx ended.
func (p *pacer) await(ctx context.Context, op Op) (turn, error) {
	latest := time.Now().Add(maxTurnWait)
	if deadline, ok := ctx.Deadline(); ok && deadline.Add(-minCallTime).Before(latest) {
		latest = deadline.Add(-minCallTime)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	for {
		b, now := p.budget(op), time.Now()
		wait := b.wait(now, !op.Idempotent())
		w := b.current(now)
		if wait <= 0 {
			w.taken++
			w.inFlight++
			return turn{op: op, budget: b, window: w, taken: now}, nil
		}
		w.wanted = true
		if !now.Before(latest) || b.usedUp(now) && now.Add(wait).After(latest) {
			return turn{}, &Error{Op: op, RateLimit: RateLimit{Limit: b.limit, Reset: w.reset}, Err: errPaced}
		}
		if !p.pause(ctx, b, op, min(wait, latest.Sub(now))) {
			return turn{}, &Error{Op: op, Err: context.Cause(ctx)}
		}
	}
}

// pause waits, without the mutex, for d or until a call ended. It reports false if ctx ended.
func (p *pacer) pause(ctx context.Context, b *budget, op Op, d time.Duration) bool {
	if p.changed == nil {
		p.changed = make(chan struct{})
	}
	changed := p.changed
	if !op.Idempotent() {
		b.waitingWrites++
	}
	p.mu.Unlock()
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-changed:
	case <-ctx.Done():
	}
	p.mu.Lock()
	if !op.Idempotent() {
		b.waitingWrites--
	}
	if ctx.Err() != nil {
		p.wake()
		return false
	}
	return true
}

// end ends a call, and learns from its answer. status is 0 where there is none.
func (p *pacer) end(t turn, status int, limit RateLimit) {
	p.mu.Lock()
	defer p.mu.Unlock()
	now := time.Now()
	t.budget.answered(t.window, status, limit, now)
	if status != 0 && status != http.StatusTooManyRequests && limit.Limit > 0 {
		p.compare(t, limit, now)
	}
	p.wake()
}

// compare looks for a proof that the operations have separate limits: an operation that was
// called after the answer to another has another limit, another window, or as much left as
// that one had.
func (p *pacer) compare(t turn, limit RateLimit, now time.Time) {
	for op, before := range p.answers {
		switch {
		case p.separate, op == t.op, before.at.After(t.taken), !now.Before(before.Reset):
		case before.Limit != limit.Limit, before.Reset.Sub(limit.Reset).Abs() > time.Second,
			before.Reset.Equal(limit.Reset) && limit.Remaining >= before.Remaining:
			p.separate, p.budgets = true, nil
		}
	}
	if p.answers == nil {
		p.answers = map[Op]answered{}
	}
	p.answers[t.op] = answered{limit, now}
}

// budget returns the budget of an operation.
func (p *pacer) budget(op Op) *budget {
	if !p.separate {
		op = ""
	}
	b := p.budgets[op]
	if b == nil {
		if p.budgets == nil {
			p.budgets = map[Op]*budget{}
		}
		b = &budget{share: 1}
		if last, found := p.answers[op]; found {
			b.learn(last.RateLimit, time.Now())
		}
		p.budgets[op] = b
	}
	return b
}

// wake lets the calls that wait try again.
func (p *pacer) wake() {
	if p.changed != nil {
		close(p.changed)
		p.changed = nil
	}
}
