package idp

import (
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"sync"
	"time"
	"unicode"

	"sendgrid-sso-integration/internal/secret"
)

// AssertionType is the type of an assertion by which a client authenticates (RFC 7523).
const AssertionType = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"

const (
	// MaxTokenBytes bounds the response of a token endpoint.
	MaxTokenBytes = 64 << 10
	// tokenMargin is how long before its end an access token is no longer used.
	tokenMargin = time.Minute
)

// Authorization is what one request is authenticated with.
type Authorization struct {
	// Scheme and Token make the value of the Authorization header.
	Scheme string
	Token  secret.String
	// Version is that of the credential behind it.
	Version string
}

// header returns the value of the Authorization header, empty without a token.
func (a Authorization) header() string {
	if a.Token.IsZero() {
		return ""
	}
	return a.Scheme + " " + a.Token.Reveal()
}

// Same reports whether both make the same header.
func (a Authorization) Same(b Authorization) bool { return a.header() == b.header() }

// TokenCache keeps an access token. Two callers at once may both fetch one; either is good. The
// zero value is ready to use.
type TokenCache struct {
	mu      sync.Mutex
	token   Authorization
	expires time.Time
}

// Get returns the token, unless it expires soon.
func (c *TokenCache) Get() (Authorization, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	// The monotonic clock stops while Lambda freezes the process.
	return c.token, time.Now().Round(0).Before(c.expires)
}

// Put keeps a token for its lifetime.
func (c *TokenCache) Put(token Authorization, lifetime time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.token, c.expires = token, time.Now().Add(lifetime-tokenMargin).Round(0)
}

// Drop forgets the token if it is still the one that was refused.
func (c *TokenCache) Drop(refused Authorization) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.token.Same(refused) {
		c.expires = time.Time{}
	}
}

// ParseToken reads the response of a token endpoint to a request. It returns the token's lifetime
// with it.
func (a *API) ParseToken(r Request, body []byte) (secret.String, time.Duration, error) {
	var response struct {
		AccessToken string `json:"access_token"`
		TokenType   string `json:"token_type"`
		ExpiresIn   int64  `json:"expires_in"`
	}
	// An error of encoding/json could quote the token.
	if json.Unmarshal(body, &response) != nil || response.AccessToken == "" || !strings.EqualFold(response.TokenType, "Bearer") ||
		strings.ContainsFunc(response.AccessToken, IsUnfit) {
		return secret.String{}, 0, &Error{
			Provider: a.Provider, Op: r.Method + " " + r.Path, Token: true, Status: http.StatusOK,
			Err: errors.New("the response has no bearer token"),
		}
	}
	return secret.NewString(response.AccessToken), time.Duration(min(response.ExpiresIn, 24*60*60)) * time.Second, nil
}

// IsUnfit reports whether a character cannot be part of a header.
func IsUnfit(r rune) bool { return r <= ' ' || r >= unicode.MaxASCII }
