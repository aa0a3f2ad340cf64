package provision

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"sendgrid-sso-integration/internal/problem"
	"sendgrid-sso-integration/sendgrid"
)

const (
	// retrySoon is when to try again after an outage, and retryLimit after a rate limit for
	// which SendGrid gave no reset.
	retrySoon  = 30 * time.Second
	retryLimit = time.Minute
	// retryLeased is when to try again for an entry that is leased to another attempt.
	retryLeased = 5 * time.Second
)

// errUnplanned marks a mistake in this package.
var errUnplanned = errors.New("the plan has a step that is not carried out")

// translate turns the error of an attempt that wrote nothing to SendGrid into one that a
// caller can act on.
func translate(err error) *problem.Error {
	var known *problem.Error
	if errors.As(err, &known) {
		return known
	}
	switch sendgrid.ClassOf(err) {
	case sendgrid.NoKey:
		return keyUnavailable(err)
	case sendgrid.Refused:
		return refused(err)
	case sendgrid.Throttled:
		return throttled(err)
	case sendgrid.NeverSent, sendgrid.Unavailable:
		return unavailable(err)
	case sendgrid.Ambiguous: // Reconciled before; what is left is an error of another origin.
	}
	return problem.From(err)
}

func keyUnavailable(err error) *problem.Error {
	if errors.Is(err, context.DeadlineExceeded) {
		return tooLate(err)
	}
	if problem.IsPermanent(err) { // The content of the secret can never be used.
		return &problem.Error{
			Code: problem.SecretUnavailable, Permanent: true, Err: err,
			Message: "The secret with the SendGrid API key has no usable content; put the key into it, bare or as {\"api_key\": \"…\"}. The log has the reason.",
		}
	}
	return &problem.Error{
		Code: problem.SecretUnavailable, RetryAfter: retrySoon, Err: err,
		Message: "The SendGrid API key could not be read from Secrets Manager; this attempt created nothing. Try again; if it persists, check that the secret exists and that the function's role may read it.",
	}
}

// refused translates an answer that a repetition does not change.
func refused(err error) *problem.Error {
	var failure *sendgrid.Error
	if !errors.As(err, &failure) {
		return problem.From(err)
	}
	e := &problem.Error{Err: err}
	switch {
	case failure.StatusCode == http.StatusBadRequest && failure.Op.Writes():
		e.Code, e.Fields = problem.SendGridRejected, fieldErrors(failure.Errors)
		e.Message = "SendGrid rejected the integration; correct what errors lists and send the request again."
	case failure.StatusCode == http.StatusUnauthorized:
		e.Code = problem.SendGridUnauthorized
		e.Message = "SendGrid does not accept the API key, even after the secret was read again; put a valid key into the secret and send the request again. This attempt created nothing."
	case failure.StatusCode == http.StatusForbidden:
		e.Code = problem.SendGridForbidden
		e.Message = fmt.Sprintf("SendGrid does not permit the API key to %s; make a new key that has the scope %s, and check that the account's plan includes SSO. This attempt created nothing.", failure.Op, failure.Op.Scope())
	default:
		return unavailable(err)
	}
	return e
}

func throttled(err error) *problem.Error {
	e := &problem.Error{
		Code: problem.RateLimited, RetryAfter: retryLimit, Err: err,
		Message: "SendGrid's rate limit is used up; send the request again after the time in Retry-After. This attempt created nothing.",
	}
	var failure *sendgrid.Error
	if errors.As(err, &failure) && !failure.RateLimit.Reset.IsZero() {
		e.RetryAfter = max(time.Second, time.Until(failure.RateLimit.Reset))
	}
	return e
}

func unavailable(err error) *problem.Error {
	if errors.Is(err, context.DeadlineExceeded) {
		return tooLate(err)
	}
	e := &problem.Error{
		Code: problem.SendGridUnavailable, RetryAfter: retrySoon, Err: err,
		Message: "SendGrid could not be reached; this attempt created nothing. Send the request again.",
	}
	var failure *sendgrid.Error
	if errors.As(err, &failure) && failure.StatusCode != 0 {
		e.Message = fmt.Sprintf("SendGrid answered with status %d when asked to %s; this attempt created nothing. Send the request again; if it persists, check SENDGRID_REGION and SendGrid's status page.", failure.StatusCode, failure.Op)
	}
	return e
}

func tooLate(cause error) *problem.Error {
	return &problem.Error{
		Code: problem.DeadlineExceeded, Err: cause,
		Message: "The time ran out; this attempt created nothing. Send the request again.",
	}
}

// conflict reports, for each field, the value that SendGrid has and the one requested.
func conflict(i sendgrid.Integration, r Request, seen observation) *problem.Error {
	e := &problem.Error{Code: problem.Conflict, IntegrationID: i.ID}
	var names []string
	differs := func(name, current, requested string) {
		names = append(names, name)
		e.Fields = append(e.Fields, problem.FieldError{Field: name, Message: "is " + current + " in SendGrid, and " + requested + " was requested"})
	}
	for _, d := range r.differences(i) {
		differs(d.Field, quoted(d.Current), quoted(d.Requested))
	}
	for _, c := range r.Certificates {
		if !seen.shows(c.SHA256) {
			differs("public_certificate", hashes(seen.certificates), "sha256 "+c.SHA256)
		}
	}
	slices.Sort(names)
	e.Message = fmt.Sprintf("The integration %s has this entity_id and differs in %s; nothing was changed. Send the values that it has, or send the request with if_exists: update to change it.",
		i.ID, strings.Join(slices.Compact(names), ", "))
	return e
}

// hashes names certificates for a message, the first few of many.
func hashes(certificates []storedCertificate) string {
	const most = 3
	if len(certificates) == 0 {
		return "none"
	}
	var named []string
	for _, c := range certificates[:min(most, len(certificates))] {
		named = append(named, "sha256 "+c.sha256)
	}
	if more := len(certificates) - most; more > 0 {
		named = append(named, strconv.Itoa(more)+" more")
	}
	return strings.Join(named, ", ")
}

// quoted returns a value for a message.
func quoted(value any) string {
	if text, ok := value.(string); ok {
		return strconv.Quote(text)
	}
	return fmt.Sprint(value)
}

func gone(id string) *problem.Error {
	return &problem.Error{
		Code: problem.Gone, IntegrationID: id,
		Message: fmt.Sprintf("This delivery created the integration %s, and someone has deleted it in SendGrid since; nothing was created again. To create it again, send a new request.", id),
	}
}

// goneSince answers a request that is older than the one applied last, whose integration was
// deleted.
func goneSince(id string) *problem.Error {
	return &problem.Error{
		Code: problem.Gone, IntegrationID: id,
		Message: fmt.Sprintf("A newer request was applied to the integration %s, and someone has deleted it in SendGrid since; nothing was created again. To create it again, send a new request.", id),
	}
}

// inProgress answers a request whose entry is leased to another attempt for the time
// remaining. That attempt is done a settling period before; if its process died, nobody can
// act earlier.
func inProgress(remaining, settling time.Duration, cause error) *problem.Error {
	wait := remaining
	if remaining > settling {
		wait = remaining - settling
	}
	return &problem.Error{
		Code: problem.InProgress, RetryAfter: max(retryLeased, wait), Err: cause,
		Message: "Another request is working on the same integration and has not finished yet. Send the request again to get its outcome.",
	}
}

func ledgerUnavailable(cause error) *problem.Error {
	return &problem.Error{
		Code: problem.LedgerUnavailable, RetryAfter: retrySoon, Err: cause,
		Message: "The ledger that prevents duplicates could not be used; this attempt created nothing. Send the request again; if it persists, check the ledger's table and the function's role.",
	}
}

func outcomeUnknown(wait time.Duration, cause error) *problem.Error {
	e := &problem.Error{
		Code: problem.OutcomeUnknown, RetryAfter: max(time.Second, wait), Err: cause,
		Message: "SendGrid may have created the integration, but its answer was lost and the integration is not visible yet. Send the request again after the time in Retry-After; it is not created twice.",
	}
	var answer *sendgrid.Error
	if errors.As(cause, &answer) && !answer.Op.Idempotent() && answer.StatusCode >= http.StatusMultipleChoices {
		e.Fields = fieldErrors(answer.Errors)
		e.Message = fmt.Sprintf("SendGrid answered the create with status %d, which leaves open whether it was carried out, and the integration is not visible yet. Send the request again after the time in Retry-After; it is not created twice.", answer.StatusCode)
	}
	return e
}

// notYetVisible answers a request whose integration was created a moment ago, and is missing
// in what SendGrid shows.
func notYetVisible(id string, wait time.Duration) *problem.Error {
	return &problem.Error{
		Code: problem.OutcomeUnknown, IntegrationID: id, RetryAfter: max(time.Second, wait),
		Message: "The integration " + id + " was created a moment ago, and SendGrid does not show it yet. Send the request again after the time in Retry-After; it is not created twice.",
	}
}

// needsAPerson answers a request whose creates all had an unknown outcome.
func needsAPerson(e Entry) *problem.Error {
	if e.awaitsCertificate() {
		return &problem.Error{
			Code: problem.OutcomeUnknown, Permanent: true, IntegrationID: e.IntegrationID,
			Message: fmt.Sprintf("SendGrid was asked %d times to add a certificate to the integration %s, its answer was lost each time, and the certificate is not there. "+
				"Nothing more is sent. Check the certificates of the integration in SendGrid's SSO settings, and delete the entry of this entity_id from the ledger's table; then send the request again.", e.UnknownCreates, e.IntegrationID),
		}
	}
	return &problem.Error{
		Code: problem.OutcomeUnknown, Permanent: true,
		Message: fmt.Sprintf("SendGrid was asked %d times to create the integration, its answer was lost each time, and no integration has this entity_id. "+
			"Nothing more is sent. Check SendGrid's SSO settings for an integration of this name, correct or delete it, and delete the entry of this entity_id from the ledger's table; then send the request again.", e.UnknownCreates),
	}
}

// updateUnknown answers a request whose update was not confirmed.
func updateUnknown(id string, wait time.Duration, cause error) *problem.Error {
	return &problem.Error{
		Code: problem.OutcomeUnknown, IntegrationID: id, RetryAfter: max(time.Second, wait), Err: cause,
		Message: "SendGrid may have updated the integration " + id + ", and this is not confirmed yet. Send the request again after the time in Retry-After.",
	}
}

// certificateFailed adds to an error that the integration exists and lacks certificates.
func certificateFailed(id string, err error) *problem.Error {
	e := *translate(err)
	e.IntegrationID = id
	switch e.Code {
	case problem.SendGridRejected:
		e.Message = "The integration " + id + " exists, and SendGrid rejected a certificate of the request. Correct the certificate, and send the request with if_exists: update."
	case problem.OutcomeUnknown:
		e.Message = "The integration " + id + " exists. SendGrid may have added a certificate, and this is not confirmed yet. Send the request again after the time in Retry-After; no certificate is added twice."
	default:
		e.Message = strings.Replace(e.Message, "this attempt created nothing", "the integration "+id+" exists and lacks certificates", 1)
		e.Message = strings.Replace(e.Message, "This attempt created nothing", "The integration "+id+" exists and lacks certificates", 1)
	}
	return &e
}

// changing answers a request about an integration that was updated a moment ago. What SendGrid
// shows may be older than that.
func changing(id string, wait time.Duration) *problem.Error {
	return &problem.Error{
		Code: problem.InProgress, IntegrationID: id, RetryAfter: max(retryLeased, wait),
		Message: "Another request changed the integration " + id + " a moment ago, and SendGrid may not show that yet. Send the request again after the time in Retry-After.",
	}
}

// incomplete answers a request whose integration exists but lacks its id or URLs.
func incomplete() *problem.Error {
	return &problem.Error{
		Code: problem.SendGridUnavailable, RetryAfter: retrySoon,
		Message: "The integration exists, but SendGrid does not return its id or its single sign-on URL; this attempt created nothing. Send the request again; if it persists, check SendGrid's SSO settings.",
	}
}

// unreadable answers a create that succeeded but cannot be read back.
func unreadable(id string, cause error) *problem.Error {
	return &problem.Error{
		Code: problem.OutcomeUnknown, IntegrationID: id, RetryAfter: retryLeased, Err: cause,
		Message: "SendGrid created the integration " + id + ", but it could not be read back. Send the request again to get its URLs; it is not created twice.",
	}
}

// fieldErrors passes on SendGrid's messages about fields.
func fieldErrors(answered []sendgrid.FieldError) []problem.FieldError {
	var fields []problem.FieldError
	for _, f := range answered {
		fields = append(fields, problem.FieldError{Field: f.Field, Message: f.Message})
	}
	return fields
}
