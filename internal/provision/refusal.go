package provision

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"sendgrid-sso-integration/internal/problem"
	"sendgrid-sso-integration/internal/protocol"
	"sendgrid-sso-integration/internal/request"
	"sendgrid-sso-integration/sendgrid"
)

// refusal returns the error of a plan that refuses the request.
func (a *attempt) refusal(p protocol.Plan) error {
	s := subjectOf(a.entry)
	switch p.Reason {
	case protocol.StillSettling:
		return stillSettling(a.entry, p.Wait)
	case protocol.NotYetVisible:
		return notYetVisible(s, p.Wait)
	case protocol.Changing:
		return changing(s, p.Wait)
	case protocol.Gone:
		return a.gone("This delivery was applied to")
	case protocol.KeptGone:
		return a.gone("This request was applied to")
	case protocol.GoneSince:
		return a.gone("A newer request was applied to")
	case protocol.Ended:
		return a.wasEnded()
	case protocol.NeedsAPerson:
		return needsAPerson(s, p.Certificate)
	case protocol.Conflict:
		return a.resource.conflict()
	}
	return errUnplanned
}

// withRight names the if_exists to send for a change, and the right that the caller lacks for it.
func (a *attempt) withRight(ifExists request.IfExists) string {
	text := "if_exists: " + string(ifExists)
	if !a.asked.MayUpdate {
		text += ", which a caller with nothing but a webhook secret may send only if the parameter WebhookMayUpdate (WEBHOOK_MAY_UPDATE) is true"
	}
	return text
}

// endedBefore returns the message about a request that is older than one that ended the connection, or removed the teammate.
func (a *attempt) endedBefore() string {
	if a.fresh.Teammate != "" {
		return "A newer request removed the teammate with this email; nothing was created. To create the teammate anyway, send the request again."
	}
	return "A newer request ended the connection with this entity_id; nothing was created. To create it anyway, send the request again."
}

// gone refuses a request whose integration or teammate was deleted. was begins the sentence of the message.
func (a *attempt) gone(was string) *problem.Error {
	s, orChanged := subjectOf(a.entry), ", or given it another entity_id"
	switch {
	case a.entry.IntegrationID == "" && (a.entry.Gone == "" || a.entry.IsEnded()):
		return &problem.Error{Code: problem.Gone, Message: a.endedBefore()}
	case a.entry.Teammate != "":
		orChanged = ""
	}
	return s.about(problem.Error{
		Code: problem.Gone,
		Message: fmt.Sprintf("%s %s, and someone has deleted it in SendGrid since%s; nothing was created again. "+
			"To create it again, send the request with %s.", was, s, orChanged, a.withRight(request.Restore)),
	})
}

// wasEnded refuses a request for a connection that was ended, or a teammate that was removed. Nothing brings
// it back by itself.
func (a *attempt) wasEnded() *problem.Error {
	e, by := a.entry, ""
	if e.EndedBy != "" {
		by = " by " + e.EndedBy
	}
	was := "connection was ended"
	if e.Teammate != "" {
		was = "teammate was removed"
	}
	id := subjectOf(e)
	id.id = e.IntegrationID
	return id.about(problem.Error{
		Code: problem.Conflict,
		Message: fmt.Sprintf("This %s on %s%s; nothing was changed. If it is meant to come back, make it as requested again: send the request with %s.",
			was, e.Ended.UTC().Format(time.RFC3339), by, a.withRight(request.Restore)),
	})
}

// inProgress refuses a request whose entry is leased to another attempt for the remaining
// time. That attempt ends a settling period earlier, unless its process died.
func (a *attempt) inProgress(remaining time.Duration, cause error) *problem.Error {
	wait := remaining
	if settling := a.settling(); remaining > settling {
		wait = remaining - settling
	}
	return &problem.Error{
		Code: problem.InProgress, RetryAfter: max(retryLeased, wait), Err: cause,
		Message: "Another request is working on the same " + subjectOf(a.fresh).noun + " and has not finished yet. Send the request again to get its outcome.",
	}
}

func outcomeUnknown(s subject, wait time.Duration, cause error) *problem.Error {
	e := &problem.Error{
		Code: problem.OutcomeUnknown, RetryAfter: max(time.Second, wait), Err: cause,
		Message: fmt.Sprintf("SendGrid may have created the %s, but its response was lost and the %[1]s is not visible yet. Send the request again after the time in Retry-After; it is not created twice.", s.noun),
	}
	var response *sendgrid.Error
	if errors.As(cause, &response) && !response.Op.Idempotent() && response.StatusCode >= http.StatusMultipleChoices {
		e.Fields = fieldErrors(response.Errors)
		e.Message = fmt.Sprintf("SendGrid responded to the create with status %d, which leaves open whether it was carried out, and the %s is not visible yet. Send the request again after the time in Retry-After; it is not created twice.", response.StatusCode, s.noun)
	}
	return e
}

// notYetVisible refuses a request about what was created or found a moment ago, and is missing in what SendGrid
// shows.
func notYetVisible(s subject, wait time.Duration) *problem.Error {
	return s.unconfirmed(wait, nil, sentence(s.String()+" was there a moment ago, and SendGrid does not show it now")+" Send the request again after the time in Retry-After; it is not created twice.")
}

// needsAPerson refuses a request whose creates all had an unknown outcome.
func needsAPerson(s subject, certificate string) *problem.Error {
	e := s.about(problem.Error{Code: problem.OutcomeUnknown, Permanent: true})
	if certificate != "" {
		e.Message = "SendGrid was asked three times to add the certificate with SHA-256 " + certificate + " to " + s.String() + ", its response was lost each time, and the certificate is not there. " +
			"Nothing more is sent. Check the certificates of the integration in SendGrid's SSO settings, and delete the entry of this entity_id from the ledger's table; then send the request again."
		return e
	}
	e.Message = fmt.Sprintf("SendGrid was asked three times to create the %s, its response was lost each time, and no %[1]s has this %[2]s. "+
		"Nothing more is sent. Check SendGrid's settings for the %[1]s, correct or delete it, and delete the entry of this %[2]s from the ledger's table; then send the request again.", s.noun, s.key)
	return e
}

// stillSettling refuses a request while a write settles.
func stillSettling(e protocol.Entry, wait time.Duration) *problem.Error {
	if e.IntegrationID != "" && e.State != protocol.Unknown {
		return changing(subjectOf(e), wait)
	}
	return writeUnknown(e, wait, nil)
}

// writeUnknown refuses a request while the outcome of a write that an entry records is unknown.
func writeUnknown(e protocol.Entry, wait time.Duration, cause error) *problem.Error {
	switch {
	case e.IntegrationID == "":
		return outcomeUnknown(subjectOf(e), wait, cause)
	case e.Certificate != "":
		return certificateUnknown(e.IntegrationID, wait, cause)
	default:
		return updateUnknown(subjectOf(e), wait, cause)
	}
}

// updateUnknown refuses a request whose update was not confirmed.
func updateUnknown(s subject, wait time.Duration, cause error) *problem.Error {
	return s.unconfirmed(wait, cause, "SendGrid may have updated "+s.String()+", and this is not confirmed yet. Send the request again after the time in Retry-After.")
}

// certificateUnknown is the failure of a request whose certificate was not confirmed.
func certificateUnknown(id string, wait time.Duration, cause error) *problem.Error {
	return integration(id).unconfirmed(wait, cause, "The integration "+id+" exists. SendGrid may have added a certificate, and this is not confirmed yet. Send the request again after the time in Retry-After; no certificate is added twice.")
}

// deletionUnknown is the failure of an audit or a request whose deletion was not confirmed.
func deletionUnknown(s subject, wait time.Duration, cause error) *problem.Error {
	return s.unconfirmed(wait, cause, "SendGrid may have deleted "+s.String()+", and this is not confirmed yet.")
}

// removalUnknown is the failure of a request whose deletion of a certificate was not confirmed.
func removalUnknown(id string, wait time.Duration, cause error) *problem.Error {
	return integration(id).unconfirmed(wait, cause, "SendGrid may have deleted a certificate of the integration "+id+", and this is not confirmed yet. Send the request again after the time in Retry-After.")
}

// unconfirmed returns the failure while it is not known whether a write took effect.
func (s subject) unconfirmed(wait time.Duration, cause error, message string) *problem.Error {
	return s.about(problem.Error{Code: problem.OutcomeUnknown, RetryAfter: max(time.Second, wait), Err: cause, Message: message})
}

// notRecorded is the failure of a request whose outcome could not be recorded. Until it is, an older
// request could undo it.
func notRecorded(s subject, cause error) *problem.Error {
	return s.about(problem.Error{
		Code: problem.LedgerUnavailable, RetryAfter: retrySoon, Err: cause,
		Message: strings.TrimSuffix(sentence(s.String()), ".") + " is as requested, and the ledger could not record that. Send the request again to get its outcome; nothing is done twice.",
	})
}

// changing refuses a request about what was updated a moment ago. What SendGrid shows may be older than that.
func changing(s subject, wait time.Duration) *problem.Error {
	return s.about(problem.Error{
		Code: problem.InProgress, RetryAfter: max(retryLeased, wait),
		Message: "Another request changed " + s.String() + " a moment ago, and SendGrid may not show that yet. Send the request again after the time in Retry-After.",
	})
}
