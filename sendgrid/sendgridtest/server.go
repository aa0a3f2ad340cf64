// Package sendgridtest is an in-process SendGrid for tests and laptops. It serves the part
// of the Single Sign-On API that the sendgrid package uses, stores everything in memory,
// behaves as documented unless a script of faults changes that, and records every request.
//
// SendGrid documents no refusal of duplicates, so a second create makes a second integration
// here.
package sendgridtest

import (
	"net/http"
	"sync"
	"time"

	"sendgrid-sso-integration/sendgrid"
)

// Server is an http.Handler that simulates SendGrid. It is safe for concurrent use.
type Server struct {
	mu              sync.Mutex
	keys            map[string]bool
	scopes          map[string][]string
	integrations    []*history[sendgrid.Integration]
	requests        []*Request
	faults          []*Fault
	limit           int
	window          time.Duration
	windows         map[endpoint]*window
	listLag, getLag time.Duration
}

// New returns a server without integrations that accepts any API key and has a rate limit
// that no test reaches.
func New() *Server {
	s := &Server{}
	s.SetRateLimit(defaultLimit, defaultWindow)
	return s
}

// ServeHTTP answers one request as the script prescribes.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	c := newCall(r)
	s.record(c)
	limit := s.take(c.endpoint)
	if c.broken {
		abort() // The client has disconnected in the middle of its request.
	}

	fault := s.nextFault(c.op)
	var out answer
	if fault.Commit {
		out = s.perform(c, limit)
	}
	if !wait(r.Context(), fault.Delay) || fault.Drop {
		abort()
	}
	switch {
	case fault.Status != 0:
		out = answer{status: fault.Status, body: []byte(fault.Body)}
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
func (s *Server) perform(c *call, limit limit) answer {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case !s.knows(c.key):
		return refusal(http.StatusUnauthorized, "The provided authorization grant is invalid, expired, or revoked")
	case c.allow == "":
		return refusal(http.StatusNotFound, "not found")
	case c.op == "":
		refused := refusal(http.StatusMethodNotAllowed, "method not allowed")
		refused.header = http.Header{"Allow": {c.allow}}
		return refused
	case !s.permits(c.key, c.op):
		return refusal(http.StatusForbidden, "access forbidden")
	case limit.exceeded:
		return refusal(http.StatusTooManyRequests, "too many requests")
	case c.tooLarge:
		return refusal(http.StatusRequestEntityTooLarge, "the request body is too large")
	case c.op == sendgrid.OpCreateIntegration:
		return s.create(c)
	case c.op == sendgrid.OpListIntegrations:
		return s.list(c)
	default:
		return s.get(c)
	}
}

func (s *Server) create(c *call) answer {
	in, problems := decodeRequest(c.body)
	if len(problems) > 0 {
		return jsonAnswer(http.StatusBadRequest, problems)
	}
	return jsonAnswer(http.StatusOK, show(s.add(c.account, in), false))
}

func (s *Server) list(c *call) answer {
	shown := []any{}
	for _, each := range s.integrations {
		if i, exists := each.before(s.listLag); exists && each.account == c.account {
			shown = append(shown, show(i, c.si))
		}
	}
	return jsonAnswer(http.StatusOK, shown)
}

func (s *Server) get(c *call) answer {
	for _, each := range s.integrations {
		if i, exists := each.before(s.getLag); exists && each.account == c.account && i.ID == c.id {
			return jsonAnswer(http.StatusOK, show(i, c.si))
		}
	}
	return refusal(http.StatusNotFound, "the integration does not exist")
}
