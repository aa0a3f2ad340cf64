package sendgrid_test

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"sendgrid-sso-integration/sendgrid"
	"sendgrid-sso-integration/sendgrid/sendgridtest"
)

// requireNoResponse returns the failure of a request that got no response.
func requireNoResponse(t *testing.T, err error, sent bool) *sendgrid.Error {
	t.Helper()
	failure := requireError(t, err)
	require.Zero(t, failure.StatusCode)
	require.Empty(t, failure.Errors)
	require.Equal(t, sent, failure.Sent)
	require.Error(t, failure.Err)
	return failure
}

// Nobody listens at the client's end of a connection, and while the connection is open, nobody
// else gets its port.
func TestRefusedConnection(t *testing.T) {
	t.Parallel()
	listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer listener.Close()
	conn, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", listener.Addr().String())
	require.NoError(t, err)
	defer conn.Close()
	var calls []sendgrid.Call
	c := &sendgrid.Client{
		Keys:    fixedKey(testKey),
		BaseURL: "http://" + conn.LocalAddr().String(),
		OnCall:  func(_ context.Context, call sendgrid.Call) { calls = append(calls, call) },
	}
	for _, each := range everyCall() {
		err = each.call(t.Context(), c)
		requireNoResponse(t, err, false)
		require.ErrorIs(t, err, syscall.ECONNREFUSED)
	}
	require.Len(t, calls, len(everyCall()))
	require.Zero(t, calls[0].Status)
}

func TestTLSFailureIsNotSent(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name      string
		configure func(*tls.Config)
		wantError string
	}{
		{name: "unknown authority", configure: func(*tls.Config) {}, wantError: "certificate"},
		{
			name: "TLS 1.1",
			configure: func(c *tls.Config) {
				c.MinVersion, c.MaxVersion = tls.VersionTLS10, tls.VersionTLS11
			},
			wantError: "protocol version",
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			server := httptest.NewUnstartedServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
				t.Error("a request was sent")
			}))
			server.Config.ErrorLog = log.New(io.Discard, "", 0) // It would log the failures that are wanted here.
			server.TLS = &tls.Config{}
			tt.configure(server.TLS)
			server.StartTLS()
			t.Cleanup(server.Close)
			// It is the client's own configuration of TLS that has to refuse.
			c := &sendgrid.Client{Keys: fixedKey(testKey), BaseURL: server.URL}

			_, err := c.CreateIntegration(t.Context(), exampleRequest())

			failure := requireNoResponse(t, err, false)
			require.ErrorContains(t, failure, tt.wantError)
		})
	}
}

func TestDNSFailureIsNotSent(t *testing.T) {
	t.Parallel()
	transport := &http.Transport{DialContext: func(context.Context, string, string) (net.Conn, error) {
		return nil, &net.OpError{Op: "dial", Net: "tcp", Err: &net.DNSError{Err: "no such host", Name: "api.sendgrid.com", IsNotFound: true}}
	}}
	c := &sendgrid.Client{Keys: fixedKey(testKey), HTTP: &http.Client{Transport: transport}}
	_, err := c.CreateIntegration(t.Context(), exampleRequest())
	requireNoResponse(t, err, false)
	var dns *net.DNSError
	require.ErrorAs(t, err, &dns)
}

func TestBrokenConnectionIsSent(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name    string
		breakIt func(*testing.T, net.Conn)
		want    error
	}{
		{
			name: "reset",
			breakIt: func(t *testing.T, conn net.Conn) {
				t.Helper()
				require.NoError(t, conn.(*net.TCPConn).SetLinger(0)) // Closing it then sends a reset.
			},
			want: syscall.ECONNRESET,
		},
		{name: "closed without a response", breakIt: func(*testing.T, net.Conn) {}, want: io.EOF},
		{
			name: "closed within the header",
			breakIt: func(t *testing.T, conn net.Conn) {
				t.Helper()
				_, err := io.WriteString(conn, "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n")
				require.NoError(t, err)
			},
			want: io.ErrUnexpectedEOF,
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			h := newHarness(t, func(w http.ResponseWriter, _ *http.Request) {
				conn, _, err := http.NewResponseController(w).Hijack()
				if err != nil {
					t.Errorf("hijack: %v", err)
					return
				}
				tt.breakIt(t, conn)
				_ = conn.Close()
			})
			_, err := h.client().CreateIntegration(t.Context(), exampleRequest())
			requireNoResponse(t, err, true)
			require.ErrorIs(t, err, tt.want)
			h.only() // net/http must not send a POST again by itself.
		})
	}
}

func TestSlowResponseIsSent(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		server := sendgridtest.New()
		network := sendgridtest.NewNetwork(server)
		defer network.Close()
		server.Script(sendgridtest.Fault{Delay: time.Hour})
		c := &sendgrid.Client{Keys: fixedKey(testKey), HTTP: network.HTTPClient()}
		var calls []sendgrid.Call
		c.OnCall = func(_ context.Context, call sendgrid.Call) { calls = append(calls, call) }
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
		defer cancel()

		_, err := c.CreateIntegration(ctx, exampleRequest())

		requireNoResponse(t, err, true)
		require.ErrorIs(t, err, context.DeadlineExceeded)
		require.Equal(t, []sendgrid.Call{{Op: sendgrid.OpCreateIntegration, Duration: 20 * time.Second}}, calls)
	})
}

func TestSlowBodyKeepsTheStatus(t *testing.T) {
	t.Parallel()
	for _, status := range []int{http.StatusOK, http.StatusBadGateway} {
		t.Run(http.StatusText(status), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				network := sendgridtest.NewNetwork(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					_, _ = io.Copy(io.Discard, r.Body) // Only then is the end of the request noticed.
					w.WriteHeader(status)
					_ = http.NewResponseController(w).Flush()
					<-r.Context().Done()
				}))
				defer network.Close()
				c := &sendgrid.Client{Keys: fixedKey(testKey), HTTP: network.HTTPClient()}
				ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
				defer cancel()

				_, err := c.CreateIntegration(ctx, exampleRequest())

				failure := requireError(t, err)
				require.Equal(t, status, failure.StatusCode)
				require.True(t, failure.Sent)
				require.ErrorIs(t, err, context.DeadlineExceeded)
			})
		})
	}
}

func TestExpiredContextIsNotSent(t *testing.T) {
	t.Parallel()
	h := newHarness(t, func(http.ResponseWriter, *http.Request) { t.Error("a request was sent") })
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := h.client().CreateIntegration(ctx, exampleRequest())
	requireNoResponse(t, err, false)
	require.ErrorIs(t, err, context.Canceled)
}

// A transport that does not support httptrace cannot report that nothing was sent, and a
// caller that is told so might create an integration twice.
func TestTransportWithoutTraceMayHaveSent(t *testing.T) {
	t.Parallel()
	failed := errors.New("the tunnel broke")
	c := &sendgrid.Client{
		Keys: fixedKey(testKey),
		HTTP: &http.Client{Transport: roundTripper(func(*http.Request) (*http.Response, error) { return nil, failed })},
	}
	_, err := c.CreateIntegration(t.Context(), exampleRequest())
	requireNoResponse(t, err, true)
	require.ErrorIs(t, err, failed)
}

// One that wraps another and passes the context on is as exact as that.
func TestTransportThatWrapsAnother(t *testing.T) {
	t.Parallel()
	inner := &http.Transport{DialContext: func(context.Context, string, string) (net.Conn, error) {
		return nil, syscall.ECONNREFUSED
	}}
	c := &sendgrid.Client{Keys: fixedKey(testKey), HTTP: &http.Client{Transport: roundTripper(inner.RoundTrip)}}
	_, err := c.CreateIntegration(t.Context(), exampleRequest())
	requireNoResponse(t, err, false)
}
