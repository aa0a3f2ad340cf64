package problem

import "net/http"

// Code identifies a kind of failure. It is the "code" of an HTTP response, the error type of a
// failed invocation and the name of a metric.
type Code string

// The codes, in the order in which a request can meet them.
const (
	InvalidJSON          Code = "InvalidJSON"
	InvalidRequest       Code = "InvalidRequest"
	InvalidMetadata      Code = "InvalidMetadata"
	MetadataUnavailable  Code = "MetadataUnavailable"
	Unauthenticated      Code = "Unauthenticated"
	MethodNotAllowed     Code = "MethodNotAllowed"
	PayloadTooLarge      Code = "PayloadTooLarge"
	UnsupportedMediaType Code = "UnsupportedMediaType"
	Forbidden            Code = "Forbidden"
	Conflict             Code = "Conflict"
	Gone                 Code = "Gone"
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
	// EventQueueUnavailable fails audits only.
	EventQueueUnavailable Code = "EventQueueUnavailable"
	Internal              Code = "Internal"
)

// definition is what follows from a code.
type definition struct {
	code   Code
	status int
	// retry reports whether the same request can succeed later.
	retry bool
	title string
}

// table defines every code, in the order above. A code that is missing here is not a code.
var table = []definition{
	{InvalidJSON, http.StatusBadRequest, false, "The request is not one JSON object"},
	{InvalidRequest, http.StatusUnprocessableEntity, false, "The request is not valid"},
	{InvalidMetadata, http.StatusUnprocessableEntity, false, "The SAML metadata cannot be used"},
	{MetadataUnavailable, http.StatusBadGateway, true, "The SAML metadata could not be fetched"},
	{Unauthenticated, http.StatusUnauthorized, false, "The caller is not authenticated"},
	{MethodNotAllowed, http.StatusMethodNotAllowed, false, "The method is not allowed"},
	{PayloadTooLarge, http.StatusRequestEntityTooLarge, false, "The request is too large"},
	{UnsupportedMediaType, http.StatusUnsupportedMediaType, false, "The content type is not JSON"},
	{Forbidden, http.StatusForbidden, false, "The caller may not do this"},
	{Conflict, http.StatusConflict, false, "What is requested exists in another state"},
	{Gone, http.StatusGone, false, "What was requested was deleted in SendGrid"},
	{InProgress, http.StatusConflict, true, "Another request is working on the same connection or teammate"},
	{SendGridRejected, http.StatusUnprocessableEntity, false, "SendGrid rejected what was requested"},
	{SendGridUnauthorized, http.StatusBadGateway, false, "SendGrid does not accept the API key"},
	{SendGridForbidden, http.StatusBadGateway, false, "SendGrid does not permit it"},
	{RateLimited, http.StatusTooManyRequests, true, "SendGrid's rate limit is used up"},
	{SendGridUnavailable, http.StatusBadGateway, true, "SendGrid is unavailable"},
	{OutcomeUnknown, http.StatusServiceUnavailable, true, "The outcome is not known yet"},
	{DeadlineExceeded, http.StatusGatewayTimeout, true, "The request ran out of time"},
	{SecretUnavailable, http.StatusServiceUnavailable, true, "A secret could not be read"},
	{LedgerUnavailable, http.StatusServiceUnavailable, true, "The ledger could not be used"},
	{EventBusUnavailable, http.StatusServiceUnavailable, true, "The result could not be published"},
	{EventQueueUnavailable, http.StatusServiceUnavailable, true, "The event queue could not be used"},
	{Internal, http.StatusInternalServerError, true, "Internal error"},
}

// Codes returns every code.
func Codes() []Code {
	codes := make([]Code, len(table))
	for i, d := range table {
		codes[i] = d.code
	}
	return codes
}

func (c Code) definition() definition {
	for _, d := range table {
		if d.code == c {
			return d
		}
	}
	return c.fallback()
}

// fallback treats a code that is not in the table as an internal error, so that a mistake in
// this program still leads to a valid HTTP status.
func (c Code) fallback() definition {
	return definition{c, http.StatusInternalServerError, true, "Internal error"}
}

// Status returns the HTTP status of a response with this code.
func (c Code) Status() int { return c.definition().status }

// Title returns a short, fixed sentence for a code.
func (c Code) Title() string { return c.definition().title }
