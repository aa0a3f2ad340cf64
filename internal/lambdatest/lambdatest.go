// Package lambdatest runs a built Lambda function in a test, with a Runtime API server that
// drives it: what Lambda calls an execution environment.
package lambdatest

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

const startTimeout = 20 * time.Second

// Bootstrap is the binary of a function, which is built once for all tests of a package.
type Bootstrap struct{ path func() (string, error) }

// NewBootstrap returns the binary of the function in a package, such as ".". It is built when it
// is first needed, with the flags of the Makefile.
func NewBootstrap(pkg string) Bootstrap {
	return Bootstrap{sync.OnceValues(func() (string, error) { return build(pkg) })}
}

// Main runs the tests of a package, removes the binary, and returns the status to exit with.
func (b Bootstrap) Main(m *testing.M) int {
	defer b.Remove()
	return m.Run()
}

// Remove removes the binary.
func (b Bootstrap) Remove() {
	if path, err := b.path(); err == nil {
		_ = os.RemoveAll(filepath.Dir(path))
	}
}

// Start starts the function with the environment that Lambda would give it, and env. The test's
// end ends it.
func (b Bootstrap) Start(t *testing.T, env map[string]string) *Function {
	t.Helper()
	path, err := b.path()
	require.NoError(t, err)
	return start(t, path, env)
}

// build returns the path of the binary, which is in a directory of its own.
func build(pkg string) (string, error) {
	dir, err := os.MkdirTemp("", "bootstrap")
	if err != nil {
		return "", err
	}
	path := filepath.Join(dir, "bootstrap")
	build := exec.Command("go", "build", "-tags", "lambda.norpc", "-trimpath", "-ldflags", "-s -w -X main.version=e2e", "-o", path, pkg) //nolint:gosec,noctx // The package is that of a test.
	build.Env = append(os.Environ(), "CGO_ENABLED=0")                                                                                    //nolint:forbidigo // It is the environment of the go command.
	if output, err := build.CombinedOutput(); err != nil {
		return "", fmt.Errorf("%w\n%s", err, output)
	}
	return path, nil
}

// Function is one running function.
type Function struct {
	t       *testing.T
	process *exec.Cmd
	log     string
	next    chan invocation
	replies chan Reply
	idle    chan struct{}
	exited  chan error
}

type invocation struct {
	payload  []byte
	deadline time.Time
}

// Reply is what a function made of an event.
type Reply struct {
	Body []byte
	// Failed reports whether it is a function error.
	Failed bool
	// At is when it came.
	At time.Time
}

// ErrorType returns the type of a function error, empty if it is none.
func (r Reply) ErrorType() string {
	var failure struct {
		ErrorType string `json:"errorType"`
	}
	if !r.Failed || json.Unmarshal(r.Body, &failure) != nil {
		return ""
	}
	return failure.ErrorType
}

func start(t *testing.T, path string, env map[string]string) *Function {
	t.Helper()
	log, err := os.CreateTemp(t.TempDir(), "log")
	require.NoError(t, err)
	f := &Function{
		t: t, log: log.Name(),
		next: make(chan invocation), replies: make(chan Reply, 1), idle: make(chan struct{}, 1), exited: make(chan error, 1),
	}
	api := httptest.NewServer(f)
	f.process = exec.Command(path) //nolint:noctx // The test's end kills it.
	f.process.Stdout, f.process.Stderr = log, log
	f.process.Env = []string{
		"AWS_LAMBDA_RUNTIME_API=" + strings.TrimPrefix(api.URL, "http://"),
		"AWS_REGION=us-east-1", "AWS_ACCESS_KEY_ID=x", "AWS_SECRET_ACCESS_KEY=x",
		"AWS_LAMBDA_FUNCTION_NAME=function", "AWS_LAMBDA_FUNCTION_VERSION=1", "AWS_LAMBDA_FUNCTION_MEMORY_SIZE=256",
		"AWS_LAMBDA_LOG_FORMAT=JSON", "_HANDLER=bootstrap", "HOME=" + t.TempDir(),
	}
	for name, value := range env {
		f.process.Env = append(f.process.Env, name+"="+value)
	}
	require.NoError(t, f.process.Start())
	go func() { f.exited <- f.process.Wait() }()
	t.Cleanup(func() {
		f.Kill()
		api.CloseClientConnections()
		api.Close()
		if t.Failed() {
			t.Log("log of the function:\n" + f.Log())
		}
		_ = log.Close()
	})
	return f
}

// Ready waits until the function asks for its first event: Lambda's init phase is over.
func (f *Function) Ready() {
	f.t.Helper()
	select {
	case <-f.idle:
	case err := <-f.exited:
		require.FailNow(f.t, "the function ended instead of starting", "%v\n%s", err, f.Log())
	case <-time.After(startTimeout):
		require.FailNow(f.t, "the function does not start", f.Log())
	}
}

// Invoke sends an event with so much time for it, and waits for the reply. It returns an empty
// reply if the function was killed.
func (f *Function) Invoke(payload []byte, timeout time.Duration) Reply {
	f.t.Helper()
	f.Send(payload, timeout)
	select {
	case reply := <-f.replies:
		return reply
	case err := <-f.exited:
		f.t.Logf("the function ended: %v", err)
		return Reply{}
	case <-time.After(timeout + time.Second):
		require.FailNow(f.t, "the function does not respond in time", f.Log())
	}
	return Reply{}
}

// Send sends an event without waiting for the reply.
func (f *Function) Send(payload []byte, timeout time.Duration) {
	f.next <- invocation{payload, time.Now().Add(timeout)}
}

// Kill ends the function at once, as a crash would.
func (f *Function) Kill() { _ = f.process.Process.Kill() }

// Process is the function's process.
func (f *Function) Process() *os.Process { return f.process.Process }

// Exited gets the error with which the function ends, once.
func (f *Function) Exited() <-chan error { return f.exited }

// Log returns what the function has written.
func (f *Function) Log() string {
	text, err := os.ReadFile(f.log)
	if err != nil {
		return err.Error()
	}
	return string(text)
}

// ServeHTTP is the Runtime API.
// https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html
func (f *Function) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	switch action := r.URL.Path[strings.LastIndex(r.URL.Path, "/")+1:]; action {
	case "next":
		select {
		case f.idle <- struct{}{}:
		default:
		}
		select {
		case event := <-f.next:
			w.Header().Set("Lambda-Runtime-Aws-Request-Id", "8476a536-e9f4-11e8-9739-2dfe598c3fcd")
			w.Header().Set("Lambda-Runtime-Deadline-Ms", strconv.FormatInt(event.deadline.UnixMilli(), 10))
			w.Header().Set("Lambda-Runtime-Invoked-Function-Arn", "arn:aws:lambda:us-east-1:123456789012:function:function")
			w.Header().Set("Lambda-Runtime-Trace-Id", "Root=1-5759e988-bd862e3fe1be46a994272793;Sampled=1")
			_, _ = w.Write(event.payload)
		case <-r.Context().Done():
		}
	case "response", "error":
		body, err := io.ReadAll(r.Body)
		w.WriteHeader(http.StatusAccepted)
		if err == nil {
			f.replies <- Reply{Body: body, Failed: action == "error", At: time.Now()}
		}
	default:
		w.WriteHeader(http.StatusNotFound)
	}
}

// Serve serves what a function calls, until the test ends. It returns the address.
func Serve(t *testing.T, h http.Handler) string {
	t.Helper()
	server := httptest.NewServer(h)
	t.Cleanup(func() {
		server.CloseClientConnections()
		server.Close()
	})
	return server.URL
}
