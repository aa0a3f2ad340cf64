package provision

import (
	"fmt"
	"time"

	"sendgrid-sso-integration/internal/problem"
	"sendgrid-sso-integration/internal/protocol"
	"sendgrid-sso-integration/internal/request"
)

// expiresSoon is how long before the last certificate expires a warning is given.
const expiresSoon = 30 * 24 * time.Hour

// Warning is a problem with a successful result that keeps people from logging in, now or later.
type Warning struct {
	Code    WarningCode `json:"code"`
	Message string      `json:"message"`
	// Changes are what was changed in SendGrid, with the code Drifted.
	Changes []problem.Change `json:"changes,omitempty"`
}

// WarningCode identifies a kind of warning.
type WarningCode string

// The kinds of warnings.
const (
	NoCertificate          WarningCode = "NoCertificate"
	CertificateExpiresSoon WarningCode = "CertificateExpiresSoon"
	IntegrationDisabled    WarningCode = "IntegrationDisabled"
	IntegrationIncomplete  WarningCode = "IntegrationIncomplete"
	Drifted                WarningCode = "Drifted"
	Missing                WarningCode = "Missing"
	Ended                  WarningCode = "Ended"
	UrlsChanged            WarningCode = "UrlsChanged"
)

// WarningCodes returns every kind of warning that a result may have.
func WarningCodes() []WarningCode {
	return []WarningCode{NoCertificate, CertificateExpiresSoon, IntegrationDisabled, IntegrationIncomplete, Drifted, Missing, Ended, UrlsChanged}
}

// warnings returns the warnings about a result, from what is known without another call. Those of a
// dry run are about what the request would leave.
func (a *connectionAttempt) warnings(result *Result, now time.Time) []Warning {
	if a.isEnd {
		return nil
	}
	var found []Warning
	warn := func(code WarningCode, message string) { found = append(found, Warning{Code: code, Message: message}) }
	if a.missing && a.entry.IsEnded() {
		warn(Ended, a.wasEnded().Message)
		return found
	}
	if a.missing && result.GoneID == "" {
		warn(Missing, a.endedBefore())
		return found
	}
	if a.missing {
		warn(Missing, "The integration "+result.GoneID+" was deleted in SendGrid, or has another entity_id now; nothing was created again. To create it again, send the request with if_exists: restore.")
		return found
	}
	last := a.lastExpiry()
	if message := a.withoutCertificate(result); message != "" {
		warn(NoCertificate, message)
	}
	if !last.IsZero() && last.Before(now.Add(expiresSoon)) {
		warn(CertificateExpiresSoon, fmt.Sprintf("The last certificate expires on %s; nobody can log in after that. Send the next one with %s.", last.UTC().Format(time.DateOnly), a.withRight(request.UpdateExisting)))
	}
	if !a.seen.integration.Enabled {
		warn(IntegrationDisabled, "The integration is disabled, so nobody can log in with it.")
	}
	if completed := a.seen.integration.CompletedIntegration; completed != nil && !*completed {
		warn(IntegrationIncomplete, "SendGrid reports that the setup is not finished; somebody has to finish it in SendGrid's SSO settings.")
	}
	switch {
	case a.entry.Gone == "":
	case result.Outcome == protocol.OutcomeCreated:
		warn(UrlsChanged, "The integration was created again under another id, so the identity provider still has the URLs of the one before. Enter single_signon_url and audience_url of this result there.")
	case a.seen.integration.ID == newIntegration:
		warn(UrlsChanged, "The integration would be created again under another id, and the identity provider would need its new URLs.")
	}
	if len(a.drifted) > 0 {
		found = append(found, Warning{Code: Drifted, Changes: a.drifted, Message: "Somebody changed the integration in SendGrid since this function did; " +
			"changes has what. If that is not meant to stay, send the request with " + a.withRight(request.Restore) + "."})
	}
	return found
}

// withoutCertificate returns the message if the integration has no certificate as far as that is
// known: this attempt created it without any, or listed none, or the ledger records that none was
// added since this function created it.
func (a *connectionAttempt) withoutCertificate(result *Result) string {
	const (
		none = "The integration has no certificate, so nobody can log in. "
		send = "Send the request again with the identity provider's signing certificate as public_certificate or saml_metadata"
		free = "; while nothing else differs, that needs no if_exists."
	)
	bare := a.entry.Bare && a.entry.IntegrationID == result.Integration.ID
	brings := len(a.request.Certificates) > 0
	switch {
	case a.seen.integration.ID == newIntegration && !brings:
		return "The integration would have no certificate, so nobody could log in. " + send + "."
	case result.Outcome == protocol.OutcomeCreated && !brings && bare:
		return none + send + free
	case result.Outcome == protocol.OutcomeCreated && !brings: // It was found by reading, so it may be a person's.
		return none + send + ". If the response is Conflict, it needs " + a.withRight(request.UpdateExisting) + "."
	case bare && !brings && !a.entry.MayComplete(a.asked):
		return "No certificate was requested for this integration yet, and without one nobody can log in. " + send + " and " + a.withRight(request.UpdateExisting) + "."
	case bare && !brings:
		return "No certificate was requested for this integration yet, and without one nobody can log in. " + send + free
	case result.Outcome == protocol.OutcomeUnchanged && a.seen.certificatesRead && !a.seen.certified:
		return none + "The requested one was removed in SendGrid: add it there, or send another one with " + a.withRight(request.UpdateExisting) + "."
	}
	return ""
}
