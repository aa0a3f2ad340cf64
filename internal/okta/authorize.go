package okta

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/golang-jwt/jwt/v5"

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

const (
	tokenPath = "/oauth2/v1/token" //nolint:gosec // It is a path.
	// scope is what a service application has to be granted.
	scope = "okta.apps.manage"
	// assertionLifetime is how long an assertion is valid, which Okta limits to an hour.
	assertionLifetime = 5 * time.Minute
	// tokenMargin is how long before its end an access token is no longer used.
	tokenMargin   = time.Minute
	maxTokenBytes = 64 << 10
)

// requestToken gets an access token by the client credentials grant, authenticated by a
// private key. It returns the token's lifetime with it.
//
// https://developer.okta.com/docs/guides/implement-oauth-for-okta-serviceapp/main/
func (c *Client) requestToken(ctx context.Context, credential Credential) (secret.String, time.Duration, error) {
	assertion, err := c.assertion(credential, time.Now())
	if err != nil {
		return secret.String{}, 0, err
	}
	form := url.Values{
		"grant_type":            {"client_credentials"},
		"scope":                 {scope},
		"client_assertion_type": {"urn:ietf:params:oauth:client-assertion-type:jwt-bearer"},
		"client_assertion":      {assertion},
	}
	body, err := c.send(ctx, request{
		method: http.MethodPost, path: tokenPath, accept: jsonType,
		contentType: "application/x-www-form-urlencoded", body: []byte(form.Encode()), secret: assertion, limit: maxTokenBytes,
	}, authorization{})
	if err != nil {
		return secret.String{}, 0, err
	}
	var answer struct {
		AccessToken string `json:"access_token"`
		TokenType   string `json:"token_type"`
		ExpiresIn   int64  `json:"expires_in"`
	}
	// An error of encoding/json could quote the token.
	if json.Unmarshal(body, &answer) != nil || answer.AccessToken == "" || !strings.EqualFold(answer.TokenType, "Bearer") ||
		strings.ContainsFunc(answer.AccessToken, isUnfit) {
		return secret.String{}, 0, &Error{Op: http.MethodPost + " " + tokenPath, Status: http.StatusOK, Err: errors.New("the answer has no bearer token")}
	}
	return secret.NewString(answer.AccessToken), time.Duration(min(answer.ExpiresIn, 24*60*60)) * time.Second, nil
}

// assertion signs who the client is. Okta accepts an assertion once, because of its jti.
func (c *Client) assertion(credential Credential, now time.Time) (string, error) {
	key, err := jwt.ParseRSAPrivateKeyFromPEM([]byte(credential.PrivateKey.Reveal()))
	if err != nil {
		return "", errNotRSA // The library's error could quote the key.
	}
	token := jwt.NewWithClaims(jwt.SigningMethodRS256, jwt.MapClaims{
		"iss": credential.ClientID,
		"sub": credential.ClientID,
		"aud": strings.TrimRight(c.OrgURL, "/") + tokenPath,
		"iat": now.Unix(),
		"exp": now.Add(assertionLifetime).Unix(),
		"jti": rand.Text(),
	})
	token.Header["kid"] = credential.KeyID
	signed, err := token.SignedString(key)
	if err != nil {
		return "", fmt.Errorf("sign the assertion: %w", err)
	}
	return signed, nil
}
