package envvar_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"sendgrid-sso-integration/internal/envvar"
)

func TestIsPrivateHost(t *testing.T) {
	t.Parallel()
	for host, private := range map[string]bool{
		"localhost": true, "host.docker.internal": true, "127.0.0.1": true, "127.1.2.3": true, "::1": true,
		"10.0.0.1": true, "172.31.0.1": true, "192.168.0.1": true, "fd00::1": true, "::ffff:10.0.0.1": true,
		"": false, "example.com": false, "localhost.example.com": false, "1.1.1.1": false, "2606:4700::1111": false,
		"0.0.0.0": false, "::": false, "100.64.0.1": false, "169.254.169.254": false, "fe80::1": false, "127.1": false, "[::1]": false,
	} {
		require.Equal(t, private, envvar.IsPrivateHost(host), host)
	}
}

func TestIsResourceName(t *testing.T) {
	t.Parallel()
	for text, is := range map[string]bool{
		"": true, "okta/credential": true, "arn:aws:secretsmanager:us-east-1:123456789012:secret:sso/key-AbC123": true, "a_+=.@-9": true,
		`{"api_key":"x"}`: false, "a b": false, "a\n": false, "é": false, "a,b": false, "a?b": false, "$a": false,
	} {
		require.Equal(t, is, envvar.IsResourceName(text), text)
	}
}
