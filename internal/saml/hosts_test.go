package saml_test

import (
	"net"
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

func TestCheckAddress(t *testing.T) {
	t.Parallel()
	check := func(address string) error { return saml.CheckAddress(t.Context(), "tcp", address, nil) }
	for _, address := range []string{
		"1.1.1.1", "9.255.255.255", "11.0.0.0", "100.63.255.255", "100.128.0.0", "126.255.255.255", "128.0.0.0",
		"169.253.255.255", "169.255.0.0", "172.15.255.255", "172.32.0.0", "192.0.1.0", "192.167.255.255", "192.169.0.0",
		"198.17.255.255", "198.20.0.0", "223.255.255.255", "168.63.129.15", "2001:200::1", "2606:4700::1111", "2a00::1",
	} {
		require.NoError(t, check(net.JoinHostPort(address, "443")), address)
	}
	for _, address := range []string{
		"0.0.0.0", "0.1.2.3", "10.0.0.0", "10.255.255.255", "100.64.0.0", "100.100.100.200", "100.127.255.255", "127.0.0.1",
		"127.255.255.255", "168.63.129.16", "169.254.0.1", "169.254.169.254", "169.254.170.2", "169.254.170.23", "172.16.0.0",
		"172.31.255.255", "192.0.0.192", "192.0.2.1", "192.88.99.1", "192.168.0.0", "192.168.255.255", "198.18.0.0",
		"198.19.255.255", "198.51.100.1", "203.0.113.1", "224.0.0.1", "239.255.255.255", "240.0.0.1", "255.255.255.255",
		"::", "::1", "::ffff:1.1.1.1", "::1.1.1.1", "64:ff9b::1.1.1.1", "64:ff9b:1::1", "100::1", "2001::1", "2001:2::1",
		"2001:10::1", "2001:20::1", "2001:db8::1", "2002:7f00:1::1", "3fff::1", "5f00::1", "fc00::1", "fd00:ec2::254", "fe80::1",
		"fe80::1%eth0", "fec0::1", "ff02::1", "2606:4700::1111%eth0", "4000::1",
	} {
		require.Error(t, check(net.JoinHostPort(address, "443")), address)
	}
	require.Error(t, check("acme.okta.com:443"))
	require.Error(t, check(""))
}
