package main

import (
	"context"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"sendgrid-sso-integration/handler"
)

func TestRunAnswersAllTheSamples(t *testing.T) {
	atRoot(t)
	var out, logs output
	require.NoError(t, run(t.Context(), []string{"run"}, noEnvironment, noInput{}, &out, &logs))
	require.Empty(t, logs.String())

	files, err := samples()
	require.NoError(t, err)
	require.Greater(t, len(files), 10)
	sections := strings.Split(out.String(), "\n── ")
	require.Len(t, sections, len(files)+2, "nothing before the first, and after the last what SendGrid holds")
	accepted := 0
	for i, file := range files {
		payload, err := os.ReadFile(file)
		require.NoError(t, err)
		trigger := handler.Recognise(payload)
		heading, answer, _ := strings.Cut(sections[i+1], "\n")
		require.Equal(t, file+" · trigger "+trigger, heading)

		code, refused := strings.CutPrefix(file, filepath.Join("events", "refused")+"/")
		isHTTP := trigger == handler.TriggerHTTPAPI || trigger == handler.TriggerRESTAPI
		if isHTTP {
			require.Contains(t, answer, "HTTP ")
			require.Contains(t, answer, "Content-Type: application/")
		}
		if !refused {
			accepted++
			require.NotContains(t, answer, "function error", file)
			continue
		}
		code = strings.TrimSuffix(code, ".json")
		if isHTTP {
			require.Contains(t, answer, `"code": "`+code+`"`)
		} else {
			require.Contains(t, answer, "function error {")
			require.Contains(t, answer, `"errorType": "`+code+`"`)
		}
	}
	require.Contains(t, sections[len(files)+1], "SendGrid now holds ")
	for _, entityID := range []string{"exkdirect1", "exkexisting", "exkevent1", "exkurl1", "exkbearer", "exkrest1"} {
		require.Equal(t, 1, strings.Count(sections[len(files)+1], "http://www.okta.com/"+entityID+" "))
	}
	require.Contains(t, sections[len(files)+1], "not finished", "a half-configured integration does not disturb")
	require.NotContains(t, sections[len(files)+1], "exkstranger", "what is refused is not there")
	require.Contains(t, out.String(), "HTTP 201 Created\nLocation: http://127.0.0.1:")
	require.Contains(t, out.String(), "HTTP 401 Unauthorized\nWWW-Authenticate: Bearer\n")
	require.Contains(t, out.String(), "HTTP 405 Method Not Allowed\nAllow: POST\n")
	require.Contains(t, out.String(), "Z\u00fcrich", "what is in base64 is shown as what it is")
	require.Positive(t, accepted)
	for _, outcome := range []string{"created", "updated", "unchanged", "superseded"} {
		require.Contains(t, out.String(), `"outcome": "`+outcome+`"`)
	}
	require.Contains(t, out.String(), `"sha256": "519b428e49803f53b402b63d1267de00e818b77b996088632df43be47e70c5b9"`, "the certificate in the bundled metadata")
}

func TestRunAnswersOneFile(t *testing.T) {
	atRoot(t)
	var out, logs output
	require.NoError(t, run(t.Context(), []string{"run", "-v", "events/direct.json"}, noEnvironment, noInput{}, &out, &logs))
	require.Equal(t, 2, strings.Count(out.String(), "\n── "))
	require.Contains(t, out.String(), "SendGrid now holds 3 integration(s)")
	require.Contains(t, logs.String(), "entity_id=http://www.okta.com/exkdirect1", "-v shows the function's log")
	require.NotContains(t, out.String()+logs.String(), apiKey)
}

// TestRunNamesWhatFails: a sample is answered as its place says, or else the command fails.
func TestRunNamesWhatFails(t *testing.T) {
	atRoot(t)
	dir := t.TempDir()
	refused := filepath.Join(dir, "refused")
	require.NoError(t, os.Mkdir(refused, 0o700))
	good, err := os.ReadFile("events/direct.json")
	require.NoError(t, err)
	write := func(path, content string) string {
		require.NoError(t, os.WriteFile(path, []byte(content), 0o600))
		return path
	}
	bad := write(filepath.Join(dir, "bad.json"), `{"name":"x"}`)
	broken := write(filepath.Join(dir, "broken.json"), `{`)
	accepted := write(filepath.Join(refused, "Conflict.json"), string(good))
	other := write(filepath.Join(refused, "InvalidJSON.json"), `{}`)

	var out, logs output
	err = run(t.Context(), []string{"run", bad, "events/direct.json", broken, accepted, other}, noEnvironment, noInput{}, &out, &logs)
	require.EqualError(t, err, strings.Join([]string{
		bad + ": expected success, got InvalidRequest",
		broken + ": expected success, got InvalidJSON",
		accepted + ": expected Conflict, got success",
		other + ": expected InvalidJSON, got InvalidRequest",
	}, "\n"))
	require.Equal(t, 6, strings.Count(out.String(), "\n── "), "all are answered all the same")

	missing := filepath.Join(dir, "missing.json")
	require.ErrorContains(t, run(t.Context(), []string{"run", missing}, noEnvironment, noInput{}, &out, &logs), missing)
}

// Only the URL of the samples is answered from a file.
func TestBundledMetadata(t *testing.T) {
	t.Parallel()
	_, err := bundledMetadata{newFetcher()}.Fetch(t.Context(), "https://idp.example.com/metadata")
	require.ErrorContains(t, err, "SAML_METADATA_HOSTS")
}

// Elsewhere than at the root the commands say where they have to be run.
func TestCommandsNeedTheRoot(t *testing.T) {
	t.Chdir(t.TempDir())
	for name, args := range map[string][]string{"run": {"run"}, "run a file": {"run", "x.json"}, "serve": {"serve", "-port", "0"}, "simulator": {"simulator", "-port", "0"}} {
		t.Run(name, func(t *testing.T) {
			err := run(t.Context(), args, noEnvironment, noInput{}, &output{}, &output{})
			require.ErrorContains(t, err, "at the root of the repository")
		})
	}
}

func TestUsage(t *testing.T) {
	t.Parallel()
	var out, logs output
	require.ErrorIs(t, run(t.Context(), nil, noEnvironment, noInput{}, &out, &logs), flag.ErrHelp)
	require.Contains(t, logs.String(), "usage: local <command>")

	logs = output{}
	require.EqualError(t, run(t.Context(), []string{"walk"}, noEnvironment, noInput{}, &out, &logs), `there is no command "walk"`)
	require.Contains(t, logs.String(), "usage: local <command>")

	for _, command := range []string{"run", "serve", "simulator"} {
		logs = output{}
		require.ErrorIs(t, run(t.Context(), []string{command, "-h"}, noEnvironment, noInput{}, &out, &logs), flag.ErrHelp)
		require.Contains(t, logs.String(), "Usage of "+command)
		require.ErrorContains(t, run(t.Context(), []string{command, "-nonsense"}, noEnvironment, noInput{}, &out, &logs), "nonsense")
	}
	require.Empty(t, out.String())
}

// After an interruption no further event is answered.
func TestRunEndsWhenInterrupted(t *testing.T) {
	atRoot(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	var out output
	h := &handler.Handler{} // Which would panic.
	require.ErrorIs(t, answerAll(ctx, h, []string{"events/direct.json"}, &out), context.Canceled)
	require.Empty(t, out.String())
}
