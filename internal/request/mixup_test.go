package request_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"sendgrid-sso-integration/internal/problem"
	"sendgrid-sso-integration/internal/request"
)

// A value that belongs elsewhere is refused with the place of the right one.
func TestParseNamesTheRightValue(t *testing.T) {
	t.Parallel()
	const audience = `"https://api.sendgrid.com/v3/public/sso/saml/response/id/7e2d9f41-3b6a-4c58-9d0e-8a1f5c7b2e63"`
	for name, tt := range map[string]struct{ field, value, message string }{
		"SendGrid's audience as entity_id": {"entity_id", audience, "is a URL of SendGrid, which the identity provider needs; send the identity provider's own issuer"},
		"its EU host":                      {"entity_id", `"https://api.eu.sendgrid.com/v3/public/sso/saml/response/id/7"`, "is a URL of SendGrid"},
		"without its scheme":               {"entity_id", `"API.SendGrid.com/v3"`, "is a URL of SendGrid"},
		"SendGrid's ACS as signin_url":     {"signin_url", audience, "send the identity provider's own single sign-on URL"},
		"SendGrid's login":                 {"signin_url", `"https://app.sendgrid.com/ssologin"`, "is a URL of SendGrid"},
		"Okta's console":                   {"signin_url", `"https://example-admin.okta.com/admin/app/x/instance/0oa1/"`, "Okta's Admin Console; send the \"Identity Provider Single Sign-On URL\""},
		"Okta's console of previews":       {"signin_url", `"https://example-admin.oktapreview.com/"`, "Okta's Admin Console"},
		"Google's console":                 {"signin_url", `"https://admin.google.com/ac/apps/saml"`, "Google's Admin console; send the \"SSO URL\""},
		"Azure's portal":                   {"signin_url", `"https://portal.azure.com/#view/x"`, "Microsoft's admin centre; send the \"Login URL\""},
		"Azure's older portal":             {"signin_url", `"https://aad.portal.azure.com/"`, "Microsoft's admin centre"},
		"Entra's admin centre":             {"signin_url", `"https://entra.microsoft.com/#view/x"`, "Microsoft's admin centre"},
		"a console as metadata URL":        {"saml_metadata_url", `"https://entra.microsoft.com/"`, "App Federation Metadata Url"},
		"Google's as metadata URL":         {"saml_metadata_url", `"https://admin.google.com/"`, "send its text as saml_metadata"},
		"XML as metadata URL":              {"saml_metadata_url", `"\ufeff<EntityDescriptor/>"`, "is XML, not a URL; it goes in saml_metadata"},
		"a URL as metadata":                {"saml_metadata", `"https://example.okta.com/m"`, "is a URL; it goes in saml_metadata_url"},
		"a host that only ends alike":      {"signin_url", `"https://notsendgrid.com/sso"`, ""},
		"an org whose name has admin":      {"signin_url", `"https://example-admin.example.com/sso"`, ""},
		"Google's single sign-on":          {"signin_url", `"https://accounts.google.com/o/saml2/idp?idpid=C01"`, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := request.Parse([]byte(with(tt.field, tt.value)), time.Now())
			if tt.message == "" {
				require.NoError(t, err)
				return
			}
			e := requireCode(t, problem.InvalidRequest, err)
			require.Len(t, e.Fields, 1)
			require.Equal(t, tt.field, e.Fields[0].Field)
			require.Contains(t, e.Fields[0].Message, tt.message)
		})
	}
}
