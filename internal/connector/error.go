package connector

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	"sendgrid-sso-integration/internal/idp"
	"sendgrid-sso-integration/internal/secret"
)

// Code identifies a kind of failure. It is the error type of a failed invocation and the name
// of a metric.
type Code string

// The codes. Every failure is worth a retry: either it passes, or somebody removes the cause
// and the event then succeeds. TeammateIncomplete is no failure, but why an event was skipped.
const (
	InvalidEvent        Code = "InvalidEvent"
	NotShownYet         Code = "NotShownYet"
	ApplicationNotReady Code = "ApplicationNotReady"
	ApplicationGone     Code = "ApplicationGone"
	SharedEntityID      Code = "SharedEntityID"
	MetadataTooLarge    Code = "MetadataTooLarge"
	TeammateIncomplete  Code = "TeammateIncomplete"
	CredentialRefused   Code = "CredentialRefused" //nolint:gosec // It is a name.
	SecretUnavailable   Code = "SecretUnavailable"
	IdentityUnavailable Code = "IdentityUnavailable"
	NotOwner            Code = "NotOwner"
	IdentifierRefused   Code = "IdentifierRefused"
	OktaRejected        Code = "OktaRejected"
	OktaUnavailable     Code = "OktaUnavailable"
	EntraRejected       Code = "EntraRejected"
	EntraUnavailable    Code = "EntraUnavailable"
	RateLimited         Code = "RateLimited"
	WriteUnconfirmed    Code = "WriteUnconfirmed"
	EventBusUnavailable Code = "EventBusUnavailable"
	DeadlineExceeded    Code = "DeadlineExceeded"
	Internal            Code = "Internal"
)

// table has every code, with whether the failure is temporary, so that nobody has to act.
var table = []struct {
	code   Code
	passes bool
}{
	{InvalidEvent, false},
	{NotShownYet, true},
	{ApplicationNotReady, false},
	{ApplicationGone, false},
	{SharedEntityID, false},
	{MetadataTooLarge, false},
	{TeammateIncomplete, false},
	{CredentialRefused, false},
	{SecretUnavailable, false},
	{IdentityUnavailable, false},
	{NotOwner, false},
	{IdentifierRefused, false},
	{OktaRejected, false},
	{OktaUnavailable, true},
	{EntraRejected, false},
	{EntraUnavailable, true},
	{RateLimited, true},
	{WriteUnconfirmed, false},
	{EventBusUnavailable, true},
	{DeadlineExceeded, true},
	{Internal, true},
}

// Codes returns every code.
func Codes() []Code {
	codes := make([]Code, len(table))
	for i, row := range table {
		codes[i] = row.code
	}
	return codes
}

// passes reports whether the failure is temporary, so that nobody has to act.
func (c Code) passes() bool {
	for _, row := range table {
		if row.code == c {
			return row.passes
		}
	}
	return false
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
		failure  *idp.Error
		noSecret *secret.Error
	)
	switch {
	case errors.As(err, &own):
		return own
	case errors.As(err, &failure):
		return ofProvider(failure, err)
	case errors.As(err, &noSecret):
		return &Error{SecretUnavailable, "The secret with the credential cannot be used; the log has the cause.", err}
	case errors.Is(err, context.DeadlineExceeded):
		return &Error{DeadlineExceeded, "The invocation ran out of time.", err}
	default:
		return &Error{Internal, "An internal error occurred; the log has the cause under this request's id.", err}
	}
}

func ofProvider(failure *idp.Error, err error) *Error {
	name := failure.Provider
	switch {
	case failure.IsRefused():
		return &Error{CredentialRefused, name + " refused the credential. Make a new one, or grant the permission and the role that it lacks.", err}
	case failure.Status == http.StatusTooManyRequests:
		return &Error{RateLimited, name + "'s rate limit is used up.", err}
	case errors.Is(err, context.DeadlineExceeded):
		return &Error{DeadlineExceeded, name + " did not respond in time.", err}
	case failure.Retryable():
		return &Error{Code(name + "Unavailable"), name + " is unavailable.", err}
	default:
		return &Error{Code(name + "Rejected"), name + " rejected the request; the log has its reason.", err}
	}
}
