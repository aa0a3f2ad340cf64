package provision

import (
	"fmt"
	"net/http"
	"regexp"
	"strings"

	"sendgrid-sso-integration/sendgrid"
)

// The subjects of SendGrid's reasons. SendGrid has neither a code nor a status for each.
var (
	aboutAddress = regexp.MustCompile(`(?i)\bip\b|whitelist`)
	aboutRegion  = regexp.MustCompile(`(?i)\bregion`)
	aboutPlan    = regexp.MustCompile(`(?i)\b(plan|package|subscription|upgrade|billing|payment|maximum|limit|quota)`)
	aboutScope   = regexp.MustCompile(`(?i)forbidden|access|permi|scope|authori|credential`)
)

// Refusal returns the message of a response of SendGrid with which it refuses the function whatever
// the request: because of its key, its address, or the account's plan. SendGrid's own reason comes
// first where it has one, then effect, a clause of what was changed, which may be empty.
func Refusal(failure *sendgrid.Error, effect string) string {
	reason := failure.Reason()
	clause := quotedReason(failure)
	if effect != "" {
		clause += "; " + effect
	}
	refused := fmt.Sprintf("SendGrid refused to %s%s.", failure.Op.Words(), clause)
	switch {
	case aboutAddress.MatchString(reason):
		return refused + " The account has IP Access Management, and a function has no fixed address without a NAT gateway: allow the address of one in SendGrid and run the function behind it, or turn IP Access Management off."
	case aboutRegion.MatchString(reason):
		return refused + " Set SENDGRID_REGION (the parameter SendGridRegion) to the region that the API key belongs to."
	case failure.StatusCode == http.StatusPaymentRequired, aboutPlan.MatchString(reason):
		return refused + " Have the plan of the SendGrid account changed, or remove what is no longer used; another API key does not help."
	case failure.StatusCode == http.StatusUnauthorized:
		return "SendGrid does not accept the API key, even after the secret was read again" + clause +
			". Put a valid key into the secret; if it is valid, check that SENDGRID_REGION is the region that it belongs to."
	case reason == "", aboutScope.MatchString(reason):
		refused = fmt.Sprintf("SendGrid does not let the API key %s%s. Make a new key", failure.Op.Words(), clause)
		if scope := failure.Op.Scope(); scope != "" {
			return refused + " that has the scope " + scope + ", and check that the account's plan includes SSO and that SENDGRID_REGION is its region."
		}
		return refused + ", and check that SENDGRID_REGION is its region."
	}
	return refused + " Correct this in the SendGrid account."
}

// rejection returns the message of a response of SendGrid that rejects what was requested.
func rejection(failure *sendgrid.Error, effect string) string {
	what := "integration"
	if failure.Op.OfTeammates() {
		what = "teammate"
	}
	switch {
	case failure.Op == sendgrid.OpCreateCertificate:
		return "SendGrid rejected a certificate of the request" + quotedReason(failure) + "; " + effect + ". Correct the certificate, and send the request again."
	case failure.StatusCode == http.StatusConflict:
		return fmt.Sprintf("SendGrid refused to %s because of something that exists%s; %s. Look for it in SendGrid's SSO settings, and change the request or remove it.",
			failure.Op.Words(), quotedReason(failure), effect)
	case failure.Reason() == "":
		return "SendGrid rejected the " + what + " without a reason that can be read; " + effect + ". Compare the values with those of the identity provider, correct them and send the request again."
	}
	return "SendGrid rejected the " + what + quotedReason(failure) + "; " + effect + ". Correct the request and send it again."
}

// quotedReason returns SendGrid's reason, quoted, as the end of a clause.
func quotedReason(failure *sendgrid.Error) string {
	reason := failure.Reason()
	if reason == "" {
		return ""
	}
	return `: "` + strings.ReplaceAll(strings.TrimRight(reason, "."), `"`, "'") + `"`
}
