package idp

import (
	"crypto/tls"
	"net"
	"net/http"
	"time"
)

const (
	dialTimeout      = 3 * time.Second
	handshakeTimeout = 5 * time.Second
	// responseTimeout bounds the wait for a response on one connection, which may have died while
	// Lambda had frozen the process.
	responseTimeout = 10 * time.Second
	maxIdle         = 30 * time.Second
)

// NewHTTPClient returns an HTTP client for an identity provider: TLS 1.2 or newer, bounded time
// for dialling and for a response, bounded headers, the proxy of the environment, no redirects,
// which would carry the credential to another host.
func NewHTTPClient() *http.Client {
	return &http.Client{
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		Transport: &http.Transport{
			Proxy:                  http.ProxyFromEnvironment,
			DialContext:            (&net.Dialer{Timeout: dialTimeout}).DialContext,
			TLSClientConfig:        &tls.Config{MinVersion: tls.VersionTLS12},
			TLSHandshakeTimeout:    handshakeTimeout,
			ResponseHeaderTimeout:  responseTimeout,
			IdleConnTimeout:        maxIdle,
			MaxResponseHeaderBytes: 64 << 10,
		},
	}
}
