package main

import (
	"bufio"
	"bytes"
	"context"
	"io"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"sendgrid-sso-integration/internal/protocol"
	"sendgrid-sso-integration/internal/provision"
	"sendgrid-sso-integration/internal/request"
	"sendgrid-sso-integration/sendgrid"
)

// sampleBearer is the bearer secret of the samples.
const sampleBearer = "local-bearer-secret-for-samples"

// atRoot makes the root of the repository the working directory, where the commands find
// the samples. A test that uses it cannot be parallel.
func atRoot(t *testing.T) {
	t.Helper()
	t.Chdir("../..")
}

// noEnvironment is for commands that must not read it.
func noEnvironment(name string) string { panic("the environment was asked for " + name) }

// noInput is for commands that must not ask anything.
type noInput struct{}

func (noInput) Read([]byte) (int, error) { panic("the terminal was read") }

// output collects what a command prints. Its zero value is ready to use.
type output struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.Write(p)
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.String()
}

// ensure is a provisioner made of a function; a nil one panics.
type ensure func(context.Context, request.Resolved) (*provision.Result, error)

func (f ensure) Ensure(ctx context.Context, r request.Resolved, _ provision.Delivery) (*provision.Result, error) {
	return f(ctx, r)
}

func created(_ context.Context, r request.Resolved) (*provision.Result, error) {
	return &provision.Result{
		Outcome:     protocol.OutcomeCreated,
		Integration: sendgrid.Integration{ID: "id-1", Name: r.Name, EntityID: r.EntityID},
	}, nil
}

// background starts a command that goes on until the test ends, and returns what it prints
// up to the line that begins with last.
func background(t *testing.T, last string, command func(ctx context.Context, out io.Writer) error) string {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	read, write := io.Pipe()
	ended := make(chan error, 1)
	go func() {
		err := command(ctx, write)
		_ = write.CloseWithError(io.EOF) // So that whoever reads sees that there is no more.
		ended <- err
	}()
	t.Cleanup(func() {
		cancel()
		require.NoError(t, <-ended, "an interrupted command has not failed")
	})

	var printed strings.Builder
	lines := bufio.NewReader(read)
	for {
		line, err := lines.ReadString('\n')
		printed.WriteString(line)
		require.NoError(t, err, "it ended early: %s", printed.String())
		if strings.HasPrefix(line, last) {
			go func() { _, _ = io.Copy(io.Discard, lines) }() // It ends when the command does.
			return printed.String()
		}
	}
}
