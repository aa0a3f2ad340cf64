package sendgridtest

import (
	"net/http"
	"strconv"
	"time"

	"sendgrid-sso-integration/sendgrid"
)

// The limit that New sets is beyond any test.
const (
	defaultLimit  = 1 << 20
	defaultWindow = time.Minute
)

// endpoint has a rate limit of its own, as SendGrid documents.
type endpoint struct {
	account string
	op      sendgrid.Op
}

// window is the period in which the requests for one endpoint are counted.
type window struct {
	used int
	ends time.Time
}

// limit is the state of a window after a request.
type limit struct {
	limit, remaining int
	reset            time.Time
	exceeded         bool
}

// SetRateLimit allows limit requests for each endpoint of each account in a window. Windows
// follow each other without a gap. Failed requests count, too.
func (s *Server) SetRateLimit(limit int, length time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.limit, s.window = limit, length
	s.windows = map[endpoint]*window{}
}

// ShareRateLimit sets whether the requests for all endpoints of an account are counted
// together.
func (s *Server) ShareRateLimit(shared bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.sharedLimit = shared
	s.windows = map[endpoint]*window{}
}

// take counts a request. A window ends on a full second, because the header has no
// fractions and a client that waits until then must not come too early.
func (s *Server) take(e endpoint) limit {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.sharedLimit {
		e.op = ""
	}
	now := time.Now()
	current := s.windows[e]
	if current == nil || !now.Before(current.ends) {
		ends := now.Truncate(s.window).Add(s.window)
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

// describe sets the headers of every response of SendGrid.
func (l limit) describe(h http.Header) {
	h.Set("X-RateLimit-Limit", strconv.Itoa(l.limit))
	h.Set("X-RateLimit-Remaining", strconv.Itoa(l.remaining))
	h.Set("X-RateLimit-Reset", strconv.FormatInt(l.reset.Unix(), 10))
}
