package sendgridtest

import (
	"net/http"
	"slices"
	"strings"

	"sendgrid-sso-integration/sendgrid"
)

// SetKeys replaces the API keys that are accepted. Without keys, which is the default, any
// key is accepted that is not empty.
func (s *Server) SetKeys(keys ...string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.keys = map[string]bool{}
	for _, key := range keys {
		s.keys[key] = true
	}
}

// SetScopes limits a key to scopes; a key without a limit has every scope.
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
	return !limited || op.Scope() == "" || slices.Contains(scopes, op.Scope())
}

// fullAccess are the scopes of a key without a limit, as far as they matter here.
var fullAccess = []string{
	"mail.send", sendgrid.ScopeCreate, sendgrid.ScopeRead, sendgrid.ScopeUpdate, sendgrid.ScopeDelete,
	sendgrid.ScopeTeammatesCreate, sendgrid.ScopeTeammatesUpdate, sendgrid.ScopeTeammatesRead, sendgrid.ScopeTeammatesDelete,
	sendgrid.ScopeSubusersRead,
}

func (s *Server) listScopes(c *call) response {
	scopes, limited := s.scopes[c.key]
	if !limited {
		scopes = fullAccess
	}
	return jsonResponse(http.StatusOK, map[string]any{"scopes": append([]string{}, scopes...)}) // Never null.
}

// bearer returns the token of an Authorization header, empty where there is none.
func bearer(header string) string {
	scheme, token, _ := strings.Cut(header, " ")
	if !strings.EqualFold(scheme, "Bearer") {
		return ""
	}
	return strings.TrimSpace(token)
}
