package sendgridtest

import (
	_ "embed"
	"slices"
	"strings"
)

// assignable are the scopes that a teammate can be given: those of an administrator in SendGrid's
// reference, without the ones that SendGrid adds by itself.
var assignable = strings.Fields(assignableText)

//go:embed scopes.txt
var assignableText string

// ownScopes are what SendGrid adds to every SSO teammate. They cannot be given, least of all for a
// subuser, though SendGrid's own example does so.
//
// https://www.twilio.com/docs/sendgrid/ui/account-and-settings/teammate-permissions#user-settings
var ownScopes = []string{"2fa_exempt", "sender_verification_eligible", "sender_verification_legacy"}

// subuserBaseline is what SendGrid adds to a restricted access to a subuser.
var subuserBaseline = []string{"user.account.read", "user.profile.read", "user.username.read"}

// personaScopes are some of the scopes of each persona.
var personaScopes = map[string][]string{
	"accountant": {"billing.read", "billing.update", "stats.read"},
	"developer":  {"api_keys.read", "mail.send", "templates.read"},
	"marketer":   {"marketing_campaigns.read", "marketing_campaigns.update", "stats.read"},
	"observer":   {"messages.read", "stats.read"},
}

// allAssignable reports whether a teammate can be given all of the scopes.
func allAssignable(scopes []string) bool {
	return !slices.ContainsFunc(scopes, func(scope string) bool { return !slices.Contains(assignable, scope) })
}

// withOthers returns scopes in order, each once, with those that SendGrid adds.
func withOthers(scopes, others []string) []string {
	all := slices.Concat(scopes, others)
	slices.Sort(all)
	return slices.Compact(all)
}
