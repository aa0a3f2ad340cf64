package provision

import (
	"cmp"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"sendgrid-sso-integration/internal/problem"
	"sendgrid-sso-integration/internal/protocol"
	"sendgrid-sso-integration/internal/request"
	"sendgrid-sso-integration/sendgrid"
)

// refusal returns the error of a plan that refuses the request.
func (a *attempt) refusal(p protocol.Plan) error {
	id := cmp.Or(a.entry.IntegrationID, a.entry.Gone)
	switch p.Reason {
	case protocol.StillSettling:
		return stillSettling(a.entry, p.Wait)
	case protocol.NotYetVisible:
		return notYetVisible(id, p.Wait)
	case protocol.Changing:
		return changing(id, p.Wait)
	case protocol.Gone:
		return a.gone(id, "This delivery was applied to")
	case protocol.KeptGone:
		return a.gone(id, "This request was applied to")
	case protocol.GoneSince:
		return a.gone(id, "A newer request was applied to")
	case protocol.Ended:
		return a.wasEnded()
	case protocol.NeedsAPerson:
		return needsAPerson(id, p.Certificate)
	case protocol.Conflict:
		if a.asked.Updates { // Without an id it cannot be updated.
			return incomplete()
		}
		return a.conflict()
	}
	return errUnplanned
}

// withRight names what to send for a change, to whoever may not.
func (a *attempt) withRight(ifExists request.IfExists) string {
	text := "if_exists: " + string(ifExists)
	if !a.asked.MayUpdate {
		text += ", which a caller with nothing but a webhook secret may send only if WEBHOOK_MAY_UPDATE is true"
	}
	return text
}

// conflict reports, for each field, the value that SendGrid has and the one requested.
func (a *attempt) conflict() *problem.Error {
	i, r, seen := *a.seen.integration, a.request, a.seen
	e := &problem.Error{Code: problem.Conflict, IntegrationID: i.ID}
	var names []string
	differs := func(name, current, requested string) {
		names = append(names, name)
		e.Fields = append(e.Fields, problem.FieldError{Field: name, Message: "is " + current + " in SendGrid, and " + requested + " was requested"})
	}
	e.Changes = r.Differences(i)
	for _, c := range e.Changes {
		differs(c.Field, quoted(c.From), quoted(c.To))
	}
	there := seen.hashes()
	for _, c := range r.Certificates {
		if !slices.Contains(there, c.SHA256) {
			differs(certificateField, hashes(seen.certificates), "sha256 "+c.SHA256)
			e.Changes = append(e.Changes, problem.Change{Field: certificateField, To: c.SHA256})
		}
	}
	slices.Sort(names)
	e.Message = fmt.Sprintf("The integration %s has this entity_id and differs in %s; nothing was changed. Send the values that it has; or have it changed with %s.",
		i.ID, strings.Join(slices.Compact(names), ", "), a.withRight(request.UpdateExisting))
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
		named = append(named, "sha256 "+cmp.Or(c.sha256, "unknown"))
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

// noneSince answers a request that is older than one that ended the connection, while there was no integration.
const noneSince = "A newer request ended the connection with this entity_id; nothing was created. To create it all the same, send the request again."

// gone answers a request whose integration was deleted. was begins the sentence that says how it came
// to be.
func (a *attempt) gone(id, was string) *problem.Error {
	if id == "" {
		return &problem.Error{Code: problem.Gone, Message: noneSince}
	}
	return &problem.Error{
		Code: problem.Gone, IntegrationID: id,
		Message: fmt.Sprintf("%s the integration %s, and someone has deleted it in SendGrid since, or given it another entity_id; nothing was created again. "+
			"To create it again, send a new request with %s.", was, id, a.withRight(request.Restore)),
	}
}

// wasEnded answers a request for a connection that was ended. Nothing brings it back by itself.
func (a *attempt) wasEnded() *problem.Error {
	e, by := a.entry, ""
	if e.EndedBy != "" {
		by = " by " + e.EndedBy
	}
	return &problem.Error{
		Code: problem.Conflict, IntegrationID: e.IntegrationID,
		Message: fmt.Sprintf("This connection was ended on %s%s; nothing was changed. If it is meant to come back, make it as requested again: send the request with %s.",
			e.Ended.UTC().Format(time.RFC3339), by, a.withRight(request.Restore)),
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

// notYetVisible answers a request whose integration was created or found a moment ago, and is
// missing in what SendGrid shows.
func notYetVisible(id string, wait time.Duration) *problem.Error {
	return &problem.Error{
		Code: problem.OutcomeUnknown, IntegrationID: id, RetryAfter: max(time.Second, wait),
		Message: "The integration " + id + " was there a moment ago, and SendGrid does not show it now. Send the request again after the time in Retry-After; it is not created twice.",
	}
}

// needsAPerson refuses a request whose creates all had an unknown outcome.
func needsAPerson(id, certificate string) *problem.Error {
	e := &problem.Error{Code: problem.OutcomeUnknown, Permanent: true, IntegrationID: id}
	if certificate != "" {
		e.Message = "SendGrid was asked three times to add the certificate with SHA-256 " + certificate + " to the integration " + id + ", its response was lost each time, and the certificate is not there. " +
			"Nothing more is sent. Check the certificates of the integration in SendGrid's SSO settings, and delete the entry of this entity_id from the ledger's table; then send the request again."
		return e
	}
	e.Message = "SendGrid was asked three times to create the integration, its response was lost each time, and no integration has this entity_id. " +
		"Nothing more is sent. Check SendGrid's SSO settings for an integration of this name, correct or delete it, and delete the entry of this entity_id from the ledger's table; then send the request again."
	return e
}

// stillSettling refuses a request while a write settles.
func stillSettling(e protocol.Entry, wait time.Duration) *problem.Error {
	if e.IntegrationID != "" && e.State != protocol.Unknown {
		return changing(e.IntegrationID, wait)
	}
	return writeUnknown(e, wait, nil)
}

// writeUnknown answers a request while it is not known what became of a write that an entry records.
func writeUnknown(e protocol.Entry, wait time.Duration, cause error) *problem.Error {
	switch {
	case e.IntegrationID == "":
		return outcomeUnknown(wait, cause)
	case e.Certificate != "":
		return certificateUnknown(e.IntegrationID, wait, cause)
	default:
		return updateUnknown(e.IntegrationID, wait, cause)
	}
}

// updateUnknown answers a request whose update was not confirmed.
func updateUnknown(id string, wait time.Duration, cause error) *problem.Error {
	return &problem.Error{
		Code: problem.OutcomeUnknown, IntegrationID: id, RetryAfter: max(time.Second, wait), Err: cause,
		Message: "SendGrid may have updated the integration " + id + ", and this is not confirmed yet. Send the request again after the time in Retry-After.",
	}
}

// certificateUnknown is the failure of a request whose certificate was not confirmed.
func certificateUnknown(id string, wait time.Duration, cause error) *problem.Error {
	return &problem.Error{
		Code: problem.OutcomeUnknown, IntegrationID: id, RetryAfter: max(time.Second, wait), Err: cause,
		Message: "The integration " + id + " exists. SendGrid may have added a certificate, and this is not confirmed yet. Send the request again after the time in Retry-After; no certificate is added twice.",
	}
}

// deletionUnknown is the failure of an audit whose deletion was not confirmed.
func deletionUnknown(id string, wait time.Duration, cause error) *problem.Error {
	return &problem.Error{
		Code: problem.OutcomeUnknown, IntegrationID: id, RetryAfter: max(time.Second, wait), Err: cause,
		Message: "SendGrid may have deleted the integration " + id + ", and this is not confirmed yet.",
	}
}

// removalUnknown is the failure of a request whose deletion of a certificate was not confirmed.
func removalUnknown(id string, wait time.Duration, cause error) *problem.Error {
	return &problem.Error{
		Code: problem.OutcomeUnknown, IntegrationID: id, RetryAfter: max(time.Second, wait), Err: cause,
		Message: "SendGrid may have deleted a certificate of the integration " + id + ", and this is not confirmed yet. Send the request again after the time in Retry-After.",
	}
}

// notRecorded is the failure of a request whose outcome could not be recorded. Until it is, an older
// request could undo it.
func notRecorded(id string, cause error) *problem.Error {
	return &problem.Error{
		Code: problem.LedgerUnavailable, IntegrationID: id, RetryAfter: retrySoon, Err: cause,
		Message: "The integration " + id + " is as requested, and the ledger could not record that. Send the request again to get its outcome; nothing is done twice.",
	}
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
		Message: "The integration exists, but SendGrid does not return its id or its single sign-on URL. Send the request again; if it persists, check SendGrid's SSO settings.",
	}
}

// unreadable is the failure of a write that succeeded but cannot be read back.
func unreadable(id string, outcome protocol.Outcome, cause error) *problem.Error {
	return &problem.Error{
		Code: problem.OutcomeUnknown, IntegrationID: id, RetryAfter: retryLeased, Err: cause,
		Message: fmt.Sprintf("SendGrid %s the integration %s, but it could not be read back. Send the request again to get its URLs; nothing is done twice.", outcome, id),
	}
}
