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
	// retrySoon is when to come back after an outage, and retryLimit after a rate limit
	// of which SendGrid did not say when it resets.
	retrySoon  = 30 * time.Second
	retryLimit = time.Minute
	// retryHeld is when to come back for what someone else is working on.
	retryHeld = 5 * time.Second
)

// explain turns the error of a call to SendGrid that certainly created nothing into
// what a caller can act on.
func explain(err error) *problem.Error {
	var known *problem.Error
	var key *sendgrid.KeyError
	var failure *sendgrid.Error
	switch {
	case errors.As(err, &known):
		return known
	case errors.As(err, &key):
		return explainKey(key)
	case errors.As(err, &failure):
		return explainAnswer(failure)
	default:
		return problem.From(err)
	}
}

func explainKey(err *sendgrid.KeyError) *problem.Error {
	if errors.Is(err, context.DeadlineExceeded) {
		return tooLate(err)
	}
	// A secret's own error knows whether what it holds can ever be used.
	var content interface{ Permanent() bool }
	if errors.As(err, &content) && content.Permanent() {
		return &problem.Error{
			Code: problem.SecretUnavailable, Permanent: true, Err: err,
			Message: "The secret with the SendGrid API key has no usable content; put the key into it, bare or as {\"api_key\": \"…\"}. The log says what is wrong with it.",
		}
	}
	return &problem.Error{
		Code: problem.SecretUnavailable, RetryAfter: retrySoon, Err: err,
		Message: "The SendGrid API key could not be read from Secrets Manager; this attempt created nothing. Try again; if it persists, check that the secret exists and that the function's role may read it.",
	}
}

func explainAnswer(err *sendgrid.Error) *problem.Error {
	e := &problem.Error{Err: err}
	switch err.StatusCode {
	case http.StatusBadRequest:
		if err.Op == sendgrid.OpCreateIntegration {
			e.Code, e.Fields = problem.SendGridRejected, fieldErrors(err.Errors)
			e.Message = "SendGrid rejected the integration; correct the request as it says and send it again."
			return e
		}
	case http.StatusUnauthorized:
		e.Code = problem.SendGridUnauthorized
		e.Message = "SendGrid does not accept the API key, not even after it was read anew; put a valid key into the secret and send the request again. This attempt created nothing."
		return e
	case http.StatusForbidden:
		e.Code = problem.SendGridForbidden
		e.Message = fmt.Sprintf("SendGrid does not let the API key %s; make a new key that has the scope %s, and check that the account's plan includes SSO. This attempt created nothing.", err.Op, err.Op.Scope())
		return e
	case http.StatusTooManyRequests:
		e.Code, e.RetryAfter = problem.RateLimited, retryLimit
		if reset := err.RateLimit.Reset; !reset.IsZero() {
			e.RetryAfter = max(time.Second, time.Until(reset))
		}
		e.Message = "SendGrid's rate limit is used up; send the request again after the time that Retry-After says. This attempt created nothing."
		return e
	}
	if errors.Is(err, context.DeadlineExceeded) {
		return tooLate(err)
	}
	e.Code, e.RetryAfter = problem.SendGridUnavailable, retrySoon
	e.Message = "SendGrid could not be reached; this attempt created nothing. Send the request again."
	if err.StatusCode != 0 {
		e.Message = fmt.Sprintf("SendGrid answered with status %d when asked to %s; this attempt created nothing. Send the request again; if it persists, check SENDGRID_REGION and SendGrid's status page.", err.StatusCode, err.Op)
	}
	return e
}

func tooLate(cause error) *problem.Error {
	return &problem.Error{
		Code: problem.DeadlineExceeded, Err: cause,
		Message: "The time ran out before the integration was asked for; this attempt created nothing. Send the request again.",
	}
}

func conflict(id string, differences []string) *problem.Error {
	e := &problem.Error{Code: problem.Conflict, Message: fmt.Sprintf(
		"The integration %s has this entity_id and differs in %s; nothing was changed. Edit or delete it in SendGrid, or send what it holds.",
		id, strings.Join(differences, ", "))}
	for _, field := range differences {
		e.Fields = append(e.Fields, problem.FieldError{Field: field, Message: "differs"})
	}
	return e
}

// inProgress answers a request whose entry somebody else holds for the time remaining. If
// they live they are done a settling time before that; if not, nobody can act earlier.
func inProgress(remaining, settling time.Duration, cause error) *problem.Error {
	wait := remaining
	if remaining > settling {
		wait = remaining - settling
	}
	return &problem.Error{
		Code: problem.InProgress, RetryAfter: max(retryHeld, wait), Err: cause,
		Message: "The same integration is being created by another request, which has not finished yet. Send the request again to see its outcome.",
	}
}

func ledgerUnavailable(cause error) *problem.Error {
	return &problem.Error{
		Code: problem.LedgerUnavailable, RetryAfter: retrySoon, Err: cause,
		Message: "The ledger that guards against duplicates could not be used; this attempt created nothing. Send the request again; if it persists, check the ledger's table and the function's role.",
	}
}

func outcomeUnknown(wait time.Duration, cause error) *problem.Error {
	e := &problem.Error{
		Code: problem.OutcomeUnknown, RetryAfter: max(time.Second, wait), Err: cause,
		Message: "SendGrid may have created the integration, but its answer was lost and the integration has not shown up yet. Send the request again after the time that Retry-After says; it will not be created twice.",
	}
	var answer *sendgrid.Error
	if errors.As(cause, &answer) && answer.Op == sendgrid.OpCreateIntegration && answer.StatusCode >= http.StatusMultipleChoices {
		e.Fields = fieldErrors(answer.Errors)
		e.Message = fmt.Sprintf("SendGrid answered the create with status %d, which leaves open whether it was carried out, and the integration has not shown up yet. Send the request again after the time that Retry-After says; it will not be created twice.", answer.StatusCode)
	}
	return e
}

// incomplete answers a request whose integration is there, but not whole.
func incomplete() *problem.Error {
	return &problem.Error{
		Code: problem.SendGridUnavailable, RetryAfter: retrySoon,
		Message: "The integration is there, but SendGrid does not tell its id or its single sign-on URL; this attempt created nothing. Send the request again; if it persists, look in SendGrid's SSO settings.",
	}
}

// unreadable answers a create that succeeded but cannot be shown.
func unreadable(id string, cause error) *problem.Error {
	return &problem.Error{
		Code: problem.OutcomeUnknown, RetryAfter: retryHeld, Err: cause,
		Message: "SendGrid created the integration " + id + ", but it could not be read back. Send the request again to get its URLs; it will not be created twice.",
	}
}

// fieldErrors passes on what SendGrid said of the fields.
func fieldErrors(said []sendgrid.FieldError) []problem.FieldError {
	var fields []problem.FieldError
	for _, s := range said {
		fields = append(fields, problem.FieldError{Field: s.Field, Message: s.Message})
	}
	return fields
}
