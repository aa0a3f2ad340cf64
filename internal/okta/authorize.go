package okta

import (
	"context"
	"errors"
	"sync"
	"time"

	"sendgrid-sso-integration/internal/secret"
)

// authorization is what one request is authenticated with.
type authorization struct {
	// scheme and token make the value of the Authorization header.
	scheme string
	token  secret.String
	// version is that of the credential behind it.
	version string
}

// header returns the value of the Authorization header, empty without a token.
func (a authorization) header() string {
	if a.token.IsZero() {
		return ""
	}
	return a.scheme + " " + a.token.Reveal()
}

// same reports whether both make the same header.
func (a authorization) same(b authorization) bool { return a.header() == b.header() }

// tokenCache keeps the access token of a service application. Two callers at once may both
// fetch one; either is good.
type tokenCache struct {
	mu      sync.Mutex
	token   authorization
	expires time.Time
}

// get returns the token for a version of the credential, unless it expires soon.
func (c *tokenCache) get(version string) (authorization, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	// The monotonic clock stops while Lambda freezes the process.
	fresh := time.Now().Round(0).Before(c.expires)
	return c.token, fresh && c.token.version == version
}

func (c *tokenCache) put(token authorization, expires time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.token, c.expires = token, expires.Round(0)
}

// drop forgets the token if it is still the one that was refused.
func (c *tokenCache) drop(refused authorization) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.token.same(refused) {
		c.expires = time.Time{}
	}
}

// authorize returns what to authenticate the next request with. If the token endpoint refuses
// the cached credential, it tries the newest one.
func (c *Client) authorize(ctx context.Context) (authorization, error) {
	credential, version, err := c.Credentials.Get(ctx)
	if err != nil {
		return authorization{}, err
	}
	auth, err := c.authorizeWith(ctx, credential, version)
	var refused *Error
	if !errors.As(err, &refused) || !refused.IsRefused() {
		return auth, err
	}
	credential, newest, refreshErr := c.Credentials.Refresh(ctx, version)
	if refreshErr != nil || newest == version {
		return authorization{}, errors.Join(err, refreshErr)
	}
	return c.authorizeWith(ctx, credential, newest)
}

// reauthorize returns what to authenticate with after Okta refused an authorization: the
// newest API token, which may be the same, or a new access token.
func (c *Client) reauthorize(ctx context.Context, refused authorization) (authorization, error) {
	c.tokens.drop(refused)
	credential, version, err := c.Credentials.Refresh(ctx, refused.version)
	if err != nil {
		return authorization{}, err
	}
	return c.authorizeWith(ctx, credential, version)
}

func (c *Client) authorizeWith(ctx context.Context, credential Credential, version string) (authorization, error) {
	if !credential.APIToken.IsZero() {
		return authorization{scheme: "SSWS", token: credential.APIToken, version: version}, nil
	}
	if token, ok := c.tokens.get(version); ok {
		return token, nil
	}
	token, lifetime, err := c.requestToken(ctx, credential)
	if err != nil {
		return authorization{}, err
	}
	auth := authorization{scheme: "Bearer", token: token, version: version}
	c.tokens.put(auth, time.Now().Add(lifetime-tokenMargin))
	return auth, nil
}
