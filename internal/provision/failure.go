package provision

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"sendgrid-sso-integration/internal/problem"
	"sendgrid-sso-integration/sendgrid"
)

const (
	// retrySoon is when to try again after an outage, and retryLimit after a rate limit for
	// which SendGrid gave no reset. It also bounds each wait for a rate limit.
	retrySoon  = 30 * time.Second
	retryLimit = time.Minute
	// retryLeased is when to try again for an entry that is leased to another attempt.
	retryLeased = 5 * time.Second
)

// tooLateError ends an attempt that has too little time left for a write.
type tooLateError struct {
	// waitedFor is what the attempt waited for longest, empty if for nothing.
	waitedFor string
}

func (e *tooLateError) Error() string { return "there is too little time left for a write" }

// why returns a clause that continues "the time ran out".
func (e *tooLateError) why() string {
	if e.waitedFor == "" {
		return "before anything could be sent to SendGrid, because there was little when the request began"
	}
	return "before anything could be sent to SendGrid, mostly while waiting for " + e.waitedFor
}

// tooLate returns the error of an attempt that has too little time left for a write.
func (a *attempt) tooLate() error {
	const worthNaming = 500 * time.Millisecond
	what, waited := a.waits.longest()
	if waited < worthNaming {
		return &tooLateError{}
	}
	return &tooLateError{what}
}

// ledgerError is a failed call to the ledger.
type ledgerError struct{ err error }

func (e *ledgerError) Error() string { return e.err.Error() }

// Unwrap returns the ledger's error.
func (e *ledgerError) Unwrap() error { return e.err }

// effect describes the state of the request so far, for the messages of failures.
func (a *attempt) effect() string {
	if !a.entry.Continues(a.asked) {
		return "this attempt changed nothing"
	}
	return a.resource.effect()
}

// translate turns the error of an attempt into one that a caller can act on.
func (a *attempt) translate(err error) *problem.Error {
	e := translate(err, a.effect())
	if a.entry.Continues(a.asked) && e.IntegrationID == "" && a.entry.Teammate == "" {
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
	var late *tooLateError
	switch {
	case errors.As(err, &ledger):
		return ledgerUnavailable(ledger.err, effect)
	case errors.As(err, &late):
		return deadlineExceeded(err, late.why(), effect)
	}
	e := Classify(err)
	if e.Message == "" {
		e.Message = message(e, effect)
	}
	return e
}

// Classify returns what the error of a call to SendGrid means: the code, whether a retry can
// help, and after what time. Unless the kind of the error is unknown, the caller sets the
// message, because it knows what the call was for.
func Classify(err error) *problem.Error {
	switch sendgrid.ClassOf(err) {
	case sendgrid.NoKey:
		if problem.IsPermanent(err) { // The content of the secret can never be used.
			return &problem.Error{Code: problem.SecretUnavailable, Permanent: true, Err: err}
		}
		return &problem.Error{Code: problem.SecretUnavailable, RetryAfter: retrySoon, Err: err}
	case sendgrid.Refused:
		return classifyRefusal(err)
	case sendgrid.Throttled:
		return classifyLimit(err)
	case sendgrid.NeverSent, sendgrid.Unavailable:
		return classifyOutage(err)
	case sendgrid.Ambiguous: // Ambiguous writes were reconciled before, so this error has another origin.
	}
	return problem.From(err)
}

// classifyRefusal classifies a response that a repetition does not change.
func classifyRefusal(err error) *problem.Error {
	var failure *sendgrid.Error
	if !errors.As(err, &failure) {
		return problem.From(err)
	}
	switch status := failure.StatusCode; {
	case status == http.StatusUnauthorized:
		return &problem.Error{Code: problem.SendGridUnauthorized, Err: err}
	case status == http.StatusPaymentRequired, status == http.StatusForbidden:
		return &problem.Error{Code: problem.SendGridForbidden, Err: err}
	case failure.Op.Writes() && (status == http.StatusBadRequest || status == http.StatusConflict || status >= http.StatusInternalServerError):
		// A 5xx is not a refusal, except for the one that SendGrid documents as such.
		return &problem.Error{Code: problem.SendGridRejected, Fields: fieldErrors(failure.Errors), Err: err}
	default:
		return classifyOutage(err)
	}
}

func classifyLimit(err error) *problem.Error {
	e := &problem.Error{Code: problem.RateLimited, RetryAfter: retryLimit, Err: err}
	var failure *sendgrid.Error
	if errors.As(err, &failure) && !failure.RateLimit.Reset.IsZero() {
		e.RetryAfter = max(time.Second, time.Until(failure.RateLimit.Reset))
	}
	return e
}

func classifyOutage(err error) *problem.Error {
	var failure *sendgrid.Error
	if errors.As(err, &failure) && errors.Is(err, context.DeadlineExceeded) {
		return &problem.Error{Code: problem.DeadlineExceeded, Err: err}
	}
	return &problem.Error{Code: problem.SendGridUnavailable, RetryAfter: retrySoon, Err: err}
}

// message tells the sender of a request what a classified failure is, and what to do next.
func message(e *problem.Error, effect string) string {
	var failure *sendgrid.Error
	if !errors.As(e.Err, &failure) {
		failure = &sendgrid.Error{}
	}
	switch {
	case e.Code == problem.DeadlineExceeded:
		return deadlineExceeded(e.Err, "while SendGrid was asked to "+failure.Op.Words(), effect).Message
	case e.Code == problem.SecretUnavailable && e.Permanent:
		return "The secret with the SendGrid API key has no usable content; put the key into it, bare or as {\"api_key\": \"…\"}. The log has the reason."
	case e.Code == problem.SecretUnavailable:
		return "The SendGrid API key could not be read from Secrets Manager; " + effect + ". Try again; if it persists, check that the secret exists and that the function's role may read it."
	case e.Code == problem.SendGridRejected:
		return rejection(failure, effect)
	case e.Code == problem.SendGridUnauthorized, e.Code == problem.SendGridForbidden:
		return Refusal(failure, effect)
	case e.Code == problem.RateLimited:
		return "SendGrid's rate limit is used up; send the request again after the time in Retry-After. " + sentence(effect)
	case failure.StatusCode >= http.StatusOK && failure.StatusCode < http.StatusMultipleChoices:
		return fmt.Sprintf("SendGrid's response could not be read when it was asked to %s; %s. Send the request again; if it persists, the function's log has the reason.", failure.Op.Words(), effect)
	case failure.StatusCode != 0:
		return fmt.Sprintf("SendGrid responded with status %d when asked to %s; %s. Send the request again; if it persists, check SENDGRID_REGION and SendGrid's status page.", failure.StatusCode, failure.Op.Words(), effect)
	case errors.Is(e.Err, errTooSlow):
		return "SendGrid did not respond in time when asked to " + failure.Op.Words() + "; " + effect + ". Send the request again."
	}
	return "SendGrid could not be reached; " + effect + ". Send the request again."
}

// deadlineExceeded returns the error of a request whose time ran out; while continues "the time ran out".
func deadlineExceeded(cause error, while, effect string) *problem.Error {
	return &problem.Error{
		Code: problem.DeadlineExceeded, Err: cause,
		Message: "The time ran out " + while + "; " + effect + ". Send the request again.",
	}
}

func ledgerUnavailable(cause error, effect string) *problem.Error {
	return &problem.Error{
		Code: problem.LedgerUnavailable, RetryAfter: retrySoon, Err: cause,
		Message: "The ledger that prevents duplicates could not be used; " + effect + ". Send the request again; if it persists, check the ledger's table and the function's role.",
	}
}

// sentence turns a clause into a sentence.
func sentence(clause string) string { return strings.ToUpper(clause[:1]) + clause[1:] + "." }

// fieldErrors passes on SendGrid's messages about fields.
func fieldErrors(reported []sendgrid.FieldError) []problem.FieldError {
	var fields []problem.FieldError
	for _, f := range reported {
		fields = append(fields, problem.FieldError{Field: f.Field, Message: f.Message})
	}
	return fields
}
