// Package envvar has the rules for environment variables that the functions share.
package envvar

import (
	"net"
	"strings"
	"unicode"
)

// IsPrivateHost reports whether a host is this machine or on a private network, so that what is
// sent there may do without TLS: a simulator on a laptop, of a container's host too.
func IsPrivateHost(host string) bool {
	if host == "localhost" || host == "host.docker.internal" {
		return true
	}
	ip := net.ParseIP(host)
	return ip != nil && (ip.IsLoopback() || ip.IsPrivate())
}

// IsResourceName reports whether text has only characters that the name or ARN of anything in AWS
// can have. White space and the characters of a JSON object are not among them, so a secret that
// was put in the wrong place is none.
func IsResourceName(text string) bool {
	return !strings.ContainsFunc(text, func(r rune) bool {
		return r > unicode.MaxASCII || !unicode.IsLetter(r) && !unicode.IsDigit(r) && !strings.ContainsRune("/_+=.@:-", r)
	})
}
