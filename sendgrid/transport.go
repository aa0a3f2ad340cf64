package sendgrid

import (
	"context"
	"crypto/tls"
	"net"
	"net/http"
	"time"
)

const (
	dialTimeout      = 3 * time.Second
	handshakeTimeout = 5 * time.Second
	// maxIdle is the age, by the wall clock, at which a pooled connection is no longer used.
	maxIdle = 30 * time.Second
)

// NewHTTPClient returns an HTTP client for SendGrid: TLS 1.2 or newer, bounded time for
// dialling and bounded headers, the proxy of the environment, no redirects.
//
// It uses HTTP/1.1 on purpose: with one or two requests an event there is nothing to
// multiplex, and a failed connection affects one request only.
//
// Closing one of its connections resets it, so that the kernel delivers nothing more of a
// request that the caller has given up.
func NewHTTPClient() *http.Client {
	return &http.Client{
		CheckRedirect: keepRedirect,
		Transport: &http.Transport{
			Proxy:                  http.ProxyFromEnvironment,
			DialContext:            dial,
			TLSClientConfig:        &tls.Config{MinVersion: tls.VersionTLS12},
			TLSHandshakeTimeout:    handshakeTimeout,
			MaxIdleConnsPerHost:    10,
			IdleConnTimeout:        maxIdle,
			MaxResponseHeaderBytes: 64 << 10,
		},
	}
}

func dial(ctx context.Context, network, address string) (net.Conn, error) {
	conn, err := (&net.Dialer{Timeout: dialTimeout}).DialContext(ctx, network, address)
	if err != nil {
		return nil, err
	}
	if tcp, ok := conn.(*net.TCPConn); ok {
		if err := tcp.SetLinger(0); err != nil {
			_ = conn.Close() // It has carried nothing yet.
			return nil, err
		}
	}
	return conn, nil
}

// keepRedirect returns a redirect as the response.
func keepRedirect(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }

// client returns the HTTP client to use now. Lambda freezes a process between two events,
// and the monotonic clock, which IdleConnTimeout is measured by, stops with it. So idle
// connections are dropped by the wall clock, before a request is written to a dead one.
func (c *Client) client() *http.Client {
	c.once.Do(func() {
		h := c.HTTP
		if h == nil {
			h = NewHTTPClient()
		}
		own := *h
		own.CheckRedirect = keepRedirect
		c.http = &own
	})
	now := time.Now().UnixNano()
	if last := c.lastCall.Swap(now); last != 0 && time.Duration(now-last) > maxIdle {
		c.http.CloseIdleConnections()
	}
	return c.http
}
