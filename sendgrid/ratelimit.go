package sendgrid

import (
	"math"
	"net/http"
	"strconv"
	"time"
)

const (
	// maxTrust is how long a rate limit is used without another response: a wrong reset must not
	// block a process for hours.
	maxTrust = time.Minute
	// maxReset is the latest reset that is taken for one. What is beyond it is a broken header.
	maxReset = 24 * time.Hour
)

// RateLimit is the endpoint's rate limit as a response states it. It is zero where the response
// does not state it plainly, because half a statement is no reason to wait.
//
// https://www.twilio.com/docs/sendgrid/api-reference/how-to-use-the-sendgrid-v3-api/rate-limits
type RateLimit struct {
	// Limit is the number of requests in a window, 0 where the response does not state it.
	Limit int
	// Remaining is the number of requests left in this window.
	Remaining int
	// Reset is until when the limit is used: until the window ends, and for a minute at most. It
	// is zero where the response does not state it. It has no monotonic reading, because the
	// monotonic clock stops while Lambda freezes the process: a window would outlast its reset.
	Reset time.Time
}

// parseRateLimit reads the rate limit of a response. A limit, what remains of it, and its reset
// count only together. A refusal may have Retry-After instead, the standard header of gateways.
func parseRateLimit(h http.Header, status int, now time.Time) RateLimit {
	now = now.Round(0) // The wall clock alone.
	limit, remaining := parseCount(h, "X-RateLimit-Limit"), parseCount(h, "X-RateLimit-Remaining")
	until := time.Unix(int64(parseCount(h, "X-RateLimit-Reset")), 0).Sub(now)
	if limit > 0 && remaining >= 0 && remaining <= limit && plausible(until) {
		return RateLimit{Limit: limit, Remaining: remaining, Reset: now.Add(min(until, maxTrust))}
	}
	// The bound, of 68 years, keeps the number of nanoseconds from overflowing.
	until = time.Duration(min(parseCount(h, "Retry-After"), math.MaxInt32)) * time.Second
	if status == http.StatusTooManyRequests && plausible(until) {
		return RateLimit{Reset: now.Add(min(until, maxTrust))}
	}
	return RateLimit{}
}

// plausible reports whether a window can end after this time.
func plausible(until time.Duration) bool { return until > 0 && until <= maxReset }

// parseCount reads a number that is not negative. It returns -1 where there is none.
func parseCount(h http.Header, name string) int {
	n, err := strconv.Atoi(h.Get(name))
	if err != nil || n < 0 {
		return -1
	}
	return n
}
