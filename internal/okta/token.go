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
	"time"

	"github.com/golang-jwt/jwt/v5"

	"sendgrid-sso-integration/internal/secret"
)

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
