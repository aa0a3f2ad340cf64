// Package idp sends requests to the API of an identity provider: every response is bounded, no
// error repeats what was sent, and only what a rate limit refused is repeated. What the requests
// are about is up to the client of the provider.
package idp

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"

	"sendgrid-sso-integration/internal/retry"
)

// maxTries bounds how often a request is sent that the provider's rate limit refuses.
const maxTries = 4

// JSON is the media type of most requests and responses.
const JSON = "application/json"

// Form is the media type of a request for an access token.
const Form = "application/x-www-form-urlencoded"

// Call describes one HTTP request after it ended, for logs and metrics.
type Call struct {
	// Provider is the name of the identity provider.
	Provider string
	Method   string
	// Status is the HTTP status, 0 where no response came.
	Status   int
	Duration time.Duration
}

// API is how to speak with one provider.
type API struct {
	// Provider is its name in errors, such as "Okta".
	Provider  string
	UserAgent string
	// HTTP sends the requests; NewHTTPClient returns one.
	HTTP *http.Client
	// OnCall, if set, is called after each request.
	OnCall func(context.Context, Call)
	// Describe reads the provider's own code and summary in the body of an error response, which
	// may be anything.
	Describe func(body []byte) (code, summary string)
	// Wait reads in a 429 how long the rate limit lasts.
	Wait func(header http.Header, now time.Time) time.Duration
}

// Request is one request.
type Request struct {
	Method string
	// Base and Path make the URL; errors have the path only.
	Base, Path          string
	Accept, ContentType string
	Body                []byte
	// Secret is a part of the body that no error may repeat.
	Secret string
	// Token reports whether the request is one for an access token.
	Token bool
	// Limit bounds the body of a successful response, in bytes.
	Limit int64
}

// Response is a successful response.
type Response struct {
	Header http.Header
	Body   []byte
}

// Send sends a request and, as long as the rate limit refuses it, waits and sends it again. It
// returns the refusal at once if the limit ends only after ctx does. Errors are of type *Error.
func (a *API) Send(ctx context.Context, r Request, auth Authorization) (*Response, error) {
	for try := 1; ; try++ {
		response, err := a.SendOnce(ctx, r, auth)
		var limited *Error
		if try == maxTries || !errors.As(err, &limited) || limited.Status != http.StatusTooManyRequests {
			return response, err
		}
		if !retry.Sleep(ctx, limited.RetryAfter) {
			return nil, err
		}
	}
}

// SendOnce sends a request once.
func (a *API) SendOnce(ctx context.Context, r Request, auth Authorization) (*Response, error) {
	failure := Error{Provider: a.Provider, Op: r.Method + " " + r.Path, Token: r.Token}
	secrets := []string{auth.Token.Reveal(), r.Secret}
	req, err := http.NewRequestWithContext(ctx, r.Method, r.Base+r.Path, bytes.NewReader(r.Body))
	if err != nil {
		failure.Err = err
		return nil, &failure
	}
	for name, value := range map[string]string{
		"Authorization": auth.header(), "Accept": r.Accept, "Content-Type": r.ContentType, "User-Agent": a.UserAgent,
	} {
		if value != "" {
			req.Header.Set(name, value)
		}
	}
	start := time.Now()
	res, err := a.HTTP.Do(req)
	if err != nil {
		a.report(ctx, Call{Method: r.Method, Duration: time.Since(start)})
		failure.Err = redact(err, secrets)
		return nil, &failure
	}
	defer func() { _ = res.Body.Close() }() // Nothing was written, so there is nothing to lose.
	failure.Status = res.StatusCode
	success := res.StatusCode >= 200 && res.StatusCode <= 299
	limit := r.Limit
	if !success {
		limit = maxErrorBytes
	}
	body, err := io.ReadAll(io.LimitReader(res.Body, limit+1))
	a.report(ctx, Call{Method: r.Method, Status: res.StatusCode, Duration: time.Since(start)})
	switch {
	case !success:
		a.refuse(&failure, res.Header, body, secrets)
	case err != nil:
		failure.Err = fmt.Errorf("read the response: %w", redact(err, secrets))
	case int64(len(body)) > limit:
		failure.Err = fmt.Errorf("the response is larger than %d bytes", limit)
	default:
		return &Response{Header: res.Header, Body: body}, nil
	}
	return nil, &failure
}

// refuse completes the failure with what an error response says.
func (a *API) refuse(failure *Error, header http.Header, body []byte, secrets []string) {
	if len(body) <= maxErrorBytes {
		code, summary := a.Describe(body)
		failure.Code, failure.Summary = clip(redactText(code, secrets)), clip(redactText(summary, secrets))
	}
	if failure.Status == http.StatusTooManyRequests {
		failure.RetryAfter = max(minWait, a.Wait(header, time.Now()))
	}
}

func (a *API) report(ctx context.Context, call Call) {
	if a.OnCall != nil {
		call.Provider = a.Provider
		a.OnCall(ctx, call)
	}
}
