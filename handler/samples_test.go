package handler_test

import (
	"context"
	"encoding/json"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"sendgrid-sso-integration/internal/problem"

	"github.com/stretchr/testify/require"

	"sendgrid-sso-integration/handler"
	"sendgrid-sso-integration/internal/auth"
	"sendgrid-sso-integration/internal/provision"
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

// newSampleDoor knows the secret that the samples carry, and the integration that one of
// them is at odds with.
func newSampleDoor(tb testing.TB) door {
	tb.Helper()
	d := newDoor(func(ctx context.Context, r provision.Request) (*provision.Result, error) {
		if strings.Contains(r.SigninURL, "-moved") {
			return nil, failure(problem.Conflict)
		}
		return created(ctx, r)
	})
	d.Verifier = &auth.Verifier{Secrets: sampleSecrets(tb), Logger: d.Logger}
	return d
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

func TestSamplesSucceed(t *testing.T) {
	t.Parallel()
	triggers := map[string]string{
		"direct": handler.TriggerDirect, "eventbridge": handler.TriggerEventBridge, "function-url": handler.TriggerHTTPAPI,
		"http-api": handler.TriggerHTTPAPI, "rest-api": handler.TriggerRESTAPI, "sqs": handler.TriggerSQS,
	}
	seen := map[string]bool{}
	for name, payload := range readSamples(t, "../events") {
		trigger := handler.Recognise(payload)
		seen[trigger] = true
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for prefix, want := range triggers {
				if strings.HasPrefix(name, prefix) {
					require.Equal(t, want, trigger)
				}
			}
			data, err := newSampleDoor(t).invoke(t, payload)
			require.NoError(t, err)
			switch trigger {
			case handler.TriggerHTTPAPI, handler.TriggerRESTAPI:
				a := readAnswer(t, data)
				require.Equal(t, http.StatusCreated, a.StatusCode, a.Body)
				data = []byte(a.Body)
			case handler.TriggerSQS:
				require.JSONEq(t, `{"batchItemFailures":[]}`, string(data))
				return
			case handler.TriggerEventBridge, handler.TriggerDirect:
			}
			var got result
			strictly(t, data, &got)
			require.Equal(t, "created", got.Outcome)
			require.NotEmpty(t, got.Integration.Name)
		})
	}
	for _, trigger := range []string{handler.TriggerHTTPAPI, handler.TriggerRESTAPI, handler.TriggerEventBridge, handler.TriggerDirect} {
		require.True(t, seen[trigger], "there is a sample of %s", trigger)
	}
}

func TestSamplesAreRefused(t *testing.T) {
	t.Parallel()
	for code, payload := range readSamples(t, "../events/refused") {
		t.Run(code, func(t *testing.T) {
			t.Parallel()
			require.Contains(t, codes, problem.Code(code), "the file is named after a code")
			data, err := newSampleDoor(t).invoke(t, payload)
			if err != nil {
				require.Equal(t, code, functionError(t, data, err).Type)
				return
			}
			a := readAnswer(t, data)
			require.Equal(t, code, a.problem(t).Code)
			require.Equal(t, codes[problem.Code(code)].status, a.StatusCode)
		})
	}
}

// FuzzRecognise looks for payloads that are more than one kind of event, or make it panic.
func FuzzRecognise(f *testing.F) {
	addSeeds(f)
	f.Fuzz(func(t *testing.T, payload []byte) {
		trigger := handler.Recognise(payload)
		require.Contains(t, []string{
			handler.TriggerHTTPAPI, handler.TriggerRESTAPI, handler.TriggerEventBridge, handler.TriggerSQS, handler.TriggerDirect,
		}, trigger)
		var object map[string]json.RawMessage
		if json.Unmarshal(payload, &object) != nil {
			require.Equal(t, handler.TriggerDirect, trigger)
		}
		require.Equal(t, trigger, handler.Recognise(append([]byte("\n\t "), payload...)), "white space does not matter")
	})
}

// FuzzInvoke sends anything: an HTTP event gets an HTTP answer, a batch the ids of what
// failed, any other a result or an error with a code, and each request leaves one line in
// the log.
func FuzzInvoke(f *testing.F) {
	addSeeds(f)
	f.Fuzz(func(t *testing.T, payload []byte) {
		d := newSampleDoor(t)
		data, err := d.invoke(t, payload)
		lines := d.log.lines(t)
		require.NotContains(t, d.log.String(), "panic:")
		trigger := handler.Recognise(payload)
		if trigger == handler.TriggerSQS && err == nil {
			requireBatchAnswer(t, payload, data, lines)
			return
		}
		require.Len(t, lines, 1)
		switch trigger {
		case handler.TriggerHTTPAPI, handler.TriggerRESTAPI:
			require.NoError(t, err)
			if a := readAnswer(t, data); a.StatusCode >= 400 {
				p := a.problem(t)
				require.Contains(t, codes, problem.Code(p.Code))
				require.Equal(t, codes[problem.Code(p.Code)].status, a.StatusCode)
			} else {
				require.Equal(t, http.StatusCreated, a.StatusCode)
			}
		default:
			if err == nil {
				var got result
				strictly(t, data, &got)
				return
			}
			require.Contains(t, codes, problem.Code(functionError(t, data, err).Type))
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
