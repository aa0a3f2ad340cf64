package saml

import (
	"net/netip"

	"code.dny.dev/ssrf"
)

// newGuard returns what decides, for a [net.Dialer], which addresses are connected to: those of
// servers on the public internet, at the port of https. The IANA special-purpose registries have
// all the others but one; of IPv6 only what IANA assigns to the public is let through. So an
// address with an IPv4 address in it (mapped, NAT64, 6to4) is not, because where it leads depends
// on the network.
//
// A Dialer asks after DNS, with the very address of the connection, so that no second look-up can
// replace it.
func newGuard() *ssrf.Guardian {
	azureHost := netip.MustParsePrefix("168.63.129.16/32") // Azure's host service.
	return ssrf.New(ssrf.WithPorts(443), ssrf.WithDeniedV4Prefixes(azureHost))
}
