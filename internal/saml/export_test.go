package saml

import (
	"context"
	"crypto/x509"
	"net"
)

// Unwrap returns the XML in a document.
var Unwrap = unwrap

// CheckAddress is what a connection to an address is checked by, before it is made.
func CheckAddress(network, address string) error { return newGuard().Safe(network, address, nil) }

// Network replaces the network of a Fetcher. With Dial there are no DNS and no address check.
type Network struct {
	Resolver *net.Resolver
	Roots    *x509.CertPool
	Dial     func(ctx context.Context, network, address string) (net.Conn, error)
}

// On returns a copy of f that uses a network.
func (f Fetcher) On(n Network) *Fetcher {
	f.resolver, f.roots, f.dial = n.Resolver, n.Roots, n.Dial
	return &f
}
