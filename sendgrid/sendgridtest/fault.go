package sendgridtest

import (
	"context"
	"time"

	"sendgrid-sso-integration/sendgrid"
)

// Fault is one deviation from the documented behaviour. A fault without Status and Drop
// gives the normal response, so the operation is then performed in any case.
type Fault struct {
	// Op is the operation that it applies to; empty means any request.
	Op sendgrid.Op
	// Skip is the number of such requests that are unaffected first.
	Skip int
	// Times is how often it applies: 0 means once, -1 means always.
	Times int
	// Commit performs the operation even if its response is replaced or lost.
	Commit bool
	// Delay is waited before the operation or, with Commit, right after it. It ends early
	// when the client disconnects; then nothing else is done.
	Delay time.Duration
	// Status, Header and Body replace the response. A header is set on the normal response
	// too, and removed where its value is empty.
	Status int
	Header map[string]string
	Body   string
	// Drop closes the connection without any response.
	Drop bool
	// Truncate announces the whole response and closes the connection half-way through.
	Truncate bool
	// Omit names fields to leave out of the response, in a list out of each entry.
	Omit []string
}

// Script adds faults to the script. At most one applies to a request: the first that
// matches and is not used up.
func (s *Server) Script(faults ...Fault) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, fault := range faults {
		if fault.Times == 0 {
			fault.Times = 1
		}
		s.faults = append(s.faults, &fault)
	}
}

// ClearFaults removes all faults.
func (s *Server) ClearFaults() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults = nil
}

// nextFault returns the fault that applies to a request; the zero Fault changes nothing.
func (s *Server) nextFault(op sendgrid.Op) Fault {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, fault := range s.faults {
		switch {
		case fault.Times == 0 || fault.Op != "" && fault.Op != op:
		case fault.Skip > 0:
			fault.Skip--
		default:
			if fault.Times > 0 {
				fault.Times--
			}
			return *fault
		}
	}
	return Fault{}
}

// wait waits for d, and reports false if ctx ended first.
func wait(ctx context.Context, d time.Duration) bool {
	if d <= 0 {
		return true
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}
