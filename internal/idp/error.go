package idp

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"
	"unicode"

	"sendgrid-sso-integration/internal/cut"
)

const (
	// maxErrorBytes bounds what is read of an error response, maxSummary what is kept of each text.
	maxErrorBytes = 16 << 10
	maxSummary    = 256
	// minWait bounds the wait after a 429 from below.
	minWait = time.Second
)

// Error is a request to an identity provider that failed. Its text contains no credential and
// nothing that was sent.
type Error struct {
	// Provider is the name of the identity provider, such as "Okta".
	Provider string
	// Op is the method and the path of the request.
	Op string
	// Token reports whether the request was one for an access token.
	Token bool
	// Status is the HTTP status, 0 where no response came.
	Status int
	// Code and Summary are the provider's own, such as "E0000007" and "Not found: …", both
	// bounded. Of a token endpoint they are the OAuth error and its description.
	Code, Summary string
	// RetryAfter is when the rate limit ends, counted from the response. It is zero unless the status is 429.
	RetryAfter time.Duration
	// Err is the cause where no response came or it could not be read.
	Err error
}

// Error describes the failure for a log.
func (e *Error) Error() string {
	var b strings.Builder
	b.WriteString(strings.ToLower(e.Provider) + ": " + e.Op)
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

// IsNotFound reports whether err is that the provider has no such object.
func IsNotFound(err error) bool {
	var failure *Error
	return errors.As(err, &failure) && failure.Status == http.StatusNotFound && !failure.Token
}

// IsRefused reports whether the provider refused the credential: it is wrong, was revoked, or
// lacks a scope, a role or an allowed network. A token endpoint returns 400 where it refuses the
// client, its key or the scope.
func (e *Error) IsRefused() bool {
	return e.Status == http.StatusUnauthorized || e.Status == http.StatusForbidden || e.Token && e.Status == http.StatusBadRequest
}

// Retryable reports whether the same request can succeed later without anybody acting.
func (e *Error) Retryable() bool {
	return e.Status < 300 || e.Status == http.StatusRequestTimeout || e.Status == http.StatusTooManyRequests || e.Status >= 500
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
