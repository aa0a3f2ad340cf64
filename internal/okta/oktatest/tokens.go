package oktatest

import (
	"crypto/rand"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/golang-jwt/jwt/v5"
)

const (
	tokenPath     = "/oauth2/v1/token" //nolint:gosec // It is a path.
	assertionType = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
	tokenLifetime = time.Hour
)

// accessToken is what an access token permits, and until when.
type accessToken struct {
	expires time.Time
	scopes  []string
}

// authenticated reports whether a request has an API token or an access token that is valid, and
// permitted whether that permits the request: an access token permits what its scopes do, an API
// token what its user may do, which is all of it. The caller has locked s.mu.
func (s *Server) authenticated(r *http.Request) (authenticated, permitted bool) {
	scheme, token, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	switch scheme {
	case "SSWS":
		known := slices.Contains(s.tokens, token)
		return known, known
	case "Bearer":
		scope := "okta.apps.manage"
		if strings.HasPrefix(r.URL.Path, usersPath) {
			scope = "okta.users.read"
		}
		issued := s.issued[token]
		return time.Now().Before(issued.expires), slices.Contains(issued.scopes, scope)
	default:
		return false, false
	}
}

// issue responds to a request for an access token by the client credentials grant. The caller has
// locked s.mu.
func (s *Server) issue(w http.ResponseWriter, r *http.Request, body []byte) {
	form, err := url.ParseQuery(string(body))
	if err != nil || r.Method != http.MethodPost || form.Get("grant_type") != "client_credentials" ||
		form.Get("client_assertion_type") != assertionType {
		refuse(w, http.StatusBadRequest, "invalid_request", "Only client_credentials with private_key_jwt is supported.")
		return
	}
	scopes := strings.Fields(form.Get("scope"))
	if len(scopes) == 0 || slices.ContainsFunc(scopes, func(scope string) bool { return !slices.Contains(s.granted, scope) }) {
		refuse(w, http.StatusBadRequest, "invalid_scope", "One or more scopes are not configured for the client.")
		return
	}
	if err := s.verify(form.Get("client_assertion"), "http://"+r.Host+tokenPath); err != nil {
		refuse(w, http.StatusUnauthorized, "invalid_client", err.Error())
		return
	}
	token := "access-" + rand.Text()
	s.issued[token] = accessToken{time.Now().Add(tokenLifetime), scopes}
	respond(w, http.StatusOK, map[string]any{
		"token_type": "Bearer", "access_token": token, "expires_in": int(tokenLifetime.Seconds()), "scope": form.Get("scope"),
	})
}

// verify checks an assertion as Okta does: signed by the client's key, for this audience, in its
// time, for at most an hour, and used once.
func (s *Server) verify(assertion, audience string) error {
	var claims jwt.RegisteredClaims
	token, err := jwt.ParseWithClaims(assertion, &claims, func(t *jwt.Token) (any, error) {
		known, ok := s.clients[claims.Issuer]
		if !ok || t.Header["kid"] != known.keyID {
			return nil, fmt.Errorf("the client %q has no key %q", claims.Issuer, t.Header["kid"])
		}
		return known.key, nil
	}, jwt.WithValidMethods([]string{"RS256"}), jwt.WithAudience(audience), jwt.WithExpirationRequired(), jwt.WithIssuedAt())
	switch {
	case err != nil:
		return err
	case !token.Valid || claims.Subject != claims.Issuer:
		return fmt.Errorf("sub and iss are not the client id")
	case time.Until(claims.ExpiresAt.Time) > time.Hour:
		return fmt.Errorf("exp is more than an hour away")
	case claims.ID == "" || s.used[claims.ID]:
		return fmt.Errorf("the assertion was used before")
	}
	s.used[claims.ID] = true
	return nil
}

func refuse(w http.ResponseWriter, status int, code, description string) {
	respond(w, status, map[string]string{"error": code, "error_description": description})
}
