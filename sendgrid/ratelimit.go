package sendgrid

import (
	"net/http"
	"strconv"
	"time"
)

// maxReset is the latest reset that is accepted. SendGrid's windows are minutes long; a
// reset beyond a day is a broken header.
const maxReset = 24 * time.Hour

// RateLimit is the endpoint's rate limit as an answer reports it.
//
// https://www.twilio.com/docs/sendgrid/api-reference/how-to-use-the-sendgrid-v3-api/rate-limits
type RateLimit struct {
	// Limit is the number of requests in a window, 0 where the answer does not report it.
	Limit int
	// Remaining is the number of requests left in this window.
	Remaining int
	// Reset is when the window ends; zero where the answer does not report it, or reports
	// an impossible time.
	Reset time.Time
}

func parseRateLimit(h http.Header, now time.Time) RateLimit {
	return RateLimit{
		Limit:     parseCount(h.Get("X-RateLimit-Limit")),
		Remaining: parseCount(h.Get("X-RateLimit-Remaining")),
		Reset:     parseReset(h, now),
	}
}

func parseReset(h http.Header, now time.Time) time.Time {
	if epoch, err := strconv.ParseInt(h.Get("X-RateLimit-Reset"), 10, 64); err == nil {
		if reset := time.Unix(epoch, 0); reset.Sub(now).Abs() <= maxReset {
			return reset
		}
	}
	// A gateway before SendGrid uses the standard header.
	if seconds := parseCount(h.Get("Retry-After")); seconds > 0 && seconds <= int(maxReset/time.Second) {
		return now.Add(time.Duration(seconds) * time.Second)
	}
	return time.Time{}
}

// parseCount reads a count; what is missing, negative or not a number is 0.
func parseCount(text string) int {
	n, err := strconv.Atoi(text)
	if err != nil || n < 0 {
		return 0
	}
	return n
}
