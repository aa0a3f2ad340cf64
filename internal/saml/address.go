package saml

import (
	"net/netip"
	"slices"
)

// specialIPv4 lists the blocks of the IANA special-purpose registry that are not public
// addresses of servers.
var specialIPv4 = prefixes(
	"0.0.0.0/8",        // this network
	"10.0.0.0/8",       // private
	"100.64.0.0/10",    // carrier-grade NAT
	"127.0.0.0/8",      // loopback
	"168.63.129.16/32", // Azure's host service
	"169.254.0.0/16",   // link-local, instance and container metadata services
	"172.16.0.0/12",    // private
	"192.0.0.0/24",     // protocol assignments
	"192.0.2.0/24",     // documentation
	"192.88.99.0/24",   // 6to4 relays
	"192.168.0.0/16",   // private
	"198.18.0.0/15",    // benchmarking
	"198.51.100.0/24",  // documentation
	"203.0.113.0/24",   // documentation
	"224.0.0.0/4",      // multicast
	"240.0.0.0/4",      // reserved, broadcast
)

// globalIPv6 is all that IANA assigns to the public; specialIPv6 lists the exceptions in it.
// Loopback, unique local, link-local and multicast addresses, IPv4-mapped and -compatible
// ones and NAT64 (64:ff9b::/96) are outside of globalIPv6.
var (
	globalIPv6  = netip.MustParsePrefix("2000::/3")
	specialIPv6 = prefixes(
		"2001::/23",     // protocol assignments: Teredo, benchmarking, ORCHID
		"2001:db8::/32", // documentation
		"2002::/16",     // 6to4
		"3fff::/20",     // documentation
	)
)

// isPublic reports whether an address is that of a server on the public internet. Addresses
// with an IPv4 address in them are not: where they lead depends on the network.
func isPublic(addr netip.Addr) bool {
	if addr.Is4() {
		return !within(specialIPv4, addr)
	}
	return globalIPv6.Contains(addr) && !within(specialIPv6, addr)
}

func within(list []netip.Prefix, addr netip.Addr) bool {
	return slices.ContainsFunc(list, func(p netip.Prefix) bool { return p.Contains(addr) })
}

func prefixes(texts ...string) []netip.Prefix {
	list := make([]netip.Prefix, len(texts))
	for i, text := range texts {
		list[i] = netip.MustParsePrefix(text)
	}
	return list
}
