package saml_test

import (
	"context"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/binary"
	"io"
	"log/slog"
	"math/big"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"sendgrid-sso-integration/internal/saml"
)

const (
	host        = "acme.okta.com"
	metadataURL = "https://acme.okta.com/app/exk1/sso/saml/metadata?token=secret"
)

// server is a TLS server to which a network leads, whatever the host. Its certificate is its
// own authority.
type server struct {
	names     []string  // of the certificate; empty is host
	notAfter  time.Time // of the certificate
	stranger  bool      // whether the authority is not trusted
	maxTLS    uint16    // zero is the newest
	listener  net.Listener
	connected func() (net.Conn, error)
}

// start serves a handler until the test ends.
func (s server) start(t *testing.T, handler http.HandlerFunc) saml.Network {
	t.Helper()
	if s.names == nil {
		s.names = []string{host}
	}
	if s.notAfter.IsZero() {
		s.notAfter = time.Now().AddDate(1, 0, 0)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), DNSNames: s.names, NotBefore: s.notAfter.AddDate(-2, 0, 0), NotAfter: s.notAfter,
		IsCA: true, BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key().Public(), key())
	require.NoError(t, err)
	roots := x509.NewCertPool()
	if certificate, err := x509.ParseCertificate(der); !s.stranger {
		require.NoError(t, err)
		roots.AddCert(certificate)
	}
	if s.listener == nil {
		s.listener, err = net.Listen("tcp", "127.0.0.1:0")
		require.NoError(t, err)
		s.connected = func() (net.Conn, error) { return net.Dial("tcp", s.listener.Addr().String()) }
	}
	config := &tls.Config{
		Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key()}},
		MinVersion:   tls.VersionTLS10, MaxVersion: s.maxTLS,
	}
	web := &http.Server{Handler: handler, ErrorLog: slog.NewLogLogger(slog.DiscardHandler, 0)}
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = web.Serve(tls.NewListener(s.listener, config))
	}()
	t.Cleanup(func() { _ = web.Close(); <-done })
	return saml.Network{Roots: roots, Dial: func(_ context.Context, network, address string) (net.Conn, error) {
		if network != "tcp" || !strings.EqualFold(address, host+":443") {
			return nil, net.UnknownNetworkError(network + " " + address)
		}
		return s.connected()
	}}
}

// pipes is a listener in memory, for the simulated time of testing/synctest.
type pipes struct {
	conns chan net.Conn
	done  chan struct{}
	once  sync.Once
}

func newPipes() *pipes { return &pipes{conns: make(chan net.Conn), done: make(chan struct{})} }

func (p *pipes) Accept() (net.Conn, error) {
	select {
	case c := <-p.conns:
		return c, nil
	case <-p.done:
		return nil, net.ErrClosed
	}
}

func (p *pipes) Close() error   { p.once.Do(func() { close(p.done) }); return nil }
func (p *pipes) Addr() net.Addr { return &net.TCPAddr{} }

func (p *pipes) connect() (net.Conn, error) {
	client, server := net.Pipe()
	p.conns <- server
	return client, nil
}

// startInMemory is start for a bubble of testing/synctest.
func startInMemory(t *testing.T, handler http.HandlerFunc) saml.Network {
	t.Helper()
	line := newPipes()
	return server{listener: line, connected: line.connect}.start(t, handler)
}

// resolver responds to every name with the addresses, or that it does not exist if there are none.
func resolver(addresses ...string) *net.Resolver {
	return &net.Resolver{PreferGo: true, Dial: func(context.Context, string, string) (net.Conn, error) {
		client, server := net.Pipe() // A stream: each message follows its length (RFC 1035, 4.2.2).
		go func() {
			defer server.Close()
			var length [2]byte
			if _, err := io.ReadFull(server, length[:]); err != nil {
				return
			}
			query := make([]byte, binary.BigEndian.Uint16(length[:]))
			if _, err := io.ReadFull(server, query); err != nil {
				return
			}
			response := resolve(query, addresses)
			_, _ = server.Write(append(binary.BigEndian.AppendUint16(nil, uint16(len(response))), response...))
		}()
		return client, nil
	}}
}

// resolve responds to a DNS query for A or AAAA records.
func resolve(query []byte, addresses []string) []byte {
	end := 12
	for query[end] != 0 {
		end += 1 + int(query[end])
	}
	end += 5
	kind := binary.BigEndian.Uint16(query[end-4:])
	var records []byte
	count := 0
	for _, address := range addresses {
		data := netip.MustParseAddr(address).AsSlice()
		if (kind == 1) != (len(data) == 4) {
			continue
		}
		count++
		records = append(records, 0xc0, 12) // The name is that of the question.
		records = binary.BigEndian.AppendUint16(records, kind)
		records = append(records, 0, 1, 0, 0, 0, 60, 0, byte(len(data)))
		records = append(records, data...)
	}
	status := byte(0x80)
	if len(addresses) == 0 {
		status |= 3 // NXDOMAIN
	}
	header := append([]byte{query[0], query[1], 0x81, status, 0, 1}, binary.BigEndian.AppendUint16(nil, uint16(count))...)
	return append(append(append(header, 0, 0, 0, 0), query[12:end]...), records...)
}
