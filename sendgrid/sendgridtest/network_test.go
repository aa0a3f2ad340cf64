package sendgridtest_test

import (
	"bytes"
	"context"
	"crypto/x509"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"sendgrid-sso-integration/sendgrid"
	"sendgrid-sso-integration/sendgrid/sendgridtest"
)

// exchange is one POST over the network and its result.
type exchange struct {
	status    int
	body      string
	err       error // of the request
	bodyErr   error // of reading the response
	connected bool  // httptrace says that there was a connection
	took      time.Duration
}

func post(ctx context.Context, n *sendgridtest.Network, url, body string) exchange {
	var e exchange
	ctx = httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{
		GotConn: func(httptrace.GotConnInfo) { e.connected = true },
	})
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, url+collection, strings.NewReader(body))
	if err != nil {
		return exchange{err: err}
	}
	r.Header.Set("Authorization", "Bearer key")
	start := time.Now()
	w, err := n.HTTPClient().Do(r)
	e.took, e.err = time.Since(start), err
	if err != nil {
		return e
	}
	defer func() { _ = w.Body.Close() }()
	read, err := io.ReadAll(w.Body)
	e.status, e.body, e.bodyErr = w.StatusCode, string(read), err
	return e
}

// inBubble runs a test with a server on a network in a bubble of its own. The bubble
// panics if Close leaves a goroutine behind.
func inBubble(t *testing.T, test func(*testing.T, *sendgridtest.Server, *sendgridtest.Network)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		server := sendgridtest.New()
		network := sendgridtest.NewNetwork(server)
		defer network.Close()
		test(t, server, network)
	})
}

const plainURL, tlsURL = "http://api.sendgrid.com", "https://api.sendgrid.com"

func TestNetworkResponses(t *testing.T) {
	t.Parallel()
	for _, url := range []string{plainURL, tlsURL} {
		t.Run(url, func(t *testing.T) {
			t.Parallel()
			inBubble(t, func(t *testing.T, s *sendgridtest.Server, n *sendgridtest.Network) {
				t.Helper()
				for range 2 {
					got := post(t.Context(), n, url, goodBody)
					require.NoError(t, got.err)
					require.NoError(t, got.bodyErr)
					require.Equal(t, http.StatusOK, got.status)
					require.True(t, got.connected)
					require.Zero(t, got.took)
					synctest.Wait() // The connection is back in the pool.
				}
				require.Len(t, s.Integrations(), 2)
				require.Equal(t, 1, n.Dials(), "a connection is used again")
			})
		})
	}
}

func TestNetworkDelays(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name    string
		fault   sendgridtest.Fault
		timeout time.Duration
		took    time.Duration
		failed  bool
		stored  int
	}{
		{name: "a response in time", fault: sendgridtest.Fault{Delay: 30 * time.Second}, timeout: time.Minute, took: 30 * time.Second, stored: 1},
		{name: "a client that goes away", fault: sendgridtest.Fault{Delay: 30 * time.Second}, timeout: 10 * time.Second, took: 10 * time.Second, failed: true},
		{name: "a client that goes away too late", fault: sendgridtest.Fault{Delay: 30 * time.Second, Commit: true}, timeout: 10 * time.Second, took: 10 * time.Second, failed: true, stored: 1},
		{name: "dropped after a while", fault: sendgridtest.Fault{Delay: 30 * time.Second, Drop: true}, timeout: time.Minute, took: 30 * time.Second, failed: true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			inBubble(t, func(t *testing.T, s *sendgridtest.Server, n *sendgridtest.Network) {
				t.Helper()
				s.Script(tt.fault)
				ctx, cancel := context.WithTimeout(t.Context(), tt.timeout)
				defer cancel()

				got := post(ctx, n, plainURL, goodBody)

				require.Equal(t, tt.took, got.took)
				require.True(t, got.connected)
				require.Equal(t, tt.failed, got.err != nil)
				time.Sleep(time.Minute) // Whatever was still to happen has happened.
				require.Len(t, s.Integrations(), tt.stored)
				require.Equal(t, 1, s.Count(sendgrid.OpCreateIntegration))
				if tt.failed {
					require.Zero(t, s.Requests()[0].Status)
				}
			})
		})
	}
}

func TestNetworkCutsResponses(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name    string
		fault   sendgridtest.Fault
		wantErr error
		status  int
		body    string
		stored  int
	}{
		{name: "dropped", fault: sendgridtest.Fault{Drop: true}, wantErr: io.EOF},
		{name: "dropped when it was done", fault: sendgridtest.Fault{Drop: true, Commit: true}, wantErr: io.EOF, stored: 1},
		{name: "truncated", fault: sendgridtest.Fault{Truncate: true}, status: 200, body: `{"id":"`, stored: 1},
		{name: "truncated when it was done", fault: sendgridtest.Fault{Truncate: true, Commit: true}, status: 200, body: `{"id":"`, stored: 1},
		{name: "truncated when nothing was done", fault: sendgridtest.Fault{Truncate: true, Status: 201, Body: `{"id":"1"}`}, status: 201, body: `{"id"`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			inBubble(t, func(t *testing.T, s *sendgridtest.Server, n *sendgridtest.Network) {
				t.Helper()
				s.Script(tt.fault)
				got := post(t.Context(), n, plainURL, goodBody)
				require.True(t, got.connected)
				require.Len(t, s.Integrations(), tt.stored)
				if tt.wantErr != nil {
					require.ErrorIs(t, got.err, tt.wantErr)
					return
				}
				require.NoError(t, got.err)
				require.Equal(t, tt.status, got.status)
				require.ErrorIs(t, got.bodyErr, io.ErrUnexpectedEOF)
				require.True(t, strings.HasPrefix(got.body, tt.body), got.body)
			})
		})
	}
}

func TestNetworkFailures(t *testing.T) {
	t.Parallel()
	noSuchHost := &net.DNSError{Err: "no such host", Name: "api.sendgrid.com", IsNotFound: true}
	tests := []struct {
		name      string
		fail      func(*sendgridtest.Network)
		url       string
		wantError any
		connected bool
	}{
		{name: "refused", fail: func(n *sendgridtest.Network) { n.FailDials(2, nil) }, url: plainURL, wantError: syscall.ECONNREFUSED},
		{name: "refused before TLS", fail: func(n *sendgridtest.Network) { n.FailDials(2, nil) }, url: tlsURL, wantError: syscall.ECONNREFUSED},
		{name: "no such host", fail: func(n *sendgridtest.Network) { n.FailDials(2, noSuchHost) }, url: tlsURL, wantError: noSuchHost},
		{name: "handshake", fail: func(n *sendgridtest.Network) { n.FailHandshakes(2) }, url: tlsURL, wantError: x509.UnknownAuthorityError{}},
		{name: "reset", fail: func(n *sendgridtest.Network) { n.ResetAfterDial(2) }, url: plainURL, wantError: syscall.ECONNRESET, connected: true},
		{name: "reset after TLS", fail: func(n *sendgridtest.Network) { n.ResetAfterDial(2) }, url: tlsURL, wantError: syscall.ECONNRESET, connected: true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			inBubble(t, func(t *testing.T, s *sendgridtest.Server, n *sendgridtest.Network) {
				t.Helper()
				tt.fail(n)
				for range 2 {
					got := post(t.Context(), n, tt.url, goodBody)
					require.ErrorIs(t, got.err, tt.wantError.(error))
					require.Equal(t, tt.connected, got.connected)
				}
				require.Empty(t, s.Requests())
				require.Equal(t, http.StatusOK, post(t.Context(), n, tt.url, goodBody).status)
				require.Equal(t, 3, n.Dials())
			})
		})
	}
}

// A pipe has no buffer: neither side may wait for the other to read first.
func TestNetworkDoesNotDeadlock(t *testing.T) {
	t.Parallel()
	large := strings.Repeat("x", 10<<20)
	tests := []struct {
		name    string
		handler http.HandlerFunc
		body    string
	}{
		{name: "the request is never read", handler: func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusOK) }, body: goodBody},
		{name: "a large response", handler: func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, large) }, body: goodBody},
		{name: "a large request", handler: func(_ http.ResponseWriter, r *http.Request) { _, _ = io.Copy(io.Discard, r.Body) }, body: large},
		{name: "both at once", handler: func(w http.ResponseWriter, r *http.Request) {
			_ = http.NewResponseController(w).EnableFullDuplex() // HTTP/1 has it.
			_, _ = io.Copy(w, io.TeeReader(r.Body, &bytes.Buffer{}))
		}, body: large},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				network := sendgridtest.NewNetwork(tt.handler)
				defer network.Close()
				got := post(t.Context(), network, plainURL, tt.body)
				require.NoError(t, got.err)
				require.NoError(t, got.bodyErr)
			})
		})
	}
}

// A request that is far too large is refused without being read to its end.
func TestNetworkRefusesEndlessRequests(t *testing.T) {
	t.Parallel()
	inBubble(t, func(t *testing.T, s *sendgridtest.Server, n *sendgridtest.Network) {
		t.Helper()
		got := post(t.Context(), n, plainURL, strings.Repeat("x", 2<<20))
		if got.err == nil { // The connection may break before the response is read.
			require.Equal(t, http.StatusRequestEntityTooLarge, got.status)
		}
		require.Equal(t, http.StatusRequestEntityTooLarge, s.Requests()[0].Status)
	})
}

func TestNetworkClosesUnderARequest(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		server := sendgridtest.New()
		server.Script(sendgridtest.Fault{Delay: 365 * 24 * time.Hour})
		network := sendgridtest.NewNetwork(server)
		done := make(chan exchange)
		go func() { done <- post(t.Context(), network, plainURL, goodBody) }()
		synctest.Wait()
		network.Close()
		require.Error(t, (<-done).err)
		require.ErrorIs(t, post(t.Context(), network, plainURL, goodBody).err, syscall.ECONNREFUSED)
	})
}
