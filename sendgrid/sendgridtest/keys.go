package sendgridtest

import (
	"slices"
	"strings"

	"sendgrid-sso-integration/sendgrid"
)

// SetKeys sets the API keys that are accepted from now on, in place of those before. With
// no keys, which is the default, any is accepted that is not empty.
func (s *Server) SetKeys(keys ...string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.keys = map[string]bool{}
	for _, key := range keys {
		s.keys[key] = true
	}
}

// SetScopes limits what a key may do; a key without limits may do everything.
func (s *Server) SetScopes(key string, scopes ...string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.scopes == nil {
		s.scopes = map[string][]string{}
	}
	s.scopes[key] = scopes
}

func (s *Server) knows(key string) bool {
	return key != "" && (len(s.keys) == 0 || s.keys[key])
}

func (s *Server) permits(key string, op sendgrid.Op) bool {
	scopes, limited := s.scopes[key]
	return !limited || slices.Contains(scopes, op.Scope())
}

// bearer returns the token of an Authorization header, empty where it holds none.
func bearer(header string) string {
	scheme, token, _ := strings.Cut(header, " ")
	if !strings.EqualFold(scheme, "Bearer") {
		return ""
	}
	return strings.TrimSpace(token)
}
