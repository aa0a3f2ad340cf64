package provision

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"sendgrid-sso-integration/internal/problem"
	"sendgrid-sso-integration/internal/protocol"
	"sendgrid-sso-integration/sendgrid"
)

const (
	// retrySoon is when to try again after an outage, and retryLimit after a rate limit for
	// which SendGrid gave no reset. No limit is waited for longer without asking again.
	retrySoon  = 30 * time.Second
	retryLimit = time.Minute
	// retryLeased is when to try again for an entry that is leased to another attempt.
	retryLeased = 5 * time.Second
)

// errTooLate ends an attempt that has too little time left for a write.
var errTooLate = errors.New("there is too little time left for a write")

// ledgerError is a failed call to the ledger.
type ledgerError struct{ err error }

func (e *ledgerError) Error() string { return e.err.Error() }

// Unwrap returns the ledger's error.
func (e *ledgerError) Unwrap() error { return e.err }

// effect says what has become of the request so far, for the messages of failures.
func (a *attempt) effect() string {
	switch {
	case !a.entry.Continues(a.asked):
		return "this attempt changed nothing"
	case a.entry.Outcome == protocol.OutcomeCreated:
		return "the integration " + a.entry.IntegrationID + " exists and lacks certificates"
	default:
		return "the update of the integration " + a.entry.IntegrationID + " is not complete"
	}
}

// translate turns the error of an attempt into one that a caller can act on.
func (a *attempt) translate(err error) *problem.Error {
	e := translate(err, a.effect())
	if a.entry.Continues(a.asked) && e.IntegrationID == "" {
		e.IntegrationID = a.entry.IntegrationID
	}
	return e
}

func translate(err error, effect string) *problem.Error {
	var known *problem.Error
	if errors.As(err, &known) {
		return known
	}
	var ledger *ledgerError
	switch {
	case errors.As(err, &ledger):
		return ledgerUnavailable(ledger.err, effect)
	case errors.Is(err, errTooLate):
		return tooLate(err, effect)
	}
	switch sendgrid.ClassOf(err) {
	case sendgrid.NoKey:
		return keyUnavailable(err, effect)
	case sendgrid.Refused:
		return refused(err, effect)
	case sendgrid.Throttled:
		return throttled(err, effect)
	case sendgrid.NeverSent, sendgrid.Unavailable:
		return unavailable(err, effect)
	case sendgrid.Ambiguous: // Reconciled before; what is left is an error of another origin.
	}
	return problem.From(err)
}

func keyUnavailable(err error, effect string) *problem.Error {
	if errors.Is(err, context.DeadlineExceeded) {
		return tooLate(err, effect)
	}
	if problem.IsPermanent(err) { // The content of the secret can never be used.
		return &problem.Error{
			Code: problem.SecretUnavailable, Permanent: true, Err: err,
			Message: "The secret with the SendGrid API key has no usable content; put the key into it, bare or as {\"api_key\": \"…\"}. The log has the reason.",
		}
	}
	return &problem.Error{
		Code: problem.SecretUnavailable, RetryAfter: retrySoon, Err: err,
		Message: "The SendGrid API key could not be read from Secrets Manager; " + effect + ". Try again; if it persists, check that the secret exists and that the function's role may read it.",
	}
}

// refused translates an answer that a repetition does not change.
func refused(err error, effect string) *problem.Error {
	var failure *sendgrid.Error
	if !errors.As(err, &failure) {
		return problem.From(err)
	}
	e := &problem.Error{Err: err}
	switch {
	case failure.StatusCode == http.StatusBadRequest && failure.Op == sendgrid.OpCreateCertificate:
		e.Code, e.Fields = problem.SendGridRejected, fieldErrors(failure.Errors)
		e.Message = "SendGrid rejected a certificate of the request; " + effect + ". Correct the certificate, and send the request with if_exists: update."
	case failure.StatusCode == http.StatusBadRequest && failure.Op.Writes():
		e.Code, e.Fields = problem.SendGridRejected, fieldErrors(failure.Errors)
		e.Message = "SendGrid rejected the integration; correct what errors lists and send the request again."
	case failure.StatusCode == http.StatusUnauthorized:
		e.Code = problem.SendGridUnauthorized
		e.Message = "SendGrid does not accept the API key, even after the secret was read again; put a valid key into the secret and send the request again. " + sentence(effect)
	case failure.StatusCode == http.StatusForbidden:
		e.Code = problem.SendGridForbidden
		e.Message = fmt.Sprintf("SendGrid does not permit the API key to %s; make a new key that has the scope %s, and check that the account's plan includes SSO. %s", failure.Op, failure.Op.Scope(), sentence(effect))
	default:
		return unavailable(err, effect)
	}
	return e
}

func throttled(err error, effect string) *problem.Error {
	e := &problem.Error{
		Code: problem.RateLimited, RetryAfter: retryLimit, Err: err,
		Message: "SendGrid's rate limit is used up; send the request again after the time in Retry-After. " + sentence(effect),
	}
	var failure *sendgrid.Error
	if errors.As(err, &failure) && !failure.RateLimit.Reset.IsZero() {
		e.RetryAfter = max(time.Second, time.Until(failure.RateLimit.Reset))
	}
	return e
}

func unavailable(err error, effect string) *problem.Error {
	if errors.Is(err, context.DeadlineExceeded) {
		return tooLate(err, effect)
	}
	e := &problem.Error{
		Code: problem.SendGridUnavailable, RetryAfter: retrySoon, Err: err,
		Message: "SendGrid could not be reached; " + effect + ". Send the request again.",
	}
	var failure *sendgrid.Error
	if errors.As(err, &failure) && failure.StatusCode != 0 {
		e.Message = fmt.Sprintf("SendGrid answered with status %d when asked to %s; %s. Send the request again; if it persists, check SENDGRID_REGION and SendGrid's status page.", failure.StatusCode, failure.Op, effect)
	}
	return e
}

func tooLate(cause error, effect string) *problem.Error {
	return &problem.Error{
		Code: problem.DeadlineExceeded, Err: cause,
		Message: "The time ran out; " + effect + ". Send the request again.",
	}
}

func ledgerUnavailable(cause error, effect string) *problem.Error {
	return &problem.Error{
		Code: problem.LedgerUnavailable, RetryAfter: retrySoon, Err: cause,
		Message: "The ledger that prevents duplicates could not be used; " + effect + ". Send the request again; if it persists, check the ledger's table and the function's role.",
	}
}

// sentence makes a sentence of a clause.
func sentence(clause string) string { return strings.ToUpper(clause[:1]) + clause[1:] + "." }

// fieldErrors passes on SendGrid's messages about fields.
func fieldErrors(answered []sendgrid.FieldError) []problem.FieldError {
	var fields []problem.FieldError
	for _, f := range answered {
		fields = append(fields, problem.FieldError{Field: f.Field, Message: f.Message})
	}
	return fields
}
