package main

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"sendgrid-sso-integration/handler"
)

// runAt runs "run" with arguments, and returns what it prints.
func runAt(t *testing.T, args ...string) (out, logs string, err error) {
	t.Helper()
	var o, l output
	err = run(t.Context(), append([]string{"run"}, args...), noEnvironment, noInput{}, &o, &l)
	return o.String(), l.String(), err
}

// rowOf returns the columns of the row of a sample.
func rowOf(t *testing.T, printed, name string) []string {
	t.Helper()
	for line := range strings.SplitSeq(printed, "\n") {
		if columns := strings.Fields(line); len(columns) > 0 && columns[0] == name {
			return columns
		}
	}
	require.Fail(t, "there is no row", "%s in\n%s", name, printed)
	return nil
}

func TestRunHandlesAllTheSamples(t *testing.T) {
	atRoot(t)
	out, logs, err := runAt(t)
	require.NoError(t, err)
	require.Empty(t, logs)
	require.LessOrEqual(t, strings.Count(out, "\n"), 80, "it fits on a screen or two")
	require.NotContains(t, out, `{`, "no bodies")

	files, err := samples()
	require.NoError(t, err)
	require.Greater(t, len(files), 10)
	for _, file := range files {
		payload, err := os.ReadFile(file)
		require.NoError(t, err)
		row := rowOf(t, out, sampleName(file))
		require.Equal(t, handler.Recognise(payload), row[1], file)
		if code, refused := strings.CutPrefix(sampleName(file), "refused/"); refused {
			code, _, _ = strings.Cut(strings.TrimSuffix(code, ".json"), "_")
			require.Equal(t, code, row[2])
			continue
		}
		require.Contains(t, []string{"created", "updated", "unchanged", "superseded", "disabled", "deleted", "planned", "audited", "reported", "2"}, row[2], file)
	}
	require.Equal(t, []string{"direct.json", "direct", "created", "2"}, rowOf(t, out, "direct.json")[:4], "a list and a create")
	for file, outcome := range map[string]string{
		"direct-absent.json": "disabled", "http-api-iam-absent.json": "disabled", "direct-forget.json": "unchanged", "direct-remove-certificate.json": "updated",
		"direct-teammate.json": "created", "direct-teammate-subuser.json": "created", "direct-teammate-absent.json": "deleted", "http-api-bearer-teammate.json": "created",
	} {
		require.Equal(t, outcome, rowOf(t, out, file)[2], file)
	}
	// Messages of one batch may share a list, which counts for the one that sent it.
	require.Regexp(t, `(?m)^sqs\.json +sqs +2 messages\n  message 1 \(…830a71\) +created +[12] +\d+\n  message 2 \(…830a72\) +created +[12] +\d+$`, out)
	require.Contains(t, out, "samples were handled as expected")
	require.Regexp(t, `SendGrid has \d+ integrations, and none twice`, out)
}

func TestRunShowsBodies(t *testing.T) {
	atRoot(t)
	for name, tt := range map[string]struct {
		args     []string
		contains []string
	}{
		"of one file": {[]string{"events/direct.json"}, []string{`"outcome": "created"`, "http://www.okta.com/exkdirect1   0 "}},
		"of the audit": {[]string{"events/audit.json"}, []string{
			`"total": 2`, `"state": "unmanaged"`, `"code": "NoCertificate"`, "An integration has no entity_id, so nobody can log in with it.",
		}},
		"of a function error": {[]string{"events/refused/Conflict.json"}, []string{"function error {", `"errorType": "Conflict"`}},
		"with -v": {[]string{"-v"}, []string{
			"HTTP 201 Created\nLocation: http://127.0.0.1:", "HTTP 401 Unauthorized\nWWW-Authenticate: Bearer\n",
			"HTTP 405 Method Not Allowed\nAllow: POST\n", "Z\u00fcrich", `"batchItemFailures": []`, "samples were handled as expected",
		}},
	} {
		t.Run(name, func(t *testing.T) {
			out, logs, err := runAt(t, tt.args...)
			require.NoError(t, err)
			for _, text := range tt.contains {
				require.Contains(t, out, text)
			}
			require.Equal(t, tt.args[0] == "-v", strings.Contains(logs, "entity_id=http://www.okta.com/exkdirect1"), "-v shows the function's log")
			require.NotContains(t, out+logs, apiKey)
		})
	}
}

// atCopy makes a directory with the samples' secrets and these files the working directory.
func atCopy(t *testing.T, files map[string]string) {
	t.Helper()
	dir := t.TempDir()
	require.NoError(t, os.MkdirAll(filepath.Join(dir, "events", "refused"), 0o700))
	for _, name := range []string{"events/direct.json", integrationsFile, subusersFile, teammatesFile, webhookSecretFile} {
		text, err := os.ReadFile(filepath.Join("..", "..", name))
		require.NoError(t, err)
		files[name] = string(text)
	}
	for name, text := range files {
		require.NoError(t, os.WriteFile(filepath.Join(dir, filepath.FromSlash(name)), []byte(text), 0o600))
	}
	t.Chdir(dir)
}

// A sample whose result is not as its place promises makes the command fail. The others are
// handled.
func TestRunNamesWhatFails(t *testing.T) {
	direct, err := os.ReadFile("../../events/direct.json")
	require.NoError(t, err)
	atCopy(t, map[string]string{
		"events/bad.json": `{"name":"x"}`, "events/broken.json": "{",
		"events/refused/Conflict.json": string(direct), "events/refused/InvalidJSON.json": `{}`,
	})
	out, _, err := runAt(t)
	require.EqualError(t, err, strings.Join([]string{
		"events/bad.json: expected success, got InvalidRequest",
		"events/broken.json: expected success, got InvalidJSON",
		"events/refused/Conflict.json: expected Conflict, got success",
		"events/refused/InvalidJSON.json: expected InvalidJSON, got InvalidRequest",
	}, "\n"))
	require.Equal(t, "created", rowOf(t, out, "direct.json")[2])
	require.NotContains(t, out, "as expected")
	require.Equal(t, 3, strings.Count(out, "function error"), "the responses of those that failed")

	_, _, err = runAt(t, "missing.json")
	require.ErrorContains(t, err, "missing.json")
}

// A refused request of one's own is explained, and a script notices it.
func TestRunExplainsWhatIsRefused(t *testing.T) {
	const message = `{"messageId":"m-%","eventSource":"aws:sqs","body":"{}"}`
	batch := `{"Records":[` + strings.ReplaceAll(message, "%", "1") + "," + strings.ReplaceAll(message, "%", "2") + `]}`
	atCopy(t, map[string]string{"own.json": `{"name":"x"}`, "Conflict.json": "{", "batch.json": batch})
	for file, want := range map[string]struct{ code, what string }{
		"own.json":      {"InvalidRequest", "the response says what to do.\n"},
		"Conflict.json": {"InvalidJSON", "the response says what to do.\n"},
		"batch.json":    {"InvalidRequest", "a message has no response, but the log says: "},
	} {
		out, _, err := runAt(t, file)
		require.EqualError(t, err, file+": "+want.code)
		require.Contains(t, out, file+" was refused with "+want.code+": the function works, and "+want.what)
		require.Contains(t, out, "SendGrid now has:")
	}
	several, _, err := runAt(t, "events/direct.json", "own.json")
	require.Error(t, err)
	require.Contains(t, several, `signin_url: `, "the response")
	require.NotContains(t, several, `"outcome": "created"`, "of what failed alone")
	out, _, err := runAt(t, "batch.json")
	require.Error(t, err)
	require.Regexp(t, `message 2 \(…m-2\) +InvalidRequest`, out)
}

// Elsewhere than at the root the commands return an error that names the right directory.
func TestCommandsNeedTheRoot(t *testing.T) {
	t.Chdir(t.TempDir())
	for name, args := range map[string][]string{"run": {"run"}, "run a file": {"run", "x.json"}, "serve": {"serve", "-port", "0"}, "simulator": {"simulator", "-port", "0"}} {
		t.Run(name, func(t *testing.T) {
			err := run(t.Context(), args, noEnvironment, noInput{}, &output{}, &output{})
			require.ErrorContains(t, err, "at the root of the repository")
		})
	}
}

// After an interruption no further event is handled.
func TestRunEndsWhenInterrupted(t *testing.T) {
	atRoot(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	var out output
	r := &runner{handler: &handler.Handler{}, out: &out} // It would panic.
	require.ErrorIs(t, r.handleAll(ctx, []string{"events/direct.json"}), context.Canceled)
	require.Equal(t, 1, strings.Count(out.String(), "\n"), "the heading")
}
