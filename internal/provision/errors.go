package provision

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"
)

// Code names what went wrong, for machines: it is the "code" of an HTTP answer, the
// error type of a failed invocation and the name of a metric.
type Code string

// The codes, in the order in which a request can meet them.
const (
	InvalidJSON          Code = "InvalidJSON"
	InvalidRequest       Code = "InvalidRequest"
	Unauthenticated      Code = "Unauthenticated"
	MethodNotAllowed     Code = "MethodNotAllowed"
	PayloadTooLarge      Code = "PayloadTooLarge"
	UnsupportedMediaType Code = "UnsupportedMediaType"
	Conflict             Code = "Conflict"
	InProgress           Code = "InProgress"
	SendGridRejected     Code = "SendGridRejected"
	SendGridUnauthorized Code = "SendGridUnauthorized"
	SendGridForbidden    Code = "SendGridForbidden"
	RateLimited          Code = "RateLimited"
	SendGridUnavailable  Code = "SendGridUnavailable"
	OutcomeUnknown       Code = "OutcomeUnknown"
	DeadlineExceeded     Code = "DeadlineExceeded"
	SecretUnavailable    Code = "SecretUnavailable"
	LedgerUnavailable    Code = "LedgerUnavailable"
	EventBusUnavailable  Code = "EventBusUnavailable"
	Internal             Code = "Internal"
)

// trait is what follows from a code.
type trait struct {
	status int
	retry  bool
	title  string
}

// traits is the one place that says what a code means for a caller: the HTTP status,
// whether the same request can succeed later, and a title.
var traits = map[Code]trait{
	InvalidJSON:          {http.StatusBadRequest, false, "The request is not one JSON object"},
	InvalidRequest:       {http.StatusUnprocessableEntity, false, "The request breaks a rule"},
	Unauthenticated:      {http.StatusUnauthorized, false, "The caller is not known"},
	MethodNotAllowed:     {http.StatusMethodNotAllowed, false, "The method is not allowed"},
	PayloadTooLarge:      {http.StatusRequestEntityTooLarge, false, "The request is too large"},
	UnsupportedMediaType: {http.StatusUnsupportedMediaType, false, "The content type is not JSON"},
	Conflict:             {http.StatusConflict, false, "Another integration has this entity_id"},
	InProgress:           {http.StatusConflict, true, "The same integration is being created"},
	SendGridRejected:     {http.StatusUnprocessableEntity, false, "SendGrid rejected the integration"},
	SendGridUnauthorized: {http.StatusBadGateway, false, "SendGrid refused the API key"},
	SendGridForbidden:    {http.StatusBadGateway, false, "SendGrid forbids this to the API key"},
	RateLimited:          {http.StatusTooManyRequests, true, "SendGrid's rate limit is used up"},
	SendGridUnavailable:  {http.StatusBadGateway, true, "SendGrid is unavailable"},
	OutcomeUnknown:       {http.StatusServiceUnavailable, true, "The outcome is not known yet"},
	DeadlineExceeded:     {http.StatusGatewayTimeout, true, "The time ran out"},
	SecretUnavailable:    {http.StatusServiceUnavailable, true, "A secret could not be read"},
	LedgerUnavailable:    {http.StatusServiceUnavailable, true, "The ledger could not be used"},
	EventBusUnavailable:  {http.StatusServiceUnavailable, true, "The result could not be published"},
	Internal:             {http.StatusInternalServerError, true, "Something went wrong inside"},
}

// Status returns the HTTP status that a code is answered with.
func (c Code) Status() int { return traits[c].status }

// Title returns a short, fixed sentence for a code.
func (c Code) Title() string { return traits[c].title }

// FieldError is one rule that one field of a request breaks.
type FieldError struct {
	Field   string `json:"field"`
	Message string `json:"message"`
}

// Error is the one error type that callers see. Message and Fields are safe to show
// to anyone; Err is the cause, and belongs in the log only.
type Error struct {
	Code Code
	// Message is one or two sentences: what is the matter and what to do next.
	Message string
	// Fields lists the fields at fault, where fields are at fault.
	Fields []FieldError
	// RetryAfter is when to come back; zero where nothing better than "later" is known.
	RetryAfter time.Duration
	// Permanent says that a retry cannot help although one may help with this code.
	Permanent bool
	// Err is the cause.
	Err error
}

// Error describes the failure with its cause, for a log.
func (e *Error) Error() string {
	if e.Err != nil {
		return fmt.Sprintf("%s: %s: %v", e.Code, e.Message, e.Err)
	}
	return fmt.Sprintf("%s: %s", e.Code, e.Public())
}

// Public describes the failure to a caller: the message and the fields at fault.
func (e *Error) Public() string {
	if len(e.Fields) == 0 {
		return e.Message
	}
	var b strings.Builder
	b.WriteString(e.Message)
	for i, f := range e.Fields {
		b.WriteString([]string{" ", "; "}[min(i, 1)])
		if f.Field != "" {
			b.WriteString(f.Field + ": ")
		}
		b.WriteString(f.Message)
	}
	return b.String()
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// Retryable tells whether the same request can succeed later.
func (e *Error) Retryable() bool { return traits[e.Code].retry && !e.Permanent }

// Outcome returns what became of the request: it was rejected, or failed.
func (e *Error) Outcome() Outcome {
	if e.Retryable() {
		return OutcomeFailed
	}
	return OutcomeRejected
}

// AsError returns err as the *Error it is or wraps; any other error becomes an
// Internal one, whose cause callers do not get to see.
func AsError(err error) *Error {
	var e *Error
	if errors.As(err, &e) {
		return e
	}
	return &Error{Code: Internal, Message: "Something went wrong inside; the log has the cause under this request's id.", Err: err}
}
