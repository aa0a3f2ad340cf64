package sendgridtest

import (
	"net/http"
	"strconv"
	"time"

	"sendgrid-sso-integration/sendgrid"
)

// The limit that New sets is out of the way of any test.
const (
	defaultLimit  = 1 << 20
	defaultWindow = time.Minute
)

// endpoint is what a rate limit is counted for: SendGrid documents limits per endpoint.
type endpoint struct {
	account string
	op      sendgrid.Op
}

// window is the time in which the requests for one endpoint are counted together.
type window struct {
	used int
	ends time.Time
}

// limit is where a request stands in its window.
type limit struct {
	limit, remaining int
	reset            time.Time
	exceeded         bool
}

// SetRateLimit allows so many requests for each endpoint of each account in a window,
// which begins with the first of them. Every request counts, whatever comes of it.
func (s *Server) SetRateLimit(limit int, length time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.limit, s.window = limit, length
	s.windows = map[endpoint]*window{}
}

// take counts a request. A window ends on a full second, because the header that tells
// its end knows no fractions, and who waits for it must not come too early.
func (s *Server) take(e endpoint) limit {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := time.Now()
	current := s.windows[e]
	if current == nil || !now.Before(current.ends) {
		ends := now.Add(s.window)
		if whole := ends.Truncate(time.Second); whole.Before(ends) {
			ends = whole.Add(time.Second)
		}
		current = &window{ends: ends}
		s.windows[e] = current
	}
	current.used++
	return limit{
		limit:     s.limit,
		remaining: max(0, s.limit-current.used),
		reset:     current.ends,
		exceeded:  current.used > s.limit,
	}
}

// describe sets the headers that every answer of SendGrid carries.
func (l limit) describe(h http.Header) {
	h.Set("X-RateLimit-Limit", strconv.Itoa(l.limit))
	h.Set("X-RateLimit-Remaining", strconv.Itoa(l.remaining))
	h.Set("X-RateLimit-Reset", strconv.FormatInt(l.reset.Unix(), 10))
}
