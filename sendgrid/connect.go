package sendgrid

import (
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"sync/atomic"
	"time"
)

// Connect opens the connection that the first request then uses: the TLS handshake is the
// slowest part of a first call, and a Lambda function has time and a whole processor for it
// only while it starts. Call it before the first request, or not at all.
//
// A request that warms the connection pool would be shorter code, but the start would also
// wait for its response. Connect does nothing where HTTP is set, for plain http, and behind a
// proxy.
func (c *Client) Connect(ctx context.Context) error {
	address, err := url.Parse(c.baseURL())
	if err != nil {
		return fmt.Errorf("read the base URL: %w", err)
	}
	transport, ok := c.client().Transport.(*http.Transport)
	if !ok || c.HTTP != nil || address.Scheme != "https" {
		return nil
	}
	if proxy, err := transport.Proxy(&http.Request{URL: address}); err != nil || proxy != nil {
		return err
	}
	host := net.JoinHostPort(address.Hostname(), portOf(address))
	conn, err := dialTLS(ctx, transport, host)
	if err != nil {
		return fmt.Errorf("connect to %s: %w", host, err)
	}
	var ready atomic.Pointer[preconnected]
	ready.Store(&preconnected{Conn: conn, since: time.Now().Round(0)})
	transport.DialTLSContext = func(ctx context.Context, _, to string) (net.Conn, error) {
		if first := ready.Swap(nil); first != nil {
			if first.usable() && to == host {
				return first.Conn, nil
			}
			_ = first.Close() // It is too old, or leads to another host.
		}
		return dialTLS(ctx, transport, to)
	}
	return nil
}

// dialTLS opens a connection with the transport's own settings.
func dialTLS(ctx context.Context, transport *http.Transport, host string) (net.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, handshakeTimeout)
	defer cancel()
	plain, err := transport.DialContext(ctx, "tcp", host)
	if err != nil {
		return nil, err
	}
	config := transport.TLSClientConfig.Clone()
	config.ServerName, _, _ = net.SplitHostPort(host) // It was joined by net/http or above.
	conn := tls.Client(plain, config)
	if err := conn.HandshakeContext(ctx); err != nil {
		_ = plain.Close() // The handshake's error counts.
		return nil, err
	}
	return conn, nil
}

// preconnected is a connection that no request has used yet.
type preconnected struct {
	net.Conn
	since time.Time // by the wall clock, because the process may have been frozen
}

func (p *preconnected) usable() bool { return time.Now().Round(0).Sub(p.since) < maxIdle }

func portOf(u *url.URL) string {
	if port := u.Port(); port != "" {
		return port
	}
	return "443"
}
