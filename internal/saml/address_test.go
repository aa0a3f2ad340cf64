package saml_test

import (
	"net"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"sendgrid-sso-integration/internal/saml"
)

func TestCheckAddress(t *testing.T) {
	t.Parallel()
	check := func(address, port string) error {
		network := "tcp4"
		if strings.Contains(address, ":") {
			network = "tcp6"
		}
		return saml.CheckAddress(network, net.JoinHostPort(address, port))
	}
	for _, address := range []string{
		"1.1.1.1", "9.255.255.255", "11.0.0.0", "100.63.255.255", "100.128.0.0", "126.255.255.255", "128.0.0.0",
		"169.253.255.255", "169.255.0.0", "172.15.255.255", "172.32.0.0", "192.0.1.0", "192.167.255.255", "192.169.0.0",
		"198.17.255.255", "198.20.0.0", "223.255.255.255", "168.63.129.15", "2001:200::1", "2606:4700::1111", "2a00::1",
	} {
		require.NoError(t, check(address, "443"), address)
		require.Error(t, check(address, "80"), address)
	}
	for _, address := range []string{
		"0.0.0.0", "0.1.2.3", "10.0.0.0", "10.255.255.255", "100.64.0.0", "100.100.100.200", "100.127.255.255", "127.0.0.1",
		"127.255.255.255", "168.63.129.16", "169.254.0.1", "169.254.169.254", "169.254.170.2", "169.254.170.23", "172.16.0.0",
		"172.31.255.255", "192.0.0.192", "192.0.2.1", "192.88.99.1", "192.168.0.0", "192.168.255.255", "198.18.0.0",
		"192.31.196.1", "192.52.193.1", "192.175.48.1", "198.19.255.255", "198.51.100.1", "203.0.113.1", "224.0.0.1", "239.255.255.255", "240.0.0.1", "255.255.255.255",
		"::", "::1", "::ffff:1.1.1.1", "::1.1.1.1", "::ffff:10.0.0.1", "64:ff9b::1.1.1.1", "64:ff9b::127.0.0.1", "64:ff9b:1::1", "100::1", "2001::1", "2001:2::1",
		"2001:10::1", "2001:20::1", "2001:db8::1", "2002:7f00:1::1", "2002:101:101::1", "2620:4f:8000::1", "3fff::1", "5f00::1", "fc00::1", "fd00:ec2::254", "fe80::1",
		"fe80::1%eth0", "fec0::1", "ff02::1", "2606:4700::1111%eth0", "4000::1",
	} {
		require.Error(t, check(address, "443"), address)
	}
	require.Error(t, saml.CheckAddress("tcp4", "acme.okta.com:443"))
	require.Error(t, saml.CheckAddress("tcp4", ""))
	require.Error(t, saml.CheckAddress("udp4", "1.1.1.1:443"))
}
