package audit

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"sendgrid-sso-integration/internal/problem"
	"sendgrid-sso-integration/sendgrid"
)

// retrySoon is when to audit again after an outage.
const retrySoon = time.Minute

// translate turns the error of a call to SendGrid into one that an operator can act on.
func translate(err error) *problem.Error {
	e := &problem.Error{Err: err, RetryAfter: retrySoon}
	var failure *sendgrid.Error
	status := 0
	if errors.As(err, &failure) {
		status = failure.StatusCode
	}
	switch {
	case sendgrid.ClassOf(err) == sendgrid.NoKey:
		e.Code, e.Permanent = problem.SecretUnavailable, problem.IsPermanent(err)
		e.Message = "The SendGrid API key could not be read from Secrets Manager; check that the secret exists and has the key in it, and that the function's role may read it."
	case status == http.StatusUnauthorized:
		e.Code, e.Message = problem.SendGridUnauthorized, "SendGrid does not accept the API key; put a valid key into the secret."
	case status == http.StatusForbidden:
		e.Code = problem.SendGridForbidden
		e.Message = fmt.Sprintf("SendGrid does not permit the API key to %s; make a new key that has the scope %s, and check that the account's plan includes SSO.", failure.Op, failure.Op.Scope())
	case errors.Is(err, errNoTime):
		e.Code, e.Message = problem.RateLimited, "SendGrid's rate limit resets after the end of the audit."
	case status != 0:
		e.Code, e.Message = problem.SendGridUnavailable, fmt.Sprintf("SendGrid answered with status %d when asked to %s.", status, failure.Op)
	case errors.Is(err, errNoAnswer), errors.Is(err, context.DeadlineExceeded), errors.Is(err, context.Canceled):
		e.Code, e.Message = problem.DeadlineExceeded, "SendGrid did not answer in time."
	default:
		e.Code, e.Message = problem.SendGridUnavailable, "SendGrid could not be reached."
	}
	return e
}

// nothingReached is the failure of an audit that could not check a single integration.
func nothingReached(err error) *problem.Error {
	e := translate(err)
	e.Message = "No integration could be audited. " + e.Message + " The audit is repeated."
	return e
}

func ledgerUnavailable(err error) *problem.Error {
	return &problem.Error{
		Code: problem.LedgerUnavailable, RetryAfter: retrySoon, Err: err,
		Message: "The ledger, which records where the audit begins, could not be used; check its table and the function's role. The audit is repeated.",
	}
}

func notPublished(err error) *problem.Error {
	return &problem.Error{
		Code: problem.EventBusUnavailable, RetryAfter: retrySoon, Err: err,
		Message: "The events about expiring certificates could not be published; check the event bus and the function's role. The audit is repeated.",
	}
}
