package sendgrid_test

import (
	"context"
	"net"
	"net/http"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/require"

	"sendgrid-sso-integration/sendgrid"
	"sendgrid-sso-integration/sendgrid/sendgridtest"
)

// dyingConn is a connection that dies unnoticed: only the next write shows it.
type dyingConn struct {
	net.Conn
	dead *atomic.Bool
	// accepts is how much of that write the system still takes.
	accepts int
}

func (c *dyingConn) Write(b []byte) (int, error) {
	if !c.dead.Load() {
		return c.Conn.Write(b)
	}
	return min(c.accepts, len(b)), &net.OpError{Op: "write", Net: "tcp", Err: syscall.EPIPE}
}

// A connection may die between two events. The outcome of a create then depends on
// whether a part of it was written: only if not, net/http takes another connection.
func TestDeadConnection(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name    string
		accepts int
		fail    func(*sendgridtest.Network)
		want    error
		sent    bool
		creates int
	}{
		{name: "nothing written", creates: 1},
		{name: "nothing written, and no other connection", fail: func(n *sendgridtest.Network) { n.FailDials(1, nil) }, want: syscall.ECONNREFUSED},
		{name: "nothing written, and the other connection breaks", fail: func(n *sendgridtest.Network) { n.ResetAfterDial(1) }, want: syscall.ECONNRESET, sent: true},
		{name: "something written", accepts: 1, want: syscall.EPIPE, sent: true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				server := sendgridtest.New()
				network := sendgridtest.NewNetwork(server)
				defer network.Close()
				client := network.HTTPClient()
				transport := client.Transport.(*http.Transport)
				dial := transport.DialTLSContext
				var dead atomic.Bool
				first := true
				transport.DialTLSContext = func(ctx context.Context, network, address string) (net.Conn, error) {
					conn, err := dial(ctx, network, address)
					if first {
						first = false
						conn = &dyingConn{Conn: conn, dead: &dead, accepts: tt.accepts}
					}
					return conn, err
				}
				c := &sendgrid.Client{Keys: fixedKey(testKey), HTTP: client}
				_, err := c.ListIntegrations(t.Context())
				require.NoError(t, err)
				synctest.Wait() // The connection is back in the pool.

				dead.Store(true)
				if tt.fail != nil {
					tt.fail(network)
				}
				_, err = c.CreateIntegration(t.Context(), exampleRequest())

				require.Equal(t, tt.creates, server.Count(sendgrid.OpCreateIntegration))
				if tt.want == nil {
					require.NoError(t, err)
					return
				}
				requireNoResponse(t, err, tt.sent)
				require.ErrorIs(t, err, tt.want)
			})
		})
	}
}
