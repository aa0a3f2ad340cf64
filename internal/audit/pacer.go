package audit

import (
	"cmp"
	"context"
	"errors"
	"time"

	"sendgrid-sso-integration/internal/retry"
	"sendgrid-sso-integration/sendgrid"
)

const (
	// reserved is the share of the rate limit, one in so many calls, that the audit leaves to
	// requests.
	reserved = 10
	// unknownPause is the pause after a call that the rate limit refused, if SendGrid does not
	// report when the limit resets.
	unknownPause = 10 * time.Second
)

// errNoTime means that the rate limit resets only after the audit's time.
var errNoTime = errors.New("SendGrid's rate limit resets after the end of the audit")

// pacer delays calls according to the rate limit that the last answer reported.
type pacer struct {
	// next is when the next call may be made; zero is at once.
	next time.Time
}

// observe takes note of the rate limit in an answer. A call after the reset is made even if
// others have used the limit up again, so the audit always makes progress.
func (p *pacer) observe(call sendgrid.Call) {
	p.next = time.Time{}
	if limit := call.RateLimit; limit.Limit > 0 && limit.Remaining <= limit.Limit/reserved {
		p.next = limit.Reset
	}
}

// refused takes note of a call that the rate limit refused.
func (p *pacer) refused(err error) {
	p.next = time.Now().Add(unknownPause)
	var failure *sendgrid.Error
	if errors.As(err, &failure) && !failure.RateLimit.Reset.IsZero() {
		p.next = failure.RateLimit.Reset
	}
}

// wait waits until the next call may be made. It returns an error at once if ctx ends before.
func (p *pacer) wait(ctx context.Context) error {
	pause := time.Until(p.next)
	if pause <= 0 {
		return ctx.Err()
	}
	if !retry.Sleep(ctx, pause) {
		return cmp.Or(ctx.Err(), errNoTime)
	}
	return nil
}
