package audit

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"sendgrid-sso-integration/internal/problem"
	"sendgrid-sso-integration/internal/provision"
	"sendgrid-sso-integration/sendgrid"
)

// retrySoon is when to audit again after an outage.
const retrySoon = time.Minute

// translate turns the error of a call to SendGrid into one that an operator can act on.
func translate(err error) *problem.Error {
	var e *problem.Error
	if errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled) {
		e = &problem.Error{Code: problem.DeadlineExceeded, Err: err}
	} else {
		e = provision.Classify(err)
	}
	e.RetryAfter = retrySoon
	if e.Message == "" {
		e.Message = message(e)
	}
	return e
}

// message tells an operator what a failure is, and what to do.
func message(e *problem.Error) string {
	var failure *sendgrid.Error
	if !errors.As(e.Err, &failure) {
		failure = &sendgrid.Error{}
	}
	switch {
	case e.Code == problem.SecretUnavailable:
		return "The SendGrid API key could not be read from Secrets Manager; check that the secret exists and has the key in it, and that the function's role may read it."
	case e.Code == problem.SendGridUnauthorized, e.Code == problem.SendGridForbidden:
		return provision.Refusal(failure, "")
	case e.Code == problem.RateLimited:
		return "SendGrid's rate limit is used up."
	case e.Code == problem.DeadlineExceeded:
		return "SendGrid did not respond in time."
	case failure.StatusCode >= http.StatusOK && failure.StatusCode < http.StatusMultipleChoices:
		return "SendGrid's response could not be read when it was asked to " + failure.Op.Words() + "; the function's log has the reason."
	case failure.StatusCode != 0:
		return fmt.Sprintf("SendGrid responded with status %d when asked to %s.", failure.StatusCode, failure.Op.Words())
	}
	return "SendGrid could not be reached, or did not respond in time."
}

// reason tells an operator why a connection could not be audited. The messages of failures are for the
// sender of a request, who may send it again.
func reason(e *problem.Error) string {
	switch {
	case errors.As(e.Err, new(*sendgrid.Error)) && e.Code != problem.SendGridRejected, e.Code == problem.SecretUnavailable, e.Code == problem.DeadlineExceeded:
		return message(e)
	case e.Code == problem.LedgerUnavailable:
		return ledgerUnavailable(e.Err).Message
	case e.Code == problem.InProgress:
		return "A request was working on it, or had just changed it."
	default:
		return e.Message
	}
}

// ended is the failure of an audit that the failure of a connection ends.
func ended(err error) *problem.Error {
	failure := *problem.From(err)
	failure.Message = reason(&failure)
	return &failure
}

// noneAudited is the failure of an audit that could not audit any connection.
func noneAudited(err error) *problem.Error {
	failure := ended(err)
	failure.Message = "No connection could be audited. " + failure.Message + " The audit is repeated."
	return failure
}

func ledgerUnavailable(err error) *problem.Error {
	return &problem.Error{
		Code: problem.LedgerUnavailable, RetryAfter: retrySoon, Err: err,
		Message: "The ledger, which has the connections to audit, could not be used; check its table and the function's role. The audit is repeated.",
	}
}

func notPublished(err error) *problem.Error {
	return &problem.Error{
		Code: problem.EventBusUnavailable, RetryAfter: retrySoon, Err: err,
		Message: "What the audit found could not be published; check the event bus and the function's role. The audit is repeated.",
	}
}
