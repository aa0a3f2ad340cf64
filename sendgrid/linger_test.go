package sendgrid_test

import (
	"context"
	"io"
	"net"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"sendgrid-sso-integration/sendgrid"
)

// A request that was given up must not arrive later out of the kernel's buffers: the server
// sees a reset in its place. The request is larger than the buffers, so that a part of it
// waits in the client's.
func TestGivenUpRequestIsReset(t *testing.T) {
	t.Parallel()
	listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	require.NoError(t, err)
	t.Cleanup(func() { _ = listener.Close() })
	ctx, cancel := context.WithCancel(t.Context())
	accepted := make(chan net.Conn, 1)
	go func() {
		conn, err := listener.Accept()
		if err == nil {
			_ = conn.(*net.TCPConn).SetReadBuffer(4096)
			_, _ = io.ReadFull(conn, make([]byte, 1)) // The request is being written.
			cancel()
		}
		accepted <- conn
	}()
	c := &sendgrid.Client{Keys: fixedKey(testKey), BaseURL: "http://" + listener.Addr().String()}
	in := exampleRequest()
	in.Name = strings.Repeat("x", 8<<20)

	_, err = c.CreateIntegration(ctx, in)

	require.Equal(t, sendgrid.Ambiguous, sendgrid.ClassOf(err))
	require.ErrorIs(t, err, context.Canceled)
	conn := <-accepted
	require.NotNil(t, conn)
	require.NoError(t, conn.SetReadDeadline(time.Now().Add(10*time.Second)))
	_, err = io.Copy(io.Discard, conn)
	require.ErrorIs(t, err, syscall.ECONNRESET)
	require.NoError(t, conn.Close())
}
