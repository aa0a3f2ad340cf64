// Package envvar has the rules for environment variables that the functions share.
package envvar

import (
	"errors"
	"net"
	"net/url"
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

// CheckEndpoint allows plain http only where the credentials stay on this machine or network.
func CheckEndpoint(text string) error {
	u, err := url.Parse(text)
	switch {
	case err != nil, u.Hostname() == "":
		return errors.New("must be an absolute URL that begins with https://")
	case u.User != nil, strings.ContainsAny(text, "?#"): // Also an empty one would swallow the path.
		return errors.New("must not contain a user, a query or a fragment")
	case u.Scheme == "https", u.Scheme == "http" && IsPrivateHost(u.Hostname()):
		return nil
	default:
		return errors.New("must begin with https://, because it is sent credentials; http:// is for a simulator on localhost, host.docker.internal or a private address")
	}
}
