// Package okta is a client of the part of Okta's management API that reads and changes SAML
// applications. It knows no AWS, except that its credential comes from a cached secret.
//
// API reference: https://developer.okta.com/docs/api/openapi/okta-management/management/tag/Application/
package okta

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"sendgrid-sso-integration/internal/retry"
)

const (
	// maxAnswerBytes bounds what is read of an answer. An application takes less than 50 KiB.
	maxAnswerBytes = 1 << 20
	// MaxMetadataBytes bounds the SAML metadata of an application, which takes less than 4 KiB
	// for each signing certificate. An event with this much of it still fits into EventBridge.
	MaxMetadataBytes = 128 << 10
	// maxTries bounds how often a request is sent that Okta's rate limit refuses.
	maxTries = 4
)

// Call describes one HTTP request to Okta after it ended, for logs and metrics.
type Call struct {
	Method string
	// Status is the HTTP status, 0 where no answer came.
	Status   int
	Duration time.Duration
}

// Client calls the API of one Okta org. Set its fields before the first call; its methods
// may be called concurrently.
//
// Every request that it sends is idempotent: repeating one changes nothing more. The client
// repeats a request only where Okta has certainly not carried it out (401 with a new
// credential, 429); other repetitions are up to the caller.
type Client struct {
	// OrgURL is the URL of the org, such as "https://example.okta.com". Required.
	OrgURL string
	// Credentials supplies the credential. Required.
	Credentials CredentialSource
	// UserAgent is sent with every request.
	UserAgent string
	// HTTP sends the requests. Required; NewHTTPClient returns one.
	HTTP *http.Client
	// OnCall, if set, is called after each request.
	OnCall func(context.Context, Call)

	tokens tokenCache
}

// IsAppID reports whether text has the form of an application's id, such as
// "0oa1gjh63g214q0Hq0g4", so that it can be part of a URL.
func IsAppID(text string) bool {
	const maxID = 64
	isForeign := func(r rune) bool {
		return (r < '0' || r > '9') && (r < 'A' || r > 'Z') && (r < 'a' || r > 'z')
	}
	return text != "" && len(text) <= maxID && !strings.ContainsFunc(text, isForeign)
}

// Application reads an application. Errors of the answer are of type *Error.
//
// https://developer.okta.com/docs/api/openapi/okta-management/management/tag/Application/#tag/Application/operation/getApplication
func (c *Client) Application(ctx context.Context, id string) (*Application, error) {
	body, err := c.do(ctx, request{method: http.MethodGet, path: "/api/v1/apps/" + url.PathEscape(id), accept: jsonType, limit: maxAnswerBytes})
	if err != nil {
		return nil, err
	}
	return parseApplication(body)
}

// Metadata reads the SAML metadata of an application with the certificate of one of its keys,
// at most MaxMetadataBytes. Without a key it is that of the key with which Okta signs. Errors
// of the answer are of type *Error; Okta answers 404 for a key that it does not show.
//
// https://developer.okta.com/docs/api/openapi/okta-management/management/tag/ApplicationSSO/#tag/ApplicationSSO/operation/previewSAMLmetadataForApplication
func (c *Client) Metadata(ctx context.Context, id, keyID string) ([]byte, error) {
	path := "/api/v1/apps/" + url.PathEscape(id) + "/sso/saml/metadata"
	if keyID != "" {
		path += "?" + url.Values{"kid": {keyID}}.Encode()
	}
	return c.do(ctx, request{method: http.MethodGet, path: path, accept: "text/xml", limit: MaxMetadataBytes})
}

// Replace writes an application whole: what document lacks is removed, and Okta ignores
// read-only fields in it. Errors of the answer are of type *Error.
//
// https://developer.okta.com/docs/api/openapi/okta-management/management/tag/Application/#tag/Application/operation/replaceApplication
func (c *Client) Replace(ctx context.Context, id string, document []byte) error {
	_, err := c.do(ctx, request{
		method: http.MethodPut, path: "/api/v1/apps/" + url.PathEscape(id), accept: jsonType,
		contentType: jsonType, body: document, limit: maxAnswerBytes,
	})
	return err
}

// Check makes a call that changes nothing and needs the credential. Okta revokes an API token
// that was not used for 30 days.
func (c *Client) Check(ctx context.Context) error {
	_, err := c.do(ctx, request{method: http.MethodGet, path: "/api/v1/apps?limit=1", accept: jsonType, limit: maxAnswerBytes})
	return err
}

const jsonType = "application/json"

// request is one request to Okta.
type request struct {
	method, path        string
	accept, contentType string
	body                []byte
	// secret is a part of the body that no error may repeat.
	secret string
	// limit bounds the body of a successful answer, in bytes.
	limit int64
}

// do sends a request with the credential. Where Okta answers 401, it renews the credential
// and sends the request once more if that led to another one.
func (c *Client) do(ctx context.Context, r request) ([]byte, error) {
	auth, err := c.authorize(ctx)
	if err != nil {
		return nil, err
	}
	body, err := c.send(ctx, r, auth)
	var refused *Error
	if !errors.As(err, &refused) || refused.Status != http.StatusUnauthorized {
		return body, err
	}
	renewed, renewErr := c.reauthorize(ctx, auth)
	switch {
	case renewErr != nil:
		return nil, fmt.Errorf("%w; renewing the credential: %w", err, renewErr)
	case renewed.same(auth):
		return nil, err
	}
	return c.send(ctx, r, renewed)
}

// send sends a request and, as long as the rate limit refuses it, waits and sends it again. It
// returns the refusal at once if the limit ends only after ctx does.
func (c *Client) send(ctx context.Context, r request, auth authorization) ([]byte, error) {
	for try := 1; ; try++ {
		body, err := c.sendOnce(ctx, r, auth)
		var limited *Error
		if try == maxTries || !errors.As(err, &limited) || limited.Status != http.StatusTooManyRequests {
			return body, err
		}
		if !retry.Sleep(ctx, limited.RetryAfter) {
			return nil, err
		}
	}
}

func (c *Client) sendOnce(ctx context.Context, r request, auth authorization) ([]byte, error) {
	secrets := []string{auth.token.Reveal(), r.secret}
	op := r.method + " " + r.path
	req, err := http.NewRequestWithContext(ctx, r.method, strings.TrimRight(c.OrgURL, "/")+r.path, bytes.NewReader(r.body))
	if err != nil {
		return nil, &Error{Op: op, Err: err}
	}
	for name, value := range map[string]string{
		"Authorization": auth.header(), "Accept": r.accept, "Content-Type": r.contentType, "User-Agent": c.UserAgent,
	} {
		if value != "" {
			req.Header.Set(name, value)
		}
	}
	start := time.Now()
	res, err := c.HTTP.Do(req)
	if err != nil {
		c.report(ctx, Call{Method: r.method, Duration: time.Since(start)})
		return nil, &Error{Op: op, Err: redact(err, secrets)}
	}
	defer func() { _ = res.Body.Close() }() // Nothing was written, so there is nothing to lose.
	success := res.StatusCode >= 200 && res.StatusCode <= 299
	limit := r.limit
	if !success {
		limit = maxErrorBytes
	}
	body, err := io.ReadAll(io.LimitReader(res.Body, limit+1))
	c.report(ctx, Call{Method: r.method, Status: res.StatusCode, Duration: time.Since(start)})
	switch {
	case !success:
		return nil, newError(op, res, body, secrets)
	case err != nil:
		return nil, &Error{Op: op, Status: res.StatusCode, Err: fmt.Errorf("read the answer: %w", redact(err, secrets))}
	case int64(len(body)) > limit:
		return nil, &Error{Op: op, Status: res.StatusCode, Err: fmt.Errorf("the answer is larger than %d bytes", limit)}
	}
	return body, nil
}

func (c *Client) report(ctx context.Context, call Call) {
	if c.OnCall != nil {
		c.OnCall(ctx, call)
	}
}
