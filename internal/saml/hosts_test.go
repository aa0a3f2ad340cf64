package saml_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"sendgrid-sso-integration/internal/saml"
)

func TestParseHosts(t *testing.T) {
	t.Parallel()
	for text, want := range map[string][]string{
		"":                                      saml.DefaultHosts(),
		" ,\n":                                  saml.DefaultHosts(),
		"sso.example.com":                       {"sso.example.com"},
		"*.example.com,sso.example.org":         {"*.example.com", "sso.example.org"},
		" SSO.Example.com \t*.okta.com,\n, b.c": {"*.okta.com", "b.c", "sso.example.com"},
		"a.example.com,A.example.com":           {"a.example.com"},
		"sso.xn--bcher-kva.example":             {"sso.xn--bcher-kva.example"},
	} {
		hosts, err := saml.ParseHosts(text)
		require.NoError(t, err, text)
		require.Equal(t, want, hosts, text)
	}
	again, err := saml.ParseHosts(strings.Join(saml.DefaultHosts(), " "))
	require.NoError(t, err)
	require.ElementsMatch(t, saml.DefaultHosts(), again)

	for entry, message := range map[string]string{
		"*":                                      "only as its whole first label",
		"a*.example.com":                         "only as its whole first label",
		"*.*.example.com":                        "only as its whole first label",
		"sso.*.com":                              "only as its whole first label",
		"*.com":                                  "covers a whole top-level domain",
		"localhost":                              "must be a full host name",
		"https://sso.example.com":                "without scheme, port or path",
		"sso.example.com:443":                    "without scheme, port or path",
		"sso.example.com/saml":                   "without scheme, port or path",
		"user@sso.example.com":                   "without scheme, port or path",
		"10.0.0.1":                               "not an IP address",
		"*.0.0.1":                                "not an IP address",
		"127.1":                                  "not an IP address",
		"a.0x7f000001":                           "not an IP address",
		"[::1]":                                  "without scheme, port or path",
		".example.com":                           "is not a host name",
		"sso..example.com":                       "is not a host name",
		"sso.example.com.":                       "is not a host name",
		"*.":                                     "is not a host name",
		"-a.example.com":                         "is not a host name",
		"a_b.example.com":                        "is not a host name",
		"sso.bücher.example":                     "is not a host name",
		"a.\u212Aelvin":                          "is not a host name",
		strings.Repeat("a", 64) + ".example.com": "is not a host name",
		strings.Repeat("abc.", 64) + "com":       "is not a host name",
		"good.example.com," + strings.Repeat("b", 999): "is not a host name",
	} {
		hosts, err := saml.ParseHosts(entry)
		require.Nil(t, hosts, entry)
		require.ErrorContains(t, err, message, entry)
		require.Less(t, len(err.Error()), 250)
	}
	_, err = saml.ParseHosts("*, good.example.com, https://x.example, *.org")
	require.ErrorContains(t, err, `"*" may have`)
	require.ErrorContains(t, err, `"https://x.example" must`)
	require.ErrorContains(t, err, `"*.org" covers`)
	require.NotContains(t, err.Error(), "good.example.com")
}
