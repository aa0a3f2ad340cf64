package okta

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"
	"unicode"

	"sendgrid-sso-integration/internal/cut"
)

const (
	// maxErrorBytes bounds what is read of an error answer, maxSummary what is kept of each text.
	maxErrorBytes = 16 << 10
	maxSummary    = 256
	// minWait and defaultWait bound the wait after a 429 from below, and where it names no time.
	minWait     = time.Second
	defaultWait = 5 * time.Second
)

// Error is a request to Okta that failed. Its text contains no credential and nothing that
// was sent.
type Error struct {
	// Op is the method and the path of the request.
	Op string
	// Status is the HTTP status, 0 where no answer came.
	Status int
	// Code and Summary are Okta's own, such as "E0000007" and "Not found: …", both bounded. Of
	// the token endpoint they are the OAuth error and its description.
	Code, Summary string
	// RetryAfter is when the rate limit ends, counted from the answer; zero but for a 429.
	RetryAfter time.Duration
	// Err is the cause where no answer came or it could not be read.
	Err error
}

// Error describes the failure for a log.
func (e *Error) Error() string {
	var b strings.Builder
	b.WriteString("okta: " + e.Op)
	if e.Status != 0 {
		fmt.Fprintf(&b, ": HTTP %d", e.Status)
	}
	for _, text := range []string{e.Code, e.Summary} {
		if text != "" {
			b.WriteString(": " + text)
		}
	}
	if e.Err != nil {
		fmt.Fprintf(&b, ": %v", e.Err)
	}
	return b.String()
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// IsNotFound reports whether Okta has no such object.
func (e *Error) IsNotFound() bool { return e.Status == http.StatusNotFound }

// IsRefused reports whether Okta refused the credential: it is wrong, was revoked, or lacks a
// scope, a role or an allowed network.
func (e *Error) IsRefused() bool {
	return e.Status == http.StatusUnauthorized || e.Status == http.StatusForbidden || e.isOAuth() && e.Status == http.StatusBadRequest
}

// isOAuth reports whether the request was one for an access token. The token endpoint answers
// 400 where it refuses the client, its key or the scope.
func (e *Error) isOAuth() bool { return strings.HasSuffix(e.Op, tokenPath) }

// Retryable reports whether the same request can succeed later without anybody acting.
func (e *Error) Retryable() bool {
	return e.Status < 300 || e.Status == http.StatusRequestTimeout || e.Status == http.StatusTooManyRequests || e.Status >= 500
}

// newError reads an error answer. Its body may be anything.
//
// https://developer.okta.com/docs/reference/error-codes/
func newError(op string, res *http.Response, body []byte, secrets []string) *Error {
	e := &Error{Op: op, Status: res.StatusCode}
	var known struct {
		ErrorCode, ErrorSummary string
		OAuthError              string `json:"error"`
		OAuthDescription        string `json:"error_description"`
	}
	if len(body) <= maxErrorBytes && json.Unmarshal(body, &known) == nil {
		e.Code = clip(redactText(known.ErrorCode+known.OAuthError, secrets))
		e.Summary = clip(redactText(known.ErrorSummary+known.OAuthDescription, secrets))
	}
	if e.Status == http.StatusTooManyRequests {
		e.RetryAfter = untilReset(res.Header, time.Now())
	}
	return e
}

// untilReset returns how long the rate limit lasts. Both times are Okta's, so that the clock
// of this machine does not matter; now stands in for a missing Date.
//
// https://developer.okta.com/docs/reference/rl-best-practices/
func untilReset(header http.Header, now time.Time) time.Duration {
	seconds, err := strconv.ParseInt(header.Get("X-Rate-Limit-Reset"), 10, 64)
	if err != nil {
		return defaultWait
	}
	if date, err := http.ParseTime(header.Get("Date")); err == nil {
		now = date
	}
	return max(minWait, time.Unix(seconds, 0).Sub(now))
}

// clip keeps the beginning of a text, without control characters.
func clip(summary string) string {
	summary = strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return ' '
		}
		return r
	}, summary)
	return cut.Bytes(summary, maxSummary)
}

// redact returns err, without the secrets if its text repeats one.
func redact(err error, secrets []string) error {
	if text := redactText(err.Error(), secrets); text != err.Error() {
		return errors.New(text)
	}
	return err
}

func redactText(text string, secrets []string) string {
	for _, secret := range secrets {
		if secret != "" {
			text = strings.ReplaceAll(text, secret, "[redacted]")
		}
	}
	return text
}
