package saml

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"
)

// DefaultHosts returns the hosts from which SAML metadata may be fetched unless the deployment
// names others: the domains of Okta's own organisations and of Entra's clouds, where
// customers cannot put servers of their own.
func DefaultHosts() []string {
	return []string{
		"*.okta.com", "*.oktapreview.com", "*.okta-emea.com", "*.okta-gov.com", "*.okta.mil",
		"login.microsoftonline.com", "login.microsoftonline.us", "login.partner.microsoftonline.cn",
	}
}

// ParseHosts reads the value of SAML_METADATA_HOSTS: host names and *.suffix patterns,
// separated by commas or white space. Empty text gives [DefaultHosts]. The error joins one
// [*Error] for each entry that is not valid.
func ParseHosts(text string) ([]string, error) {
	entries := strings.FieldsFunc(text, func(r rune) bool { return r == ',' || isSpaceOrControl(r) })
	if len(entries) == 0 {
		return DefaultHosts(), nil
	}
	var hosts []string
	var problems []error
	for _, entry := range entries {
		if problem := checkHostEntry(entry); problem != "" {
			problems = append(problems, &Error{Message: fmt.Sprintf("%q %s", clip(entry, maxQuoted), problem)})
		}
		hosts = append(hosts, strings.ToLower(entry))
	}
	if len(problems) > 0 {
		return nil, errors.Join(problems...)
	}
	return slices.Compact(slices.Sorted(slices.Values(hosts))), nil
}

// checkHostEntry returns what is wrong with an entry of SAML_METADATA_HOSTS.
func checkHostEntry(entry string) string {
	name, wildcard := strings.CutPrefix(entry, "*.")
	_, notIP := netip.ParseAddr(strings.Trim(name, "[]"))
	switch {
	case entry == "*" || strings.Contains(name, "*"):
		return "may have a * only as its whole first label, as in *.example.com"
	case strings.ContainsAny(entry, ":/@?#"):
		return "must be a host name alone, without scheme, port or path"
	case notIP == nil || isNumeric(lastLabel(name)):
		return "must be a host name, not an IP address"
	case !isHostname(name):
		return "is not a host name of letters, digits, hyphens and dots (international names in their xn-- form)"
	case !strings.Contains(name, "."):
		if wildcard {
			return "covers a whole top-level domain; name the domain of the identity provider"
		}
		return "must be a full host name with a domain"
	}
	return ""
}

// allowed reports whether an entry of hosts, in lower case, covers a host name.
func allowed(hosts []string, name string) bool {
	if !isHostname(name) { // Before ToLower, which makes ASCII letters of some others.
		return false
	}
	name = strings.ToLower(name)
	return slices.ContainsFunc(hosts, func(entry string) bool {
		suffix, wildcard := strings.CutPrefix(entry, "*.")
		if wildcard {
			return strings.HasSuffix(name, "."+suffix)
		}
		return name == entry
	})
}

// isHostname reports whether name is a DNS host name in ASCII (RFC 1123).
func isHostname(name string) bool {
	if len(name) > 253 {
		return false
	}
	for label := range strings.SplitSeq(name, ".") {
		if label == "" || len(label) > 63 || label[0] == '-' || label[len(label)-1] == '-' ||
			strings.ContainsFunc(label, func(r rune) bool { return r != '-' && !isAlphanumeric(r) }) {
			return false
		}
	}
	return true
}

func isAlphanumeric(r rune) bool {
	return 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' || '0' <= r && r <= '9'
}

func lastLabel(name string) string { return name[strings.LastIndexByte(name, '.')+1:] }

// isNumeric reports whether a label begins with a digit: no top-level domain does, but the
// old notations of IPv4 addresses (0x7f000001, 127.1) do.
func isNumeric(label string) bool { return label != "" && '0' <= label[0] && label[0] <= '9' }
