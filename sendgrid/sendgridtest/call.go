package sendgridtest

import (
	"bytes"
	"errors"
	"io"
	"net/http"

	"sendgrid-sso-integration/sendgrid"
)

// maxBody bounds what is read of a request, in bytes.
const maxBody = 256 << 10

// Request is a request as the server received it.
type Request struct {
	// Op is empty for a request that is no operation of the client.
	Op       sendgrid.Op
	Method   string
	Path     string // escaped, as it was sent
	RawQuery string
	Header   http.Header
	Body     []byte
	// Status is that of the response, 0 where there was none, or is none yet.
	Status int
}

// Requests returns every request so far, in the order of their arrival.
func (s *Server) Requests() []Request {
	s.mu.Lock()
	defer s.mu.Unlock()
	requests := make([]Request, 0, len(s.requests))
	for _, r := range s.requests {
		copied := *r
		copied.Header = r.Header.Clone()
		copied.Body = bytes.Clone(r.Body)
		requests = append(requests, copied)
	}
	return requests
}

// Count returns how many requests for an operation have arrived, failed ones included.
func (s *Server) Count(op sendgrid.Op) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	count := 0
	for _, r := range s.requests {
		if r.Op == op {
			count++
		}
	}
	return count
}

// call is a parsed request.
type call struct {
	endpoint
	request *Request
	// allow names the methods of the path, empty where there is no such path.
	allow string
	// wrapsErrors reports whether the path's errors have an object around them.
	wrapsErrors bool
	id          string
	key         string
	si          bool
	body        []byte
	tooLarge    bool
	// broken reports that the request ended prematurely.
	broken bool
}

func newCall(r *http.Request) *call {
	c := &call{key: bearer(r.Header.Get("Authorization")), si: r.URL.Query().Get("si") == "true"}
	c.account = r.Header.Get("On-Behalf-Of")
	c.route(r.Method, r.URL.EscapedPath())

	var err error
	c.body, err = io.ReadAll(http.MaxBytesReader(nil, r.Body, maxBody))
	var tooLarge *http.MaxBytesError
	c.tooLarge = errors.As(err, &tooLarge)
	c.broken = err != nil && !c.tooLarge

	c.request = &Request{
		Op:       c.op,
		Method:   r.Method,
		Path:     r.URL.EscapedPath(),
		RawQuery: r.URL.RawQuery,
		Header:   r.Header.Clone(),
		Body:     c.body,
	}
	return c
}

func (s *Server) record(c *call) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.requests = append(s.requests, c.request)
}

// finish records the status before the response is written, so that a client that has read
// the response finds it recorded.
func (s *Server) finish(c *call, status int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	c.request.Status = status
}
