package provision

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"sendgrid-sso-integration/internal/problem"
	"sendgrid-sso-integration/internal/protocol"
	"sendgrid-sso-integration/internal/request"
)

// conflict reports, for each field, the value that SendGrid has and the one requested.
func (a *connectionAttempt) conflict() *problem.Error {
	if a.asked.Updates { // Only an integration without an id cannot be updated.
		return incomplete()
	}
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

// incomplete refuses a request whose integration exists but lacks its id or URLs.
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
