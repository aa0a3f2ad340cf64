package provision

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"sendgrid-sso-integration/internal/retry"
	"sendgrid-sso-integration/sendgrid"
)

const (
	// maxTries bounds how often one call is tried; the caller's own retry comes after.
	maxTries = 4
	// tryTimeout bounds one try of a call that may be repeated; SendGrid usually takes less than a
	// second.
	tryTimeout   = 8 * time.Second
	firstBackoff = 200 * time.Millisecond
	maxBackoff   = 3 * time.Second
)

// retry tries a call until it succeeds, a repetition cannot help, or less than reserve would be
// left for another try. Only a call that is idempotent, or that certainly had no effect, is of a
// class that is repeated. If a later try ends only because the time is over, the error is that of the
// one before, which says what is wrong.
func (p *Provisioner) retry(ctx context.Context, maxWait time.Time, reserve time.Duration, once func(context.Context) error) error {
	var before error
	for try := 0; ; try++ {
		err := once(ctx)
		wait, again := p.repeats(ctx, maxWait, err, try)
		switch {
		case err == nil:
			return nil
		case !again || left(ctx)-wait < reserve || !retry.Sleep(ctx, wait):
			return informative(err, before)
		}
		before = informative(err, before)
	}
}

// informative returns the error of a try, or that of the tries before if this one only ran out of
// time. The lack of a key is reported in any case: nothing was sent.
func informative(err, before error) error {
	ended := errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled)
	if before != nil && ended && sendgrid.ClassOf(err) != sendgrid.NoKey {
		return before
	}
	return err
}

// repeats reports whether a call is tried again, and after what time. A rate limit is waited for
// until maxWait, and for no longer than retryLimit at a time.
func (p *Provisioner) repeats(ctx context.Context, maxWait time.Time, err error, try int) (wait time.Duration, again bool) {
	if err == nil || try == maxTries-1 || !sendgrid.ClassOf(err).Repeatable() {
		return 0, false
	}
	wait = p.backoff(try, firstBackoff, maxBackoff)
	var failure *sendgrid.Error
	throttled := sendgrid.ClassOf(err) == sendgrid.Throttled
	if throttled && errors.As(err, &failure) && !failure.RateLimit.Reset.IsZero() {
		wait = min(retryLimit, max(wait, time.Until(failure.RateLimit.Reset)+wait/4))
	}
	return wait, wait < left(ctx) && (!throttled || wait <= time.Until(maxWait))
}

// errTooSlow ends a try that takes too long. It must not be confused with the end of the
// request's own time.
var errTooSlow = errors.New("no response in time")

// within runs one try with a time limit of its own, so that a connection that hangs
// leaves time for another.
func within(ctx context.Context, once func(context.Context) error) error {
	ctx, cancel := context.WithTimeoutCause(ctx, tryTimeout, errTooSlow)
	defer cancel()
	return once(ctx)
}

// backoff returns how long to wait before a repetition, counted from 0.
func (p *Provisioner) backoff(repetition int, first, most time.Duration) time.Duration {
	return retry.Backoff(repetition, first, most, p.random)
}

// token returns a name for an attempt that no other has.
func (p *Provisioner) token() string { return fmt.Sprintf("%016x%016x", p.random(), p.random()) }

func (p *Provisioner) random() uint64 {
	if p.Random == nil {
		return rand.Uint64() //nolint:gosec // Neither jitter nor the name of an owner needs secrecy.
	}
	return p.Random.Uint64()
}
