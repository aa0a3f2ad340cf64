package handler_test

import (
	"context"
	"encoding/json"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/aws/aws-lambda-go/events"
	"github.com/stretchr/testify/require"

	"sendgrid-sso-integration/handler"
	"sendgrid-sso-integration/internal/audit"
	"sendgrid-sso-integration/internal/auth"
	"sendgrid-sso-integration/internal/problem"
	"sendgrid-sso-integration/internal/provision"
	"sendgrid-sso-integration/internal/request"
	"sendgrid-sso-integration/internal/status"
)

// readSamples returns the sample events of a folder by file name, without extension.
func readSamples(tb testing.TB, folder string) map[string][]byte {
	tb.Helper()
	files, err := filepath.Glob(filepath.Join(folder, "*.json"))
	require.NoError(tb, err)
	samples := map[string][]byte{}
	for _, file := range files {
		name := strings.TrimSuffix(filepath.Base(file), ".json")
		if strings.HasPrefix(name, "local.") { // Files for cmd/local, which are no events.
			continue
		}
		samples[name], err = os.ReadFile(file)
		require.NoError(tb, err)
	}
	require.NotEmpty(tb, samples)
	return samples
}

// newSampleFixture has the webhook secrets that the samples are made for, and a conflict for
// the one that expects it.
func newSampleFixture(tb testing.TB) fixture {
	tb.Helper()
	f := newFixture(func(ctx context.Context, r request.Resolved) (*provision.Result, error) {
		if isOwner := r.Teammate != nil && r.Teammate.Email == "owner@example.com"; isOwner || strings.Contains(r.SigninURL, "-moved") {
			return nil, failure(problem.Conflict)
		}
		return created(ctx, r)
	})
	f.Verifier = &auth.Verifier{Secrets: sampleSecrets(tb), Logger: f.Logger}
	f.Reporter = reports(status.Report{Checks: []status.Result{}, Connections: []audit.Connection{}, Findings: []status.Finding{}})
	f.Auditor = auditor{start: func(context.Context, audit.Publish) (*audit.Report, error) { return &audit.Report{}, nil }}
	return f
}

// secretsOf is a source of secrets that never change.
type secretsOf struct{ secrets auth.Secrets }

func (s secretsOf) Get(context.Context) (auth.Secrets, string, error) { return s.secrets, "1", nil }

func (s secretsOf) Refresh(context.Context, string) (auth.Secrets, string, error) {
	return s.secrets, "1", nil
}

// sampleSecrets returns the secrets that the samples are made for.
func sampleSecrets(tb testing.TB) secretsOf {
	tb.Helper()
	text, err := os.ReadFile("../events/local.webhook-secret.json")
	require.NoError(tb, err)
	secrets, err := auth.ParseSecrets(slog.New(slog.DiscardHandler))(string(text))
	require.NoError(tb, err)
	return secretsOf{secrets}
}

// The samples succeed, and those in the folder refused fail with the code that their name begins
// with.
func TestSamples(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	for name, payload := range readSamples(t, "../events") {
		require.Empty(t, newSampleFixture(t).code(t, payload), name)
		seen[handler.Recognise(payload)] = true
	}
	require.Len(t, seen, len(handler.Triggers()), "there is a sample of every trigger")
	for name, payload := range readSamples(t, "../events/refused") {
		code, _, _ := strings.Cut(name, "_")
		require.Equal(t, code, newSampleFixture(t).code(t, payload), name)
	}
}

// FuzzInvoke sends anything: an HTTP event gets an HTTP response, a batch the ids of what
// failed, any other a result or an error with a code, and each delivery leaves one line in
// the log.
func FuzzInvoke(f *testing.F) {
	addSeeds(f)
	f.Fuzz(func(t *testing.T, payload []byte) {
		f := newSampleFixture(t)
		trigger := handler.Recognise(payload)
		require.Equal(t, trigger, handler.Recognise(append([]byte("\n\t "), payload...)), "white space does not matter")
		if code := f.code(t, payload); code != "" {
			require.Contains(t, append(problem.Codes(), batchFailure), problem.Code(code))
		}
		require.NotContains(t, f.log.String(), "panic:")
		var batch events.SQSEvent
		if lines := f.log.lines(t); trigger == handler.TriggerSQS && json.Unmarshal(payload, &batch) == nil {
			require.Len(t, lines, len(batch.Records))
		} else {
			require.Len(t, lines, 1)
		}
	})
}

func addSeeds(f *testing.F) {
	f.Helper()
	for _, folder := range []string{"../events", "../events/refused"} {
		for _, payload := range readSamples(f, folder) {
			f.Add(payload)
		}
	}
	for _, seed := range []string{
		"", "null", "{}", "[]", `{"version":"2.0","requestContext":{"http":null}}`, `{"requestContext":null,"httpMethod":null}`,
		`{"Records":[{"messageId":"1","eventSource":"aws:sqs","body":"{\"detail-type\":0,\"source\":0,\"detail\":{}}"},{"messageId":"2"}]}`,
		`{"detail-type":0,"source":0,"detail":null}`, `{"version":"2.0","requestContext":{"http":{"method":5}},"headers":[]}`,
		`{"requestContext":{"authorizer":{"claims":{"x":[null]}}},"httpMethod":"POST","multiValueHeaders":{"a":null}}`,
	} {
		f.Add([]byte(seed))
	}
}
