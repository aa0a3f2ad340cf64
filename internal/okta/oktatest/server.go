// Package oktatest is the part of Okta for tests that an okta.Client calls: applications with
// their SAML metadata, users and their assignments, API tokens, and access tokens for service applications.
package oktatest

import (
	"crypto/rsa"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"
)

const maxBody = 1 << 20

// Request is a request that the server got.
type Request struct {
	Method, Path string
	// Authorization is the value of the header.
	Authorization string
	Body          string
}

// Fault is a response in place of the regular one.
type Fault struct {
	// Method and Path are of the requests with this response; an empty one is any.
	Method, Path string
	// Status is the HTTP status. For 429, the rate limit ends after RetryAfter.
	Status     int
	RetryAfter time.Duration
	// After makes the server carry out the request before it responds.
	After bool
	// Body is that of the response. "{{sent}}" in it stands for what the caller sent: the
	// Authorization header and the body.
	Body string
}

// Server is an http.Handler that serves one Okta org from memory. It is safe for concurrent use.
type Server struct {
	mu       sync.Mutex
	apps     map[string]map[string]json.RawMessage
	metadata map[appKey][]byte
	users    map[string]json.RawMessage
	appUsers map[assignment]json.RawMessage
	tokens   []string
	granted  []string // the scopes of every service application
	clients  map[string]client
	used     map[string]bool // the jti of every assertion
	issued   map[string]accessToken
	faults   []Fault
	requests []Request
	writes   int
	pageSize int
}

// appKey names a signing key of an application.
type appKey struct{ app, kid string }

// assignment names the assignment of a user to an application.
type assignment struct{ app, user string }

// client is a service application.
type client struct {
	keyID string
	key   *rsa.PublicKey
}

// New returns an org without applications that accepts no credential.
func New() *Server {
	return &Server{
		apps: map[string]map[string]json.RawMessage{}, metadata: map[appKey][]byte{},
		users: map[string]json.RawMessage{}, appUsers: map[assignment]json.RawMessage{},
		clients: map[string]client{}, used: map[string]bool{}, issued: map[string]accessToken{}, pageSize: 200,
		granted: []string{"okta.apps.manage"},
	}
}

// Put stores an application, which has to be a JSON object with an "id", and the SAML metadata
// of the key in its "credentials"; without any, that key has none. The metadata of other keys
// stays.
func (s *Server) Put(app string, metadata []byte) {
	var fields map[string]json.RawMessage
	var known struct {
		ID          string
		Credentials struct{ Signing struct{ Kid string } }
	}
	if json.Unmarshal([]byte(app), &fields) != nil || json.Unmarshal([]byte(app), &known) != nil || known.ID == "" {
		panic("oktatest: not an application: " + app)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.apps[known.ID] = fields
	s.metadata[appKey{known.ID, known.Credentials.Signing.Kid}] = metadata
}

// SetPageSize makes pages of the list of applications have at most so many.
func (s *Server) SetPageSize(n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.pageSize = n
}

// Remove deletes an application.
func (s *Server) Remove(id string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.apps, id)
}

// App returns an application as JSON.
func (s *Server) App(id string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return string(encode(s.apps[id]))
}

// SetTokens makes these the API tokens that are accepted.
func (s *Server) SetTokens(tokens ...string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.tokens = tokens
}

// SetClient makes a service application with one key known, and revokes the access tokens that
// were issued.
func (s *Server) SetClient(id, keyID string, key *rsa.PublicKey) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.clients[id] = client{keyID, key}
	clear(s.issued)
}

// Grant makes these the scopes that are granted to service applications, in place of
// okta.apps.manage alone.
func (s *Server) Grant(scopes ...string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.granted = scopes
}

// RevokeAccessTokens makes every access token that was issued invalid.
func (s *Server) RevokeAccessTokens() {
	s.mu.Lock()
	defer s.mu.Unlock()
	clear(s.issued)
}

// Fail scripts the next responses, one fault for each request that matches it.
func (s *Server) Fail(faults ...Fault) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults = append(s.faults, faults...)
}

// Requests returns the requests so far, in order.
func (s *Server) Requests() []Request {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.requests)
}

// Writes returns how often an application was replaced.
func (s *Server) Writes() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.writes
}

// ServeHTTP handles one request.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	if err != nil {
		fail(w, http.StatusRequestEntityTooLarge, "E0000003", "The request body was not well-formed.")
		return
	}
	if r.URL.Path == "/.well-known/okta-organization" {
		respond(w, http.StatusOK, map[string]string{"id": "00o1"})
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	sent := Request{Method: r.Method, Path: r.URL.RequestURI(), Authorization: r.Header.Get("Authorization"), Body: string(body)}
	s.requests = append(s.requests, sent)
	fault := s.nextFault(r)
	if fault != nil && !fault.After {
		fault.write(w, sent)
		return
	}
	if fault != nil {
		s.route(discard{http.Header{}}, r, body)
		fault.write(w, sent)
		return
	}
	s.route(w, r, body)
}

func (s *Server) nextFault(r *http.Request) *Fault {
	for i, f := range s.faults {
		if (f.Method == "" || f.Method == r.Method) && (f.Path == "" || f.Path == r.URL.Path) {
			s.faults = slices.Delete(s.faults, i, i+1)
			return &f
		}
	}
	return nil
}

func (f *Fault) write(w http.ResponseWriter, sent Request) {
	if f.Status == http.StatusTooManyRequests {
		now := time.Now().Truncate(time.Second)
		w.Header().Set("Date", now.UTC().Format(http.TimeFormat))
		w.Header().Set("X-Rate-Limit-Reset", fmt.Sprint(now.Add(f.RetryAfter).Unix()))
	}
	w.WriteHeader(f.Status)
	_, _ = io.WriteString(w, strings.ReplaceAll(f.Body, "{{sent}}", sent.Authorization+" "+sent.Body))
}

// discard is a ResponseWriter without a reader.
type discard struct{ header http.Header }

func (d discard) Header() http.Header         { return d.header }
func (d discard) Write(b []byte) (int, error) { return len(b), nil }
func (d discard) WriteHeader(int)             {}

// respond writes a JSON response.
func respond(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_, _ = w.Write(encode(body)) // An error means that the caller closed the connection.
}

func fail(w http.ResponseWriter, status int, code, summary string) {
	respond(w, status, map[string]any{"errorCode": code, "errorSummary": summary, "errorLink": code, "errorId": "oae1", "errorCauses": []any{}})
}

func encode(v any) []byte {
	data, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return data
}

// keep copies the named fields of one object into another.
func keep(to, from map[string]json.RawMessage, names ...string) {
	maps.DeleteFunc(to, func(name string, _ json.RawMessage) bool { return slices.Contains(names, name) })
	for _, name := range names {
		if value, ok := from[name]; ok {
			to[name] = value
		}
	}
}
