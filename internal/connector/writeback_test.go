package connector_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"sendgrid-sso-integration/internal/okta"
)

// result is a result event about the one application, its fields as they are in the event.
type result struct{ detailType, app, entityID, integration, acsURL, audience string }

// newResult is the result after which the application has nothing to change.
func newResult() result {
	return result{"SSO Integration Updated", "0oa1", entityID, integration, responseURL, responseURL}
}

func (r result) String() string {
	return fmt.Sprintf(`{"id":"e","source":"sendgrid.sso","detail-type":%q,"time":"2026-11-23T15:00:00Z","detail":{"metadata":{"okta_app":%q},
		"integration":{"entity_id":%q,"id":%q,"single_signon_url":%q,"audience_url":%q}}}`, r.detailType, r.app, r.entityID, r.integration, r.acsURL, r.audience)
}

// Whoever may send requests chooses their metadata. Only the application that a result belongs
// to is written.
func TestResultsThatChangeNothing(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		change  func(*result, *okta.Application)
		outcome string
		reason  string
	}{
		"the URLs are there": {func(*result, *okta.Application) {}, "Unchanged", ""},
		"superseded":         {func(r *result, _ *okta.Application) { r.detailType = "SSO Integration Superseded" }, "Unchanged", ""},
		"rejected":           {func(r *result, _ *okta.Application) { r.detailType = "SSO Integration Rejected" }, "Ignored", "not about an integration"},
		// A result about a teammate changes no application, whatever else the event has.
		"a teammate": {func(r *result, a *okta.Application) {
			r.detailType, a.SignOn = "SSO Teammate Created", signOn("https://example.com", "https://example.com")
		}, "Ignored", "not about an integration"},
		"not of Okta": {func(r *result, _ *okta.Application) { r.app = "" }, "Ignored", "not about an integration"},
		"a path":      {func(r *result, _ *okta.Application) { r.app = "../users/00u1" }, "Refused", "not the id of an application"},
		"another integration": {func(r *result, a *okta.Application) {
			r.entityID, a.SignOn = "urn:attacker", signOn("https://example.com", "https://example.com")
		}, "Refused", "another entity_id"},
		"catalogue application": {func(_ *result, a *okta.Application) { a.SignOn = okta.SignOn{} }, "Ignored", "catalogue"},
		"name of another kind":  {func(_ *result, a *okta.Application) { a.Label = "Payroll" }, "Ignored", "APPLICATION_NAME_PREFIX"},
		"not SAML":              {func(_ *result, a *okta.Application) { a.SignOnMode = "BOOKMARK" }, "Ignored", "SAML 2.0"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f, r := newFixture(t), newResult()
			tt.change(&r, f.okta.app)
			outcome, reason := f.invoke(t, r.String())
			require.Equal(t, tt.outcome, outcome)
			require.Contains(t, reason, tt.reason)
			require.Zero(t, f.okta.replaced)
			require.Equal(t, outcome == "Refused", strings.Contains(f.logs.String(), `"level":"WARN"`))
		})
	}
}

// Whoever may put events on the bus chooses the URLs of a result. Those at which SendGrid takes
// the SAML responses of the integration are the only ones that get into an application, because
// the others would have people's responses sent to somebody else.
func TestResponsesGoToSendGridOnly(t *testing.T) {
	t.Parallel()
	const path = "/v3/public/sso/saml/response/id/"
	for name, tt := range map[string]struct{ url, integration, outcome, reason string }{
		"global":                 {sendGrid + path + integration, integration, "Unchanged", ""},
		"EU":                     {"https://api.eu.sendgrid.com" + path + integration, integration, "Unchanged", ""},
		"another host":           {"https://attacker.example.com" + path + integration, integration, "Refused", "SAML responses"},
		"no host of the API":     {"https://www.sendgrid.com" + path + integration, integration, "Refused", "SAML responses"},
		"a longer host":          {"https://api.sendgrid.com.example.com" + path + integration, integration, "Refused", "SAML responses"},
		"the host as a user":     {"https://api.sendgrid.com@example.com" + path + integration, integration, "Refused", "SAML responses"},
		"a user":                 {"https://user@api.sendgrid.com" + path + integration, integration, "Refused", "SAML responses"},
		"a port":                 {"https://api.sendgrid.com:8443" + path + integration, integration, "Refused", "SAML responses"},
		"http":                   {"http://api.sendgrid.com" + path + integration, integration, "Refused", "SAML responses"},
		"a backslash":            {`https://example.com\@api.sendgrid.com` + path + integration, integration, "Refused", "SAML responses"},
		"white space":            {" " + responseURL, integration, "Refused", "SAML responses"},
		"a query":                {responseURL + "?x=" + integration, integration, "Refused", "SAML responses"},
		"another path":           {sendGrid + "/v3/redirect/" + integration, integration, "Refused", "SAML responses"},
		"a path in front":        {sendGrid + "/x/.." + path + integration, integration, "Refused", "SAML responses"},
		"no URL":                 {"", integration, "Refused", "SAML responses"},
		"another integration":    {sendGrid + path + "0d0f3c8a-51c7-4f34-8a5f-6f2c7e9b4d10", integration, "Refused", "SAML responses"},
		"no integration":         {sendGrid + path, "", "Refused", "integration.id"},
		"a path for integration": {sendGrid + path + "../../x", "../../x", "Refused", "integration.id"},
		"a long integration":     {sendGrid + path + strings.Repeat("a", 65), strings.Repeat("a", 65), "Refused", "integration.id"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for _, set := range []func(*result){
				func(r *result) { r.acsURL = tt.url },
				func(r *result) { r.audience = tt.url },
				func(r *result) { r.acsURL, r.audience = tt.url, tt.url },
			} {
				f, r := newFixture(t), newResult()
				r.integration = tt.integration
				set(&r)
				f.okta.app.SignOn = signOn(r.acsURL, r.audience)
				outcome, reason := f.invoke(t, r.String())
				require.Equal(t, tt.outcome, outcome)
				require.Contains(t, reason, tt.reason)
				require.Zero(t, f.okta.replaced)
			}
		})
	}
	f := newFixture(t)
	f.SendGridRoots = nil
	outcome, _ := f.invoke(t, newResult().String())
	require.Equal(t, "Refused", outcome, "without a host of SendGrid no URL is SendGrid's")
}
