package sendgridtest

import (
	"context"
	"io"
	"net"
	"sync"
	"syscall"
	"time"
)

// pipeListener accepts connections that never leave the process.
type pipeListener struct {
	accepted chan net.Conn
	closed   chan struct{}
	once     sync.Once
}

func newPipeListener() *pipeListener {
	return &pipeListener{accepted: make(chan net.Conn), closed: make(chan struct{})}
}

// connect returns the client's end of a new connection once the server has the other.
func (l *pipeListener) connect(ctx context.Context) (net.Conn, error) {
	client, server := net.Pipe()
	var err error
	select {
	case l.accepted <- server:
		return client, nil
	case <-ctx.Done():
		err = ctx.Err()
	case <-l.closed:
		err = &net.OpError{Op: "dial", Net: "pipe", Addr: l.Addr(), Err: syscall.ECONNREFUSED}
	}
	_, _ = client.Close(), server.Close() // Closing a pipe cannot fail.
	return nil, err
}

// Accept waits for the next connection.
func (l *pipeListener) Accept() (net.Conn, error) {
	select {
	case conn := <-l.accepted:
		return conn, nil
	case <-l.closed:
		return nil, net.ErrClosed
	}
}

// Close makes Accept return; connections stay open.
func (l *pipeListener) Close() error {
	l.once.Do(func() { close(l.closed) })
	return nil
}

// Addr returns a placeholder.
func (l *pipeListener) Addr() net.Addr { return pipeAddr("simulator") }

// pipeAddr is an address in the network.
type pipeAddr string

func (a pipeAddr) Network() string { return "pipe" }
func (a pipeAddr) String() string  { return string(a) }

// resetConn is a connection whose other side is gone. As with TCP, the first write succeeds,
// and only then the reset arrives.
type resetConn struct {
	reset, closed         chan struct{}
	resetOnce, closedOnce sync.Once
}

func newResetConn() *resetConn {
	return &resetConn{reset: make(chan struct{}), closed: make(chan struct{})}
}

func (c *resetConn) Write(b []byte) (int, error) {
	select {
	case <-c.reset:
		return 0, c.failure("write")
	case <-c.closed:
		return 0, io.ErrClosedPipe
	default:
		c.resetOnce.Do(func() { close(c.reset) })
		return len(b), nil
	}
}

func (c *resetConn) Read([]byte) (int, error) {
	select {
	case <-c.reset:
		return 0, c.failure("read")
	case <-c.closed:
		return 0, io.ErrClosedPipe
	}
}

func (c *resetConn) Close() error {
	c.closedOnce.Do(func() { close(c.closed) })
	return nil
}

func (c *resetConn) failure(op string) error {
	return &net.OpError{Op: op, Net: "pipe", Addr: c.RemoteAddr(), Err: syscall.ECONNRESET}
}

// Deadlines have no effect, because nothing takes time once something was written.
func (c *resetConn) SetDeadline(time.Time) error      { return nil }
func (c *resetConn) SetReadDeadline(time.Time) error  { return nil }
func (c *resetConn) SetWriteDeadline(time.Time) error { return nil }

func (c *resetConn) LocalAddr() net.Addr  { return pipeAddr("client") }
func (c *resetConn) RemoteAddr() net.Addr { return pipeAddr("simulator") }
