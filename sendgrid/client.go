// Package sendgrid is a typed client of Twilio SendGrid's Single Sign-On API, and of what belongs
// to it in the teammates, subusers and scopes APIs.
//
// It never decides for its caller: a request is sent once, the response's status is never
// lost, and ClassOf reports what an error means: whether SendGrid may have carried out the
// request, and whether repeating it can help. Retries are the caller's, who knows what a
// second request would cost.
//
// API reference: https://www.twilio.com/docs/sendgrid/api-reference/single-sign-on-settings
package sendgrid

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptrace"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// The hosts of the API. Regional subusers of the EU have a host of their own.
const (
	GlobalBaseURL = "https://api.sendgrid.com"
	EUBaseURL     = "https://api.eu.sendgrid.com"
)

// RegionURL returns the root of the API for a region: "global", which is the default for an
// empty string, or "eu". Any other region is an error.
func RegionURL(region string) (string, error) {
	switch region {
	case "", "global":
		return GlobalBaseURL, nil
	case "eu":
		return EUBaseURL, nil
	default:
		return "", fmt.Errorf("must be global or eu, not %q", region)
	}
}

// KeySource supplies the API key. It is asked before every request, so that a
// rotation takes effect without a restart.
type KeySource interface {
	// Key returns the key to use now, and a name for this version of it.
	Key(ctx context.Context) (key, version string, err error)
	// RenewKey is called after SendGrid returned 401 to the key of the version
	// rejected. It returns the newest key; another version means another key.
	RenewKey(ctx context.Context, rejected string) (key, version string, err error)
}

// Call describes one HTTP request to SendGrid after it ended, for logs and metrics.
type Call struct {
	Op Op
	// Status is the HTTP status, 0 where no response came.
	Status    int
	Duration  time.Duration
	RateLimit RateLimit
}

// Client calls the SSO API. Set its fields before the first call and do not change them
// afterwards; its methods may be called concurrently.
type Client struct {
	// Keys supplies the API key. Required.
	Keys KeySource
	// BaseURL is the root of the API; empty means GlobalBaseURL.
	BaseURL string
	// OnBehalfOf names the subuser to act for; empty means the key's own account.
	OnBehalfOf string
	// UserAgent is sent with every request.
	UserAgent string
	// HTTP sends the requests; nil means NewHTTPClient(). Redirects are never followed,
	// because they would carry the key to another host.
	HTTP *http.Client
	// OnCall, if set, is called after each request.
	OnCall func(context.Context, Call)

	pacer    pacer
	once     sync.Once
	http     *http.Client
	lastCall atomic.Int64
}

// do performs one operation: it fetches the key, sends the request, and where
// SendGrid returns 401, renews the key and repeats the request once if the key has
// really changed. A 401 is a refusal before anything was done, so repeating it cannot
// create anything twice.
func (c *Client) do(ctx context.Context, op Op, path string, in, out any) error {
	var payload []byte
	if in != nil {
		var err error
		if payload, err = json.Marshal(in); err != nil {
			return &Error{Op: op, Err: fmt.Errorf("encode the request: %w", err)}
		}
	}
	key, version, err := c.Keys.Key(ctx)
	if err != nil {
		return &KeyError{Op: op, Err: err}
	}
	err = c.send(ctx, op, path, key, payload, out)

	var refused *Error
	if !errors.As(err, &refused) || refused.StatusCode != http.StatusUnauthorized {
		return err
	}
	key, renewed, renewErr := c.Keys.RenewKey(ctx, version)
	switch {
	case renewErr != nil:
		return &KeyError{Op: op, Err: fmt.Errorf("SendGrid returned 401, and the key could not be renewed: %w", renewErr)}
	case renewed == version:
		return refused
	}
	return c.send(ctx, op, path, key, payload, out)
}

// send sends one request and reads its response into out. Its errors are of type *Error.
func (c *Client) send(ctx context.Context, op Op, path, key string, payload []byte, out any) error {
	client := c.client()
	var sent atomic.Bool
	// A transport that does not support httptrace does not report that it has sent something.
	_, traced := client.Transport.(*http.Transport)
	sent.Store(!traced)
	// For a request with a body the transport asks for another connection only when it is
	// certain that nothing was written to the one before, so each GetConn starts from
	// "never sent". (A read it may also repeat after writing; it changes nothing.)
	ctx = httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{
		GetConn: func(string) { sent.Store(false) },
		GotConn: func(httptrace.GotConnInfo) { sent.Store(true) },
	})
	req, err := c.newRequest(ctx, op.traits().method, path, key, payload)
	if err != nil {
		return &Error{Op: op, Err: err}
	}

	if err := c.pacer.await(ctx, op); err != nil {
		return err
	}
	status, stated := 0, RateLimit{}
	defer func() { c.pacer.limit(op).end(status, stated) }()
	start := time.Now()
	res, err := client.Do(req)
	if err != nil {
		c.report(ctx, Call{Op: op, Duration: time.Since(start)})
		return &Error{Op: op, Sent: sent.Load(), Err: withoutKey(err, key)}
	}
	defer func() { _ = res.Body.Close() }() // Nothing was written, so there is nothing to lose.

	failure := &Error{Op: op, StatusCode: res.StatusCode, Sent: true}
	failure.RateLimit = parseRateLimit(res.Header, res.StatusCode, time.Now())
	status, stated = res.StatusCode, failure.RateLimit
	success := res.StatusCode >= 200 && res.StatusCode <= 299
	if success {
		failure.Err = readResponse(res.Body, out)
	} else {
		failure.Errors, failure.Err = readErrorBody(res.Body, key)
	}
	failure.Err = withoutKey(failure.Err, key)
	c.report(ctx, Call{Op: op, Status: res.StatusCode, Duration: time.Since(start), RateLimit: failure.RateLimit})
	if success && failure.Err == nil {
		return nil
	}
	return failure
}

func (c *Client) newRequest(ctx context.Context, method, path, key string, payload []byte) (*http.Request, error) {
	var body io.Reader
	if payload != nil {
		body = bytes.NewReader(payload)
	}
	req, err := http.NewRequestWithContext(ctx, method, c.baseURL()+path, body)
	if err != nil {
		return nil, fmt.Errorf("build the request: %w", err)
	}
	req.Header.Set("Authorization", "Bearer "+key)
	req.Header.Set("Accept", "application/json")
	if payload != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	if c.OnBehalfOf != "" {
		req.Header.Set("On-Behalf-Of", c.OnBehalfOf)
	}
	if c.UserAgent != "" {
		req.Header.Set("User-Agent", c.UserAgent)
	}
	return req, nil
}

func (c *Client) baseURL() string {
	if c.BaseURL == "" {
		return GlobalBaseURL
	}
	return strings.TrimRight(c.BaseURL, "/")
}
