package sendgrid

import (
	"context"
	"errors"
	"math/rand/v2"
	"net/http"
	"slices"
	"sync"
	"time"
)

const (
	// maxTurnWait bounds a wait. Who has more time calls again after RateLimit.Reset. minCallTime
	// is what a call needs after the wait.
	maxTurnWait, minCallTime = 5 * time.Second, time.Second
	// spread bounds the random part of a wait, so that not all call at once after a reset.
	spread = 50 * time.Millisecond
	// shrink and growth change limit.share with each call that is refused, or is not.
	shrink, growth = 0.7, 0.01
)

// errPaced is the cause of a call that was not made because the rate limit is used up.
var errPaced = errors.New("the rate limit is used up, so the request was not sent")

// pacer delays the calls of a process as the rate limits that responses state demand, instead of
// having them refused. SendGrid documents a limit for each endpoint, so what the response to one
// operation states holds back no other. The zero value is ready to use.
type pacer struct{ limits sync.Map } // the *limit of each Op

func (p *pacer) limit(op Op) *limit {
	l, _ := p.limits.LoadOrStore(op, &limit{share: 1})
	return l.(*limit)
}

// await waits until op may be called; then its limit's end has to be called. Its errors are of
// type *Error: of the class Throttled if the turn comes too late, NeverSent if ctx ended.
func (p *pacer) await(ctx context.Context, op Op) error {
	latest := time.Now().Add(maxTurnWait)
	if deadline, ok := ctx.Deadline(); ok && deadline.Add(-minCallTime).Before(latest) {
		latest = deadline.Add(-minCallTime)
	}
	for {
		now := time.Now()
		next, ok := p.limit(op).take(now)
		if ok {
			return nil
		}
		turn := next.Add(precedence(op) + rand.N(spread)) //nolint:gosec // Spreading calls needs no secrecy.
		if turn.After(latest) {
			return &Error{Op: op, RateLimit: RateLimit{Reset: next}, Err: errPaced}
		}
		select {
		case <-time.After(turn.Sub(now)):
		case <-ctx.Done():
			return &Error{Op: op, Err: context.Cause(ctx)}
		}
	}
}

// precedence is how long a call lets others go first that wait for the same reset: those that end a
// request are first, then those of a request that has begun, then those that begin one.
func precedence(op Op) time.Duration {
	switch {
	case !op.Idempotent():
		return 0
	case !slices.Contains([]Op{OpListIntegrations, OpListTeammates, OpListPending}, op):
		return spread
	}
	return 2 * spread
}

// limit is the rate limit of an operation, as the last response stated it, and its use since then.
type limit struct {
	mu sync.Mutex
	RateLimit
	inFlight int // The calls without a response so far.
	// share is the part of what is left that is called for at once. Other processes draw on the
	// same limit and believe that the same is left, so each refusal makes the share smaller.
	share float64
}

// take lets a call be made now, or returns when to try again.
func (l *limit) take(now time.Time) (next time.Time, ok bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	left := l.Remaining
	if !now.Before(l.Reset) {
		left = l.Limit // Of the next window, until a response states it.
	} else if left == 0 {
		return l.Reset, false
	}
	if l.Limit > 0 && now.Before(l.Reset.Add(maxTrust)) && l.inFlight >= max(1, int(l.share*float64(left))) {
		return now, false
	}
	l.inFlight++
	return now, true
}

// end ends a call, and learns from its response. status is 0 where there is none.
func (l *limit) end(status int, stated RateLimit) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.inFlight--
	l.share = min(1, l.share+growth)
	if status == http.StatusTooManyRequests {
		l.share *= shrink
		stated.Remaining = 0
	}
	if stated.Reset.Equal(l.Reset) { // Responses come in another order than calls are counted.
		stated.Remaining = min(stated.Remaining, l.Remaining)
	}
	if !stated.Reset.IsZero() {
		l.RateLimit = stated
	}
}
