// Package sendgridtest is an in-process SendGrid for tests and laptops. It serves the part
// of the API that the sendgrid package uses, stores everything in memory,
// behaves as documented unless a script of faults changes that, and records every request.
//
// SendGrid documents no refusal of duplicates, so a second create makes a second integration
// here. Where people have reported that SendGrid does something else with teammates than is
// documented, so does this.
package sendgridtest

import (
	"net/http"
	"strings"
	"sync"
	"time"

	"sendgrid-sso-integration/sendgrid"
)

// Server is an http.Handler that simulates SendGrid. It is safe for concurrent use.
type Server struct {
	mu              sync.Mutex
	keys            map[string]bool
	publicURL       string
	scopes          map[string][]string
	integrations    []*history[sendgrid.Integration]
	certificates    []*history[Certificate]
	certificateForm func(string) string
	teammates       []*history[sendgrid.Teammate]
	pending         []string // the emails of invitations
	subusers        []sendgrid.Subuser
	requests        []*Request
	faults          []*Fault
	limit           int
	window          time.Duration
	windows         map[endpoint]*window
	sharedLimit     bool
	listLag, getLag time.Duration
}

// New returns a server without integrations that accepts any API key and has a rate limit
// that no test reaches.
func New() *Server {
	s := &Server{publicURL: sendgrid.GlobalBaseURL}
	s.SetRateLimit(defaultLimit, defaultWindow)
	return s
}

// ServeHTTP responds to one request as the script prescribes.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if id, found := strings.CutPrefix(r.URL.Path, samlPath); found {
		s.serveLogIn(w, r, id)
		return
	}
	c := newCall(r)
	s.record(c)
	limit := s.take(c.endpoint)
	if c.broken {
		abort() // The client has disconnected in the middle of its request.
	}

	fault := s.nextFault(c.op)
	var out response
	if fault.Commit {
		out = s.perform(c, limit)
	}
	if !wait(r.Context(), fault.Delay) || fault.Drop {
		abort()
	}
	switch {
	case fault.Status != 0:
		out = response{status: fault.Status, body: []byte(fault.Body)}
	case !fault.Commit:
		out = s.perform(c, limit)
	}
	out.omit(fault.Omit)
	s.finish(c, out.status)

	limit.describe(w.Header())
	out.describe(w.Header())
	for name, value := range fault.Header {
		w.Header().Del(name)
		if value != "" {
			w.Header().Set(name, value)
		}
	}
	if fault.Truncate {
		out.writeHalf(w)
	}
	out.write(w)
}

// perform carries out a request as documented.
func (s *Server) perform(c *call, limit limit) response {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case !s.knows(c.key):
		return c.refusal(http.StatusUnauthorized, "The provided authorization grant is invalid, expired, or revoked")
	case c.allow == "":
		return c.refusal(http.StatusNotFound, "not found")
	case c.op == "":
		refused := c.refusal(http.StatusMethodNotAllowed, "method not allowed")
		refused.header = http.Header{"Allow": {c.allow}}
		return refused
	case !s.permits(c.key, c.op):
		return c.refusal(http.StatusForbidden, "access forbidden")
	case limit.exceeded:
		return c.refusal(http.StatusTooManyRequests, "too many requests")
	case c.tooLarge:
		return c.refusal(http.StatusRequestEntityTooLarge, "the request body is too large")
	default:
		return operations[c.op](s, c)
	}
}
