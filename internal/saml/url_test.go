package saml_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"sendgrid-sso-integration/internal/saml"
)

func TestURLProblem(t *testing.T) {
	t.Parallel()
	longest := "https://idp.example.com/" + strings.Repeat("a", 2048-24)
	for name, tt := range map[string]struct{ text, problem string }{
		"usual":                    {signin, ""},
		"with everything":          {"https://sso.example.com:8443/a/b%20c?d=e&f=%2F#g", ""},
		"upper case":               {"HTTPS://IDP.EXAMPLE.COM", ""},
		"IPv6":                     {"https://[2001:db8::1]:8443/sso", ""},
		"international":            {"https://bücher.example/ü", ""},
		"longest":                  {longest, ""},
		"too long":                 {longest + "a", "must have at most 2048 bytes, has 2049"},
		"empty":                    {"", "must not be empty"},
		"http":                     {"http://idp.example.com", "must be an absolute URL that begins with https://"},
		"relative":                 {"/sso", "that begins with https://"},
		"relative to a scheme":     {"//idp.example.com/sso", "that begins with https://"},
		"script":                   {"javascript:alert(1)", "that begins with https://"},
		"no host":                  {"https:///sso", "must name a host"},
		"opaque":                   {"https:idp.example.com", "must name a host"},
		"only a port":              {"https://:443/", "must name a host"},
		"user":                     {"https://user@idp.example.com", "must not contain a user name or password"},
		"password":                 {"https://user:pw@idp.example.com", "must not contain a user name or password"},
		"nobody":                   {"https://@idp.example.com", "must not contain a user name or password"},
		"white space":              {"https://idp.example.com/a b", "must not contain white space or control characters"},
		"white space around":       {" https://idp.example.com/", "must not contain white space"},
		"no-break space":           {"https://idp.example.com/\u00a0", "must not contain white space"},
		"control character":        {"https://idp.example.com/\x7f", "must not contain white space or control characters"},
		"replacement character":    {"https://idp.example.com/\ufffd", "must not contain white space or control characters"},
		"broken escape":            {"https://idp.example.com/%zz", "must be an absolute https URL"},
		"backslash behind a host":  {`https://idp.example.com\@evil.example/`, "must be an absolute https URL"},
		"white space, and no host": {"https:// ", "must not contain white space"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if problem := saml.URLProblem(tt.text); tt.problem == "" {
				require.Empty(t, problem)
			} else {
				require.Contains(t, problem, tt.problem)
			}
		})
	}
}
