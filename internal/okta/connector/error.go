package connector

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	"sendgrid-sso-integration/internal/okta"
	"sendgrid-sso-integration/internal/secret"
)

// Code identifies a kind of failure. It is the error type of a failed invocation and the name
// of a metric. docs/okta.md lists the codes with what to do.
type Code string

// The codes. Every failure is worth a retry: either it passes, or somebody removes the cause
// and the event then succeeds.
const (
	InvalidEvent        Code = "InvalidEvent"
	NotShownYet         Code = "NotShownYet"
	ApplicationNotReady Code = "ApplicationNotReady"
	MetadataTooLarge    Code = "MetadataTooLarge"
	CredentialRefused   Code = "CredentialRefused" //nolint:gosec // It is a name.
	SecretUnavailable   Code = "SecretUnavailable"
	OktaRejected        Code = "OktaRejected"
	OktaUnavailable     Code = "OktaUnavailable"
	RateLimited         Code = "RateLimited"
	WriteUnconfirmed    Code = "WriteUnconfirmed"
	EventBusUnavailable Code = "EventBusUnavailable"
	DeadlineExceeded    Code = "DeadlineExceeded"
	Internal            Code = "Internal"
)

// Codes returns every code.
func Codes() []Code {
	return []Code{
		InvalidEvent, NotShownYet, ApplicationNotReady, MetadataTooLarge, CredentialRefused, SecretUnavailable, OktaRejected,
		OktaUnavailable, RateLimited, WriteUnconfirmed, EventBusUnavailable, DeadlineExceeded, Internal,
	}
}

// Error is why an event could not be processed. Message is what the caller sees, Err the cause
// for the log.
type Error struct {
	Code    Code
	Message string
	Err     error
}

// Error describes the failure with its cause, for a log.
func (e *Error) Error() string {
	if e.Err != nil {
		return fmt.Sprintf("%s: %s: %v", e.Code, e.Message, e.Err)
	}
	return fmt.Sprintf("%s: %s", e.Code, e.Message)
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// toError returns err as the *Error that it is or wraps, or with the code that follows from it.
func toError(err error) *Error {
	var (
		own      *Error
		failure  *okta.Error
		noSecret *secret.Error
	)
	switch {
	case errors.As(err, &own):
		return own
	case errors.As(err, &failure):
		return ofOkta(failure, err)
	case errors.As(err, &noSecret):
		return &Error{SecretUnavailable, "The secret with Okta's credential cannot be used; the log has the cause.", err}
	case errors.Is(err, context.DeadlineExceeded):
		return &Error{DeadlineExceeded, "The invocation ran out of time.", err}
	default:
		return &Error{Internal, "An internal error occurred; the log has the cause under this request's id.", err}
	}
}

func ofOkta(failure *okta.Error, err error) *Error {
	switch {
	case failure.IsRefused():
		return &Error{CredentialRefused, "Okta refused the credential. Make a new one, or grant the scope and the administrator role that it lacks.", err}
	case failure.Status == http.StatusTooManyRequests:
		return &Error{RateLimited, "Okta's rate limit is used up.", err}
	case errors.Is(err, context.DeadlineExceeded):
		return &Error{DeadlineExceeded, "Okta did not answer in time.", err}
	case failure.Retryable():
		return &Error{OktaUnavailable, "Okta is unavailable.", err}
	default:
		return &Error{OktaRejected, "Okta rejected the request; the log has its reason.", err}
	}
}
