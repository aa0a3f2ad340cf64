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

// Connect opens a connection in advance, for the first request to use: the handshake is
// the slowest part of a first request, and a Lambda function has time and a whole processor
// for it only while it starts. Call it before the first request, or not at all.
//
// It does nothing where HTTP is set, for plain http, and behind a proxy.
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
	dialer := &tls.Dialer{NetDialer: &net.Dialer{Timeout: handshakeTimeout}, Config: transport.TLSClientConfig}
	conn, err := dialer.DialContext(ctx, "tcp", host)
	if err != nil {
		return fmt.Errorf("connect to %s: %w", host, err)
	}
	var ready atomic.Pointer[advance]
	ready.Store(&advance{Conn: conn, at: time.Now().Round(0)})
	transport.DialTLSContext = func(ctx context.Context, network, to string) (net.Conn, error) {
		if a := ready.Swap(nil); a != nil {
			if a.fresh() && to == host {
				return a.Conn, nil
			}
			_ = a.Close() // It is too old, or leads elsewhere.
		}
		return dialer.DialContext(ctx, network, to)
	}
	return nil
}

// advance is a connection that was opened in advance.
type advance struct {
	net.Conn
	at time.Time // by the wall clock, as the process may have been frozen since
}

func (a *advance) fresh() bool { return time.Now().Round(0).Sub(a.at) < maxIdle }

func portOf(u *url.URL) string {
	if port := u.Port(); port != "" {
		return port
	}
	return "443"
}
