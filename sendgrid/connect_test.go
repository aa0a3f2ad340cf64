package sendgrid

import (
	"crypto/tls"
	"crypto/x509"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"sendgrid-sso-integration/internal/keytest"
)

// secureServer serves empty lists over TLS, and counts the connections to it.
func secureServer(t *testing.T) (*httptest.Server, *atomic.Int64) {
	t.Helper()
	var connections atomic.Int64
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, "[]")
	}))
	server.Config.ConnState = func(_ net.Conn, state http.ConnState) {
		if state == http.StateNew {
			connections.Add(1)
		}
	}
	server.StartTLS()
	t.Cleanup(server.Close)
	return server, &connections
}

// trusting returns a client that trusts the server's certificate.
func trusting(server *httptest.Server) *Client {
	c := &Client{Keys: keytest.Fixed("SG.key"), BaseURL: server.URL}
	roots := x509.NewCertPool()
	roots.AddCert(server.Certificate())
	c.client().Transport.(*http.Transport).TLSClientConfig = &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: roots}
	return c
}

func TestConnectIsUsedByTheFirstRequest(t *testing.T) {
	t.Parallel()
	server, connections := secureServer(t)
	c := trusting(server)
	require.NoError(t, c.Connect(t.Context()))
	require.EqualValues(t, 1, connections.Load())
	for range 2 {
		_, err := c.ListIntegrations(t.Context())
		require.NoError(t, err)
	}
	require.EqualValues(t, 1, connections.Load())

	c.http.CloseIdleConnections()
	_, err := c.ListIntegrations(t.Context())
	require.NoError(t, err)
	require.EqualValues(t, 2, connections.Load(), "it is used once")
}

func TestConnectFails(t *testing.T) {
	t.Parallel()
	server, _ := secureServer(t)
	c := &Client{Keys: keytest.Fixed("SG.key"), BaseURL: server.URL} // It does not know the certificate.
	require.ErrorContains(t, c.Connect(t.Context()), "connect to 127.0.0.1")
	_, err := c.ListIntegrations(t.Context())
	require.Equal(t, NeverSent, ClassOf(err))
}

func TestConnectDoesNothing(t *testing.T) {
	t.Parallel()
	server, connections := secureServer(t)
	for name, c := range map[string]*Client{
		"with an HTTP client of the caller's own": {BaseURL: server.URL, HTTP: &http.Client{Transport: http.DefaultTransport}},
		"for plain http": {BaseURL: "http://127.0.0.1:1"},
	} {
		require.NoError(t, c.Connect(t.Context()), name)
	}
	require.Zero(t, connections.Load())
}

func TestOldPreconnectionIsNotUsed(t *testing.T) {
	t.Parallel()
	now := time.Now().Round(0)
	require.True(t, (&preconnected{since: now}).usable())
	require.False(t, (&preconnected{since: now.Add(-maxIdle - time.Second)}).usable())
}
