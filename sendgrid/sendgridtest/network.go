package sendgridtest

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"net"
	"net/http"
	"sync"
	"syscall"

	"sendgrid-sso-integration/sendgrid"
)

// Network connects real HTTP clients with a real HTTP server in memory. Nothing waits for
// the operating system, so inside a testing/synctest bubble the clock is the bubble's: a
// delay of half a minute passes at once.
//
// Every host name resolves to the one server. There is no TLS: an https address is served
// as after a handshake, unless FailHandshakes makes it fail.
type Network struct {
	server    *http.Server
	listener  *pipeListener
	transport *http.Transport
	running   sync.WaitGroup // the server and each of its connections

	mu         sync.Mutex
	dials      int
	refusals   []error // errors of the next dials
	resets     int
	handshakes int
}

// NewNetwork returns a network whose server serves h. Call it inside the bubble in which
// it is used, and Close it there.
func NewNetwork(h http.Handler) *Network {
	n := &Network{
		server:   &http.Server{Handler: h}, //nolint:gosec // Nobody else can connect to a server in memory.
		listener: newPipeListener(),
	}
	n.server.ConnState = n.watch
	client := sendgrid.NewHTTPClient()
	n.transport = client.Transport.(*http.Transport)
	n.transport.Proxy = nil // A proxy of the environment cannot be reached here.
	n.transport.DialContext = n.dial
	n.transport.DialTLSContext = n.dialTLS
	n.running.Go(func() {
		_ = n.server.Serve(n.listener) // It always ends with http.ErrServerClosed.
	})
	return n
}

// watch counts the connections, so that Close can wait until the server has closed them: a
// bubble must not end before that.
func (n *Network) watch(_ net.Conn, state http.ConnState) {
	switch state {
	case http.StateNew:
		n.running.Add(1)
	case http.StateClosed, http.StateHijacked:
		n.running.Done()
	case http.StateActive, http.StateIdle:
	}
}

// HTTPClient returns a client like sendgrid.NewHTTPClient whose connections lead into this
// network. All of these clients share one pool of connections.
func (n *Network) HTTPClient() *http.Client {
	client := sendgrid.NewHTTPClient()
	client.Transport = n.transport
	return client
}

// Close closes the server and all connections. Pending requests fail; Close waits for their
// handlers, whose contexts end.
func (n *Network) Close() {
	_ = n.server.Close() // It closes the listener, which cannot fail.
	n.running.Wait()
	n.transport.CloseIdleConnections()
}

// Dials returns how many connections were requested, failed ones included.
func (n *Network) Dials() int {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.dials
}

// FailDials makes the next dials fail with err, for instance a *net.DNSError or, if err is
// nil, a refused connection.
func (n *Network) FailDials(times int, err error) {
	if err == nil {
		err = syscall.ECONNREFUSED
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	for range times {
		n.refusals = append(n.refusals, err)
	}
}

// FailHandshakes makes the TLS handshakes of the next https connections fail as they do
// with a certificate from an unknown authority.
func (n *Network) FailHandshakes(times int) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.handshakes += times
}

// ResetAfterDial makes the next connections break: they accept the request, but do not
// deliver it and report that the other side has reset the connection.
func (n *Network) ResetAfterDial(times int) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.resets += times
}

func (n *Network) dial(ctx context.Context, network, address string) (net.Conn, error) {
	reset, refusal := n.nextDial()
	switch {
	case refusal != nil:
		return nil, &net.OpError{Op: "dial", Net: network, Addr: pipeAddr(address), Err: refusal}
	case reset:
		return newResetConn(), nil
	default:
		return n.listener.connect(ctx)
	}
}

func (n *Network) dialTLS(ctx context.Context, network, address string) (net.Conn, error) {
	conn, err := n.dial(ctx, network, address)
	if err != nil || !n.nextHandshakeFails() {
		return conn, err
	}
	_ = conn.Close() // The handshake has failed.
	return nil, &tls.CertificateVerificationError{Err: x509.UnknownAuthorityError{}}
}

func (n *Network) nextDial() (reset bool, refusal error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.dials++
	if len(n.refusals) > 0 {
		refusal, n.refusals = n.refusals[0], n.refusals[1:]
		return false, refusal
	}
	if n.resets > 0 {
		n.resets--
		return true, nil
	}
	return false, nil
}

func (n *Network) nextHandshakeFails() bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.handshakes == 0 {
		return false
	}
	n.handshakes--
	return true
}
