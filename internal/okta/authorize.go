package okta

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"sendgrid-sso-integration/internal/idp"
	"sendgrid-sso-integration/internal/secret"
)

// authorize returns what to authenticate the next request with. If the token endpoint refuses
// the cached credential, it tries the newest one.
func (c *Client) authorize(ctx context.Context) (idp.Authorization, error) {
	credential, version, err := c.Credentials.Get(ctx)
	if err != nil {
		return idp.Authorization{}, err
	}
	auth, err := c.authorizeWith(ctx, credential, version)
	var refused *idp.Error
	if !errors.As(err, &refused) || !refused.IsRefused() {
		return auth, err
	}
	credential, newest, refreshErr := c.Credentials.Refresh(ctx, version)
	if refreshErr != nil || newest == version {
		return idp.Authorization{}, errors.Join(err, refreshErr)
	}
	return c.authorizeWith(ctx, credential, newest)
}

// reauthorize returns what to authenticate with after Okta refused an authorization: the
// newest API token, which may be the same, or a new access token.
func (c *Client) reauthorize(ctx context.Context, refused idp.Authorization) (idp.Authorization, error) {
	c.tokens.Drop(refused)
	credential, version, err := c.Credentials.Refresh(ctx, refused.Version)
	if err != nil {
		return idp.Authorization{}, err
	}
	return c.authorizeWith(ctx, credential, version)
}

func (c *Client) authorizeWith(ctx context.Context, credential Credential, version string) (idp.Authorization, error) {
	if !credential.APIToken.IsZero() {
		return idp.Authorization{Scheme: "SSWS", Token: credential.APIToken, Version: version}, nil
	}
	if token, ok := c.tokens.Get(); ok && token.Version == version {
		return token, nil
	}
	token, lifetime, err := c.requestToken(ctx, credential)
	if err != nil {
		return idp.Authorization{}, err
	}
	auth := idp.Authorization{Scheme: "Bearer", Token: token, Version: version}
	c.tokens.Put(auth, lifetime)
	return auth, nil
}

const (
	tokenPath = "/oauth2/v1/token" //nolint:gosec // It is a path.
	// The scopes that a service application has to be granted.
	appsScope  = "okta.apps.manage"
	usersScope = "okta.users.read"
	// assertionLifetime is how long an assertion is valid, which Okta limits to an hour.
	assertionLifetime = 5 * time.Minute
)

// scope is what the client asks for: no more than it uses.
func (c *Client) scope() string {
	if c.ReadsUsers {
		return appsScope + " " + usersScope
	}
	return appsScope
}

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
		"scope":                 {c.scope()},
		"client_assertion_type": {idp.AssertionType},
		"client_assertion":      {assertion},
	}
	r := idp.Request{
		Method: http.MethodPost, Base: c.base(), Path: tokenPath, Accept: idp.JSON, ContentType: idp.Form, Body: []byte(form.Encode()),
		Secret: assertion, Token: true, Limit: idp.MaxTokenBytes,
	}
	response, err := c.api().Send(ctx, r, idp.Authorization{})
	if err != nil {
		return secret.String{}, 0, err
	}
	return c.api().ParseToken(r, response.Body)
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
		"aud": c.base() + tokenPath,
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
