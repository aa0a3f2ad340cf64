package connector_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"sendgrid-sso-integration/internal/okta"
)

func resultEvent(detailType, app, entityID, acsURL, audience string) string {
	return fmt.Sprintf(`{"id":"e","source":"sendgrid.sso","detail-type":%q,"time":"2026-11-23T15:00:00Z","detail":{"metadata":{"okta_app":%q},
		"integration":{"entity_id":%q,"single_signon_url":%q,"audience_url":%q}}}`, detailType, app, entityID, acsURL, audience)
}

// Whoever may send requests chooses their metadata. Only the application that a result belongs
// to is written.
func TestResultsThatChangeNothing(t *testing.T) {
	t.Parallel()
	const updated, other = "SSO Integration Updated", "https://attacker.example.com/acs"
	for name, tt := range map[string]struct {
		event   string
		change  func(*okta.Application)
		outcome string
		reason  string
	}{
		"the URLs are there":        {event: resultEvent(updated, "0oa1", entityID, acsURL, audience), outcome: "Unchanged"},
		"superseded":                {event: resultEvent("SSO Integration Superseded", "0oa1", entityID, acsURL, audience), outcome: "Unchanged"},
		"rejected":                  {event: resultEvent("SSO Integration Rejected", "0oa1", entityID, other, other), outcome: "Ignored", reason: "not about an integration"},
		"not of Okta":               {event: resultEvent(updated, "", entityID, other, other), outcome: "Ignored", reason: "not about an integration"},
		"another integration":       {event: resultEvent(updated, "0oa1", "urn:attacker", other, other), outcome: "Refused", reason: "another entity_id"},
		"a path":                    {event: resultEvent(updated, "../users/00u1", entityID, other, other), outcome: "Refused", reason: "not the id of an application"},
		"no URL":                    {event: resultEvent(updated, "0oa1", entityID, "", ""), outcome: "Refused", reason: "SendGrid's URLs"},
		"http":                      {event: resultEvent(updated, "0oa1", entityID, acsURL, "http://x"), outcome: "Refused", reason: "SendGrid's URLs"},
		"catalogue application":     {resultEvent(updated, "0oa1", entityID, acsURL, audience), func(a *okta.Application) { a.SignOn = okta.SignOn{} }, "Ignored", "catalogue"},
		"name of another kind":      {resultEvent(updated, "0oa1", entityID, other, other), func(a *okta.Application) { a.Label = "Payroll" }, "Ignored", "APPLICATION_NAME_PREFIX"},
		"not SAML, though a result": {resultEvent(updated, "0oa1", entityID, other, other), func(a *okta.Application) { a.SignOnMode = "BOOKMARK" }, "Ignored", "SAML 2.0"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFixture(t)
			if tt.change != nil {
				tt.change(f.okta.app)
			}
			outcome, reason := f.invoke(t, tt.event)
			require.Equal(t, tt.outcome, outcome)
			require.Contains(t, reason, tt.reason)
			require.Zero(t, f.okta.replaced)
			require.Equal(t, outcome == "Refused", strings.Contains(f.logs.String(), `"level":"WARN"`))
		})
	}
}
