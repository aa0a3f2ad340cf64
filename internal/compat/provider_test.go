//go:build compat

package compat_test

import (
	"context"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"sendgrid-sso-integration/sendgrid"
)

// identityProvider is an identity provider that somebody else wrote.
type identityProvider interface {
	// name is what people call it.
	name() string
	// packages are the Debian packages whose versions matter, its own first.
	packages() []string
	// start starts it, so that it signs with this key. The test's end ends it.
	start(t *testing.T, k signingKey)
	// rotate makes it sign with another key.
	rotate(t *testing.T, k signingKey)
	// connect tells it SendGrid's URLs, as a person does after the integration was created.
	connect(t *testing.T, i sendgrid.Integration)
	// metadataURL is where it serves its SAML metadata.
	metadataURL() string
	// logInURL is where a person begins who wants to get to SendGrid.
	logInURL(i sendgrid.Integration) string
	// person is who can log in.
	person() person
	// client reaches it as a browser does.
	client() *http.Client
}

// announcer is an identity provider that can have its next certificate in its SAML metadata before it signs
// with it.
type announcer interface {
	announce(t *testing.T, k signingKey)
}

// person is somebody whom an identity provider knows.
type person struct {
	// user and password are what they type, and userField and passwordField the fields of the form.
	user, password           string
	userField, passwordField string
	// nameID is what SendGrid has to know them by.
	nameID string
}

const (
	// startTime bounds the start of an identity provider, and requestTime one request to it.
	startTime   = 30 * time.Second
	requestTime = 20 * time.Second
)

// front is https in front of an identity provider: the function takes only https URLs. The client that
// httptest makes reaches every host of example.com here.
type front struct {
	url     string
	backend string
	https   *httptest.Server
}

// newFront returns the front of a provider that will listen at the address backend.
func newFront(t *testing.T, host string) *front {
	t.Helper()
	f := &front{url: "https://" + host, backend: freeAddress(t)}
	proxy := &httputil.ReverseProxy{
		// The development servers serve one connection at a time.
		Transport: &http.Transport{DisableKeepAlives: true},
		Rewrite: func(r *httputil.ProxyRequest) {
			r.SetURL(&url.URL{Scheme: "http", Host: f.backend})
			r.Out.Host = host
			r.Out.Header.Set("X-Forwarded-Proto", "https")
		},
	}
	f.https = httptest.NewTLSServer(proxy)
	t.Cleanup(f.https.Close)
	return f
}

func (f *front) client() *http.Client {
	client := f.https.Client()
	client.Timeout = requestTime
	return client
}

// freeAddress returns an address of this machine at which nobody listens now.
func freeAddress(t *testing.T) string {
	t.Helper()
	listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer func() { _ = listener.Close() }()
	return listener.Addr().String()
}

// process is a server of an identity provider, with its children.
type process struct {
	command *exec.Cmd
	// exited is closed when the server has ended.
	exited chan struct{}
	log    string
}

// run starts a server and waits until it listens at address.
func run(t *testing.T, dir, address string, env []string, name string, args ...string) *process {
	t.Helper()
	log, err := os.OpenFile(filepath.Join(dir, "server.log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	require.NoError(t, err)
	defer func() { _ = log.Close() }()
	p := &process{command: exec.Command(name, args...), exited: make(chan struct{}), log: log.Name()}
	p.command.Env = append(os.Environ(), env...)
	p.command.Dir, p.command.Stdout, p.command.Stderr = dir, log, log
	p.command.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // So that stop reaches its children.
	require.NoError(t, p.command.Start())
	go func() {
		_ = p.command.Wait() // That it was killed is no news.
		close(p.exited)
	}()
	t.Cleanup(func() {
		p.stop()
		if t.Failed() {
			t.Logf("log of %s:\n%s", name, p.written())
		}
	})

	ctx, cancel := context.WithTimeout(t.Context(), startTime)
	defer cancel()
	for tick := time.NewTicker(50 * time.Millisecond); ; {
		connection, err := (&net.Dialer{}).DialContext(ctx, "tcp", address)
		if err == nil {
			_ = connection.Close()
			tick.Stop()
			return p
		}
		select {
		case <-p.exited:
			require.FailNow(t, name+" ended instead of listening", p.written())
		case <-ctx.Done():
			require.FailNow(t, name+" does not listen", p.written())
		case <-tick.C:
		}
	}
}

// stop ends the server and its children.
func (p *process) stop() {
	_ = syscall.Kill(-p.command.Process.Pid, syscall.SIGKILL)
	select {
	case <-p.exited:
	case <-time.After(startTime):
	}
}

// written returns the end of what the server wrote.
func (p *process) written() string {
	const most = 8 << 10
	text, err := os.ReadFile(p.log)
	if err != nil {
		return err.Error()
	}
	return string(text[max(0, len(text)-most):])
}

// version returns the version of a Debian package.
func version(t *testing.T, name string) string {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), "dpkg-query", "-W", "-f=${Version}", name).Output()
	require.NoError(t, err, `%s is missing; "make compat" installs it`, name)
	return strings.TrimSpace(string(out))
}
