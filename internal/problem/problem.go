// Package problem holds the error type that callers see, its codes, and the table of what
// follows from each code.
package problem

import (
	"errors"
	"fmt"
	"strings"
	"time"
)

// FieldError is one rule that one field of a request breaks.
type FieldError struct {
	Field   string `json:"field"`
	Message string `json:"message"`
}

// Change is a field in which SendGrid has something else than a request asks for. Certificates are
// named by their SHA-256.
type Change struct {
	Field string `json:"field"`
	// From is what SendGrid has, nil for nothing; To is what is requested.
	From any `json:"from"`
	To   any `json:"to"`
}

// Error is the one error type that callers see. Message and Fields are safe to show
// to anyone; Err is the cause, and belongs in the log only.
type Error struct {
	Code Code
	// Message is one or two sentences: what failed and what to do next.
	Message string
	// Fields lists the fields at fault, where fields are at fault.
	Fields []FieldError
	// Changes are what the request would change, where it may not.
	Changes []Change
	// IntegrationID names the integration that the failure is about, empty if there is none.
	IntegrationID string
	// RetryAfter is when to try again; zero means that no time is known.
	RetryAfter time.Duration
	// Permanent marks a failure that a retry cannot mend, although it can with this code.
	Permanent bool
	// Secret marks a request with a secret in it, such as a private key: nothing of it may be
	// echoed, logged, published or dead-lettered but the ids of its delivery.
	Secret bool
	// Err is the cause.
	Err error
}

// InvalidField returns the error of a request with one wrong field.
func InvalidField(field, message string) *Error {
	return &Error{
		Code: InvalidRequest, Message: "One field of the request is not valid; correct it and send the request again.",
		Fields: []FieldError{{Field: field, Message: message}},
	}
}

// Error describes the failure with its cause, for a log.
func (e *Error) Error() string {
	if e.Err != nil {
		return fmt.Sprintf("%s: %s: %v", e.Code, e.Message, e.Err)
	}
	return fmt.Sprintf("%s: %s", e.Code, e.Public())
}

// Public describes the failure to a caller: the message and the fields at fault, numbered where
// there are several, because their messages have punctuation of their own. What the message quotes
// already is not repeated.
func (e *Error) Public() string {
	var faults []string
	for _, f := range e.Fields {
		if f.Field != "" {
			f.Message = f.Field + ": " + f.Message
		}
		if !strings.Contains(e.Message, f.Message) {
			faults = append(faults, f.Message)
		}
	}
	if len(faults) == 1 {
		return e.Message + " " + faults[0]
	}
	text := e.Message
	for i, fault := range faults {
		text += fmt.Sprintf(" (%d) %s", i+1, fault)
	}
	return text
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// Retryable reports whether the same request can succeed later.
func (e *Error) Retryable() bool { return e.Code.definition().retry && !e.Permanent }

// From returns err as the *Error that it is or wraps; any other error becomes an
// Internal one, whose cause callers do not see.
func From(err error) *Error {
	var e *Error
	if errors.As(err, &e) {
		return e
	}
	return &Error{Code: Internal, Message: "An internal error occurred; the log has the cause under this request's id. Send the request again.", Err: err}
}

// IsPermanent reports whether an error, of whatever package, says itself that a retry cannot
// help: the content of a secret is unusable, for instance.
func IsPermanent(err error) bool {
	var cause interface{ Permanent() bool }
	return errors.As(err, &cause) && cause.Permanent()
}
