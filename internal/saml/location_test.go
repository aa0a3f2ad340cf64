package saml_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"sendgrid-sso-integration/internal/saml"
)

func TestLocations(t *testing.T) {
	t.Parallel()
	sso := func(binding, location string) string { return service("SingleSignOnService", binding, location) }
	slo := func(binding, location string) string { return service("SingleLogoutService", binding, location) }
	post := sso("HTTP-POST", signin)
	long := "https://idp.example.com/" + strings.Repeat("a", 2048-24)
	for name, tt := range map[string]struct{ services, signin, signout, message string }{
		"POST":                      {post, signin, "", ""},
		"Redirect":                  {sso("HTTP-Redirect", signin), signin, "", ""},
		"POST before Redirect":      {sso("HTTP-Redirect", signin+"/r") + post, signin, "", ""},
		"first POST":                {post + sso("HTTP-POST", signin+"/2"), signin, "", ""},
		"Artifact and SOAP":         {sso("HTTP-Artifact", signin+"/a") + sso("SOAP", signin+"/s") + post, signin, "", ""},
		"SimpleSign":                {sso("HTTP-POST-SimpleSign", signin+"/s") + post, signin, "", ""},
		"unused one with http":      {post + sso("HTTP-Redirect", "http://idp.example.com"), signin, "", ""},
		"port and IPv6":             {sso("HTTP-POST", "https://[2001:db8::1]:8443/sso"), "https://[2001:db8::1]:8443/sso", "", ""},
		"white space around":        {sso("HTTP-POST", "\n "+signin+" "), signin, "", ""},
		"longest":                   {sso("HTTP-POST", long), long, "", ""},
		"logout by POST":            {post + slo("HTTP-Redirect", signout+"/r") + slo("HTTP-POST", signout), signin, signout, ""},
		"logout by Redirect":        {post + slo("HTTP-Redirect", signout), signin, signout, ""},
		"logout by SOAP":            {post + slo("SOAP", signout), signin, "", ""},
		"ResponseLocation":          {post + strings.Replace(slo("HTTP-POST", signout), "/>", ` ResponseLocation="http://x"/>`, 1), signin, signout, ""},
		"none":                      {"", "", "", "has no SingleSignOnService with the binding HTTP-POST or HTTP-Redirect in its IDPSSODescriptor (line 1, column 83); enable one of them at the identity provider, or send signin_url in addition"},
		"SOAP alone":                {sso("SOAP", signin), "", "", "has no SingleSignOnService with the binding"},
		"http":                      {sso("HTTP-POST", "http://idp.example.com"), "", "", "SingleSignOnService (line 1, column 167) whose Location must be an absolute URL that begins with https://; correct it at the identity provider, or send signin_url in addition"},
		"POST http, Redirect https": {sso("HTTP-POST", "http://idp.example.com") + sso("HTTP-Redirect", signin), signin, "", ""},
		"POST http, POST https":     {sso("HTTP-POST", "http://idp.example.com") + sso("HTTP-Redirect", signin+"/r") + post, signin, "", ""},
		"POST http, SOAP https":     {sso("HTTP-POST", "http://idp.example.com") + sso("SOAP", signin), "", "", "that begins with https://"},
		"both http":                 {sso("HTTP-Redirect", "http://idp.example.com") + sso("HTTP-POST", "ftp://idp.example.com"), "", "", "has a SingleSignOnService (line 1, column 284) whose Location must"},
		"logout, both":              {post + slo("HTTP-POST", "http://idp.example.com") + slo("HTTP-Redirect", signout), signin, signout, ""},
		"too long":                  {sso("HTTP-POST", long+"a"), "", "", "at most 2048 bytes, has 2049"},
		"logout with http":          {post + slo("HTTP-POST", "http://idp.example.com"), "", "", `must be an absolute URL that begins with https://; send signout_url in addition ("" for none)`},
		"logout with user info":     {post + slo("HTTP-POST", "https://u@idp.example.com"), "", "", "whose Location must not contain a user"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m, err := saml.ParseMetadata([]byte(services(tt.services)), saml.Given{}, now)
			if tt.message != "" {
				requireMessage(t, err, tt.message)
				return
			}
			require.NoError(t, err)
			require.Equal(t, &saml.Metadata{EntityID: "urn:idp", SigninURL: tt.signin, SignoutURL: tt.signout}, m)
		})
	}
}
