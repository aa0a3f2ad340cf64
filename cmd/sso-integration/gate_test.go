package main_test

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"sendgrid-sso-integration/internal/lambdatest"
)

// step is a request of the function to an endpoint, before the endpoint carries it out, or
// after that and before the function gets the response.
type step struct {
	matches func(r *http.Request, body []byte) bool
	after   bool
}

func (s step) done() step { return step{s.matches, true} }

// stores is the write of a ledger entry in a state, leased or not.
func stores(state string, leased bool) step {
	return step{matches: func(r *http.Request, body []byte) bool {
		var in struct {
			Item struct{ State, Owner struct{ S string } }
		}
		return r.Header.Get("X-Amz-Target") == "DynamoDB_20120810.PutItem" &&
			json.Unmarshal(body, &in) == nil && in.Item.State.S == state && (in.Item.Owner.S != "") == leased
	}}
}

// callOf is a call of SendGrid, to a path that ends so.
func callOf(method, pathEnd string) step {
	return step{matches: func(r *http.Request, _ []byte) bool {
		return r.Header.Get("X-Amz-Target") == "" && r.Method == method && strings.HasSuffix(r.URL.Path, pathEnd)
	}}
}

// gate stands before the endpoints of the function, and stops one request at one of them.
type gate struct {
	mu      sync.Mutex
	step    step
	reached chan struct{} // It is nil while no request is to be stopped.
}

// arm makes the gate stop the first request that is the step, and returns a channel that is
// closed once it has. Others pass after it.
func (g *gate) arm(s step) <-chan struct{} {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.step, g.reached = s, make(chan struct{})
	return g.reached
}

// stops returns the channel to close if a request is the one to stop.
func (g *gate) stops(r *http.Request, body []byte) (s step, reached chan struct{}) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.reached == nil || !g.step.matches(r, body) {
		return step{}, nil
	}
	s, reached, g.reached = g.step, g.reached, nil
	return s, reached
}

// before returns an endpoint with the gate before it.
func (g *gate) before(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		// Only once the body is read does the server notice that the caller is gone.
		body, _ := io.ReadAll(r.Body)
		r.Body = io.NopCloser(bytes.NewReader(body))
		s, reached := g.stops(r, body)
		if reached == nil {
			next.ServeHTTP(w, r)
			return
		}
		if s.after {
			next.ServeHTTP(discard{http.Header{}}, r.Clone(r.Context()))
		}
		close(reached)
		<-r.Context().Done() // The caller is killed.
	})
}

// discard is where a response goes that nobody gets.
type discard struct{ header http.Header }

func (d discard) Header() http.Header         { return d.header }
func (d discard) Write(p []byte) (int, error) { return len(p), nil }
func (d discard) WriteHeader(int)             {}

// killAt sends an event to a function and kills it at the step.
func (g *gate) killAt(t *testing.T, s step, f *lambdatest.Function, event []byte) {
	t.Helper()
	reached := g.arm(s)
	f.Send(event, timeout)
	select {
	case <-reached:
	case <-time.After(timeout):
		require.FailNow(t, "the step is not reached")
	}
	require.NoError(t, f.Process().Kill())
	<-f.Exited()
}
