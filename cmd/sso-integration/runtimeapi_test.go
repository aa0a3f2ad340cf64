package main_test

import (
	"encoding/json"
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

// buildBootstrap builds the function once for all tests, with the flags of the Makefile.
var buildBootstrap = sync.OnceValues(func() (string, error) {
	dir, err := os.MkdirTemp("", "bootstrap")
	if err != nil {
		return "", err
	}
	path := filepath.Join(dir, "bootstrap")
	build := exec.Command("go", "build", "-tags", "lambda.norpc", "-trimpath", "-ldflags", "-s -w -X main.version=e2e", "-o", path, ".")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if output, err := build.CombinedOutput(); err != nil {
		return "", &buildError{output: string(output), err: err}
	}
	return path, nil
})

type buildError struct {
	output string
	err    error
}

func (e *buildError) Error() string { return e.err.Error() + "\n" + e.output }

func TestMain(m *testing.M) {
	code := m.Run()
	if path, err := buildBootstrap(); err == nil {
		_ = os.RemoveAll(filepath.Dir(path))
	}
	os.Exit(code)
}

// function is one running bootstrap and the Lambda Runtime API that drives it: what
// Lambda calls an execution environment.
type function struct {
	t       *testing.T
	process *exec.Cmd
	logs    logFile
	next    chan event
	replies chan reply
	idle    chan struct{}
	exited  chan error
}

// event is an event on its way to the function.
type event struct {
	id       string
	payload  []byte
	deadline time.Time
}

// reply is what the function made of an event.
type reply struct {
	body   []byte
	failed bool
	at     time.Time
}

// errorType returns the type of a function error.
func (r reply) errorType(t *testing.T) string {
	t.Helper()
	require.True(t, r.failed, "not a function error: %s", r.body)
	var failure struct {
		Type string `json:"errorType"`
	}
	require.NoError(t, json.Unmarshal(r.body, &failure))
	return failure.Type
}

// start starts the bootstrap with the environment that Lambda would give it, and env.
func start(t *testing.T, env map[string]string) *function {
	t.Helper()
	path, err := buildBootstrap()
	require.NoError(t, err)
	f := &function{
		t: t, logs: newLogFile(t),
		next: make(chan event), replies: make(chan reply, 1), idle: make(chan struct{}, 1), exited: make(chan error, 1),
	}
	api := httptest.NewServer(f)
	f.process = exec.Command(path)
	f.process.Stdout, f.process.Stderr = f.logs.File, f.logs.File
	f.process.Env = []string{
		"AWS_LAMBDA_RUNTIME_API=" + strings.TrimPrefix(api.URL, "http://"),
		"AWS_REGION=us-east-1", "AWS_ACCESS_KEY_ID=x", "AWS_SECRET_ACCESS_KEY=x",
		"AWS_LAMBDA_FUNCTION_NAME=sso", "AWS_LAMBDA_FUNCTION_VERSION=1", "AWS_LAMBDA_FUNCTION_MEMORY_SIZE=256",
		"AWS_LAMBDA_LOG_FORMAT=JSON", "_HANDLER=bootstrap", "PATH=" + os.Getenv("PATH"), "HOME=" + t.TempDir(),
	}
	for name, value := range env {
		f.process.Env = append(f.process.Env, name+"="+value)
	}
	require.NoError(t, f.process.Start())
	go func() { f.exited <- f.process.Wait() }()
	t.Cleanup(func() {
		_ = f.process.Process.Kill()
		api.CloseClientConnections()
		api.Close()
		if t.Failed() {
			t.Log("log of the function:\n" + f.logs.String())
		}
	})
	return f
}

// ready waits until the function asks for its first event: Lambda's init phase is over.
func (f *function) ready() {
	f.t.Helper()
	select {
	case <-f.idle:
	case err := <-f.exited:
		require.FailNow(f.t, "the function ended instead of starting", "%v\n%s", err, f.logs.String())
	case <-time.After(20 * time.Second):
		require.FailNow(f.t, "the function does not start", f.logs.String())
	}
}

// invoke sends an event with so much time for it, and waits for the reply.
func (f *function) invoke(payload []byte, timeout time.Duration) reply {
	f.t.Helper()
	f.send(payload, timeout)
	select {
	case answer := <-f.replies:
		return answer
	case err := <-f.exited:
		require.FailNow(f.t, "the function ended instead of answering", "%v\n%s", err, f.logs.String())
	case <-time.After(timeout + time.Second):
		require.FailNow(f.t, "the function does not answer in time", f.logs.String())
	}
	return reply{}
}

// send sends an event without waiting for the reply.
func (f *function) send(payload []byte, timeout time.Duration) {
	f.next <- event{id: "8476a536-e9f4-11e8-9739-2dfe598c3fcd", payload: payload, deadline: time.Now().Add(timeout)}
}

// ServeHTTP is the Runtime API.
// https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html
func (f *function) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	switch action := r.URL.Path[strings.LastIndex(r.URL.Path, "/")+1:]; action {
	case "next":
		select {
		case f.idle <- struct{}{}:
		default:
		}
		select {
		case event := <-f.next:
			w.Header().Set("Lambda-Runtime-Aws-Request-Id", event.id)
			w.Header().Set("Lambda-Runtime-Deadline-Ms", strconv.FormatInt(event.deadline.UnixMilli(), 10))
			w.Header().Set("Lambda-Runtime-Invoked-Function-Arn", "arn:aws:lambda:us-east-1:123456789012:function:sso")
			w.Header().Set("Lambda-Runtime-Trace-Id", "Root=1-5759e988-bd862e3fe1be46a994272793;Sampled=1")
			_, _ = w.Write(event.payload)
		case <-r.Context().Done():
		}
	case "response", "error":
		body, err := io.ReadAll(r.Body)
		w.WriteHeader(http.StatusAccepted)
		if err == nil {
			f.replies <- reply{body: body, failed: action == "error", at: time.Now()}
		}
	default:
		w.WriteHeader(http.StatusNotFound)
	}
}

// logFile is what a process writes. A file has it at once, where a pipe has it when its
// reader comes to it.
type logFile struct{ *os.File }

func newLogFile(t *testing.T) logFile {
	t.Helper()
	file, err := os.CreateTemp(t.TempDir(), "log")
	require.NoError(t, err)
	t.Cleanup(func() { _ = file.Close() })
	return logFile{file}
}

func (l logFile) String() string {
	text, err := os.ReadFile(l.Name())
	if err != nil {
		return err.Error()
	}
	return string(text)
}
