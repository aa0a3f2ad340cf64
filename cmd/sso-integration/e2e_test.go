package main_test

import (
	"bytes"
	"encoding/json"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"sendgrid-sso-integration/internal/lambdatest"
	"sendgrid-sso-integration/internal/secret/secrettest"
	"sendgrid-sso-integration/sendgrid"
	"sendgrid-sso-integration/sendgrid/sendgridtest"
)

const (
	apiKey  = "SG.end-to-end-key-that-must-not-leak"
	timeout = 20 * time.Second
)

var bootstrap = lambdatest.NewBootstrap(".")

func TestMain(m *testing.M) { os.Exit(bootstrap.Main(m)) }

// world is what surrounds the function: SendGrid and Secrets Manager, over HTTP.
type world struct {
	sendGrid *sendgridtest.Server
	secrets  *secrettest.Server
	env      map[string]string
}

func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{sendGrid: sendgridtest.New(), secrets: secrettest.New()}
	w.sendGrid.SetKeys(apiKey)
	w.secrets.Put("sso/key", apiKey)
	w.secrets.Put("sso/webhook", string(read(t, "../../events/local.webhook-secret.json")))
	w.env = map[string]string{
		"SENDGRID_BASE_URL":                lambdatest.Serve(t, w.sendGrid),
		"AWS_ENDPOINT_URL_SECRETS_MANAGER": lambdatest.Serve(t, w.secrets),
		"SENDGRID_API_KEY_SECRET_ID":       "sso/key",
		"WEBHOOK_SECRET_ID":                "sso/webhook",
	}
	return w
}

// start starts the function in this world and waits for it.
func (w *world) start(t *testing.T) *lambdatest.Function {
	t.Helper()
	f := bootstrap.Start(t, w.env)
	f.Ready()
	return f
}

// populate gives SendGrid what the samples expect there, and returns the integrations.
func (w *world) populate(t *testing.T) (integrations []sendgrid.IntegrationRequest) {
	t.Helper()
	var subusers []sendgrid.Subuser
	var teammates []sendgrid.Teammate
	readJSON(t, "../../events/local.integrations.json", &integrations)
	readJSON(t, "../../events/local.subusers.json", &subusers)
	readJSON(t, "../../events/local.teammates.json", &teammates)
	for _, integration := range integrations {
		w.sendGrid.Add(integration)
	}
	for _, subuser := range subusers {
		w.sendGrid.AddSubuser(subuser)
	}
	for _, teammate := range teammates {
		w.sendGrid.AddTeammate(teammate)
	}
	return integrations
}

func requestFor(entityID string) []byte {
	return []byte(`{"name":"Okta","enabled":true,"signin_url":"https://example.okta.com/sso","signout_url":"","entity_id":"` + entityID + `"}`)
}

func readJSON(t *testing.T, path string, v any) {
	t.Helper()
	data, err := os.ReadFile(path)
	require.NoError(t, err)
	require.NoError(t, json.Unmarshal(data, v), path)
}

func TestSamples(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	existing := w.populate(t)
	w.env["TEAMMATES"] = "true"
	f := w.start(t)

	accepted, err := filepath.Glob("../../events/*.json")
	require.NoError(t, err)
	handled, statuses, outcomes := 0, 0, map[string]int{}
	for _, file := range accepted {
		payload := read(t, file)
		if strings.HasPrefix(filepath.Base(file), "local.") || bytes.Contains(payload, []byte("saml_metadata_url")) { // That needs the network.
			continue
		}
		handled++
		response := f.Invoke(payload, timeout)
		require.False(t, response.Failed, "%s: %s", file, response.Body)
		if bytes.Contains(response.Body, []byte("batchItemFailures")) {
			require.JSONEq(t, `{"batchItemFailures":[]}`, string(response.Body), file)
			continue
		}
		if filepath.Base(file) == "audit.json" {
			require.Contains(t, string(response.Body), `"total":2,"queued":0,"failed":0,"unreached":0,"unknown_outcomes":0,"connections":[{"entity_id":"http://www.okta.com/exkexisting"`)
			continue
		}
		if strings.HasSuffix(file, "-status.json") {
			statuses++
			require.True(t, reportIn(t, response).OK, "%s", response.Body)
			continue
		}
		result := resultOf(t, response.Body)
		require.Contains(t, []string{"created", "updated", "unchanged", "superseded", "disabled", "deleted", "planned"}, result.Outcome, file)
		outcomes[result.Outcome]++
		if result.Outcome == "planned" || filepath.Base(file) == "direct-forget.json" {
			continue
		}
		if bytes.Contains(payload, []byte("teammate")) {
			require.NotEmpty(t, result.Teammate.Email, file)
			continue
		}
		require.NotEmpty(t, result.Integration.ID, file)
		require.NotEmpty(t, result.Integration.SingleSignOnURL, file)
	}
	require.Greater(t, handled, 10, "the samples are there")
	all := w.sendGrid.Integrations()
	require.Len(t, outcomes, 7, "there is a sample of every success")
	require.Positive(t, w.sendGrid.Count(sendgrid.OpCreateCertificate))
	require.Equal(t, len(all)-len(existing), w.sendGrid.Count(sendgrid.OpCreateIntegration), "each was created once")
	require.Positive(t, w.sendGrid.Count(sendgrid.OpCreateTeammate))
	require.Equal(t, 1, w.sendGrid.Count(sendgrid.OpDeleteTeammate))
	require.Positive(t, statuses)
	require.LessOrEqual(t, w.secrets.Calls(), 2+2*statuses, "each of the two secrets is read once, and again for a status")

	refused, err := filepath.Glob("../../events/refused/*.json")
	require.NoError(t, err)
	require.NotEmpty(t, refused)
	for _, file := range refused {
		code, _, _ := strings.Cut(strings.TrimSuffix(filepath.Base(file), ".json"), "_")
		require.Equal(t, code, codeOf(t, f.Invoke(read(t, file), timeout)), file)
	}
	require.Len(t, w.sendGrid.Integrations(), len(all), "what is refused creates nothing")
	require.NotContains(t, f.Log(), apiKey)
	var secrets map[string]string
	readJSON(t, "../../events/local.webhook-secret.json", &secrets)
	for _, secret := range secrets {
		require.NotContains(t, f.Log(), secret)
	}
}

func read(t *testing.T, file string) []byte {
	t.Helper()
	data, err := os.ReadFile(file)
	require.NoError(t, err)
	return data
}

type result struct {
	Outcome      string
	Integration  sendgrid.Integration
	Teammate     struct{ Email string }
	Certificates []struct{ SHA256 string }
}

// resultOf reads a result, in an HTTP response or by itself.
func resultOf(t *testing.T, body []byte) (r result) {
	t.Helper()
	var gateway struct {
		StatusCode int
		Body       string
	}
	require.NoError(t, json.Unmarshal(body, &gateway))
	if gateway.StatusCode != 0 {
		require.Contains(t, []int{http.StatusOK, http.StatusCreated}, gateway.StatusCode, gateway.Body)
		body = []byte(gateway.Body)
	}
	require.NoError(t, json.Unmarshal(body, &r))
	return r
}

// codeOf reads the code of a refusal, in an HTTP response or a function error.
func codeOf(t *testing.T, response lambdatest.Reply) string {
	t.Helper()
	if response.Failed {
		return response.ErrorType()
	}
	var gateway struct{ Body string }
	require.NoError(t, json.Unmarshal(response.Body, &gateway))
	var problem struct{ Code string }
	require.NoError(t, json.Unmarshal([]byte(gateway.Body), &problem))
	return problem.Code
}

// outcomeOf returns the outcome of a direct invocation, or the code of its error.
func outcomeOf(t *testing.T, r lambdatest.Reply) string {
	t.Helper()
	if r.Failed {
		return r.ErrorType()
	}
	return resultOf(t, r.Body).Outcome
}

func TestWarmEnvironmentIsReused(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	f := w.start(t)
	require.Equal(t, 1, w.secrets.Calls(), "the key is read before the first event")

	first := resultOf(t, f.Invoke(requestFor("urn:first"), timeout).Body)
	require.Equal(t, "created", first.Outcome)
	again := resultOf(t, f.Invoke(requestFor("urn:first"), timeout).Body)
	require.Equal(t, "unchanged", again.Outcome)
	require.Equal(t, first.Integration.ID, again.Integration.ID)

	require.Equal(t, 1, w.secrets.Calls())
	require.Equal(t, 1, w.sendGrid.Count(sendgrid.OpCreateIntegration))
	require.Equal(t, 2, w.sendGrid.Count(sendgrid.OpListIntegrations))
	for _, sent := range w.sendGrid.Requests() {
		require.Equal(t, "sendgrid-sso-integration/e2e", sent.Header.Get("User-Agent"))
	}

	lines := requestLines(t, f)
	require.Len(t, lines, 2, "one line for each invocation")
	require.Equal(t, true, lines[0]["cold_start"])
	require.Equal(t, false, lines[1]["cold_start"])
	require.Equal(t, "created", lines[0]["outcome"])
	require.Equal(t, "direct", lines[0]["trigger"])
	require.Equal(t, "urn:first", lines[0]["entity_id"])
	require.Equal(t, first.Integration.ID, lines[0]["integration_id"])
	require.EqualValues(t, 2, lines[0]["upstream_calls"])
	require.EqualValues(t, 1, lines[1]["upstream_calls"])
	require.Equal(t, "8476a536-e9f4-11e8-9739-2dfe598c3fcd", lines[0]["requestId"])
	require.Contains(t, lines[0], "duration_ms")
	require.Equal(t, 1, strings.Count(f.Log(), `"version":"e2e"`), "the start is one line, with the version")
	require.Equal(t, "sendgrid-sso-integration/e2e", w.sendGrid.Requests()[0].Header.Get("User-Agent"))
}

// requestLines returns the log lines that sum up a request.
func requestLines(t *testing.T, f *lambdatest.Function) (lines []map[string]any) {
	t.Helper()
	for line := range strings.Lines(f.Log()) {
		var fields map[string]any
		if json.Unmarshal([]byte(line), &fields) == nil && fields["trigger"] != nil && fields["_aws"] == nil {
			lines = append(lines, fields)
		}
	}
	return lines
}

func TestRotatedKeyIsPickedUp(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	f := w.start(t)
	require.Equal(t, "created", resultOf(t, f.Invoke(requestFor("urn:before"), timeout).Body).Outcome)

	w.sendGrid.SetKeys("SG.rotated")
	w.secrets.Put("sso/key", `{"api_key":"SG.rotated"}`)
	require.Equal(t, "created", resultOf(t, f.Invoke(requestFor("urn:after"), timeout).Body).Outcome)
	require.Equal(t, 2, w.secrets.Calls())

	// A key that was revoked without a successor is asked for once more, and not again.
	w.sendGrid.SetKeys("SG.nobody-has-this")
	require.Equal(t, "SendGridUnauthorized", f.Invoke(requestFor("urn:revoked"), timeout).ErrorType())
	require.Equal(t, 3, w.secrets.Calls())
}

func TestMissingSecretIsNamedAndRecovered(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.env["SENDGRID_API_KEY_SECRET_ID"] = "sso/later"
	f := w.start(t)
	require.Equal(t, "SecretUnavailable", f.Invoke(requestFor("urn:a"), timeout).ErrorType())
	require.Contains(t, f.Log(), "sso/later")

	w.secrets.Put("sso/later", apiKey)
	require.Equal(t, "created", resultOf(t, f.Invoke(requestFor("urn:a"), timeout).Body).Outcome)
}

func TestResponseComesBeforeTheDeadline(t *testing.T) {
	t.Parallel()
	for name, fault := range map[string]sendgridtest.Fault{
		"list hangs":                 {Op: sendgrid.OpListIntegrations, Times: -1, Delay: time.Minute},
		"create hangs":               {Op: sendgrid.OpCreateIntegration, Times: -1, Delay: time.Minute},
		"create commits, then hangs": {Op: sendgrid.OpCreateIntegration, Times: -1, Delay: time.Minute, Commit: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.sendGrid.Script(fault)
			f := w.start(t)
			deadline := time.Now().Add(4 * time.Second)
			response := f.Invoke(requestFor("urn:slow"), time.Until(deadline))
			require.True(t, response.At.Before(deadline))
			require.LessOrEqual(t, w.sendGrid.Count(sendgrid.OpCreateIntegration), 1)
			switch {
			case fault.Op == sendgrid.OpListIntegrations:
				require.Equal(t, "DeadlineExceeded", response.ErrorType())
			case fault.Commit:
				require.Equal(t, "created", resultOf(t, response.Body).Outcome)
			default:
				require.Equal(t, "OutcomeUnknown", response.ErrorType())
			}
		})
	}
}

func TestSIGTERMEndsAnIdleFunction(t *testing.T) {
	t.Parallel()
	f := newWorld(t).start(t)
	require.NoError(t, f.Process().Signal(syscall.SIGTERM))
	select {
	case <-f.Exited():
	case <-time.After(2 * time.Second): // As long as Lambda waits.
		require.FailNow(t, "the function does not end")
	}
}

// The runtime library logs a function error on its own, and it is JSON like every other line.
func TestEveryLineIsJSON(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.env["SENDGRID_API_KEY_SECRET_ID"] = "sso/missing"
	f := w.start(t)
	require.Equal(t, "InvalidRequest", f.Invoke([]byte(`{"name":""}`), timeout).ErrorType())
	requireJSON(t, f, `\"errorType\":\"InvalidRequest\"`)

	w.env["SENDGRID_REGION"] = "mars"
	f = bootstrap.Start(t, w.env)
	require.Error(t, <-f.Exited())
	requireJSON(t, f, "SENDGRID_REGION")
}

// requireJSON requires that every line of a function's output is a JSON object, and that one
// contains a text.
func requireJSON(t *testing.T, f *lambdatest.Function, text string) {
	t.Helper()
	require.Contains(t, f.Log(), text)
	for line := range strings.Lines(f.Log()) {
		var object map[string]any
		require.NoError(t, json.Unmarshal([]byte(line), &object), line)
	}
}

func TestBadConfigurationIsOneMessage(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	env := maps.Clone(w.env)
	env["SENDGRID_API_KEY_SECRET_ID"] = ""
	env["SENDGRID_REGION"] = "mars"
	env["SENDGRID_BASE_URL"] = "http://api.example.com"
	env["API_KEY_TTL"] = "soon"
	f := bootstrap.Start(t, env)
	require.Error(t, <-f.Exited(), "it ends with a status other than zero")
	logs := f.Log()
	require.Equal(t, 1, strings.Count(logs, "\n"), "one line: %s", logs)
	for _, name := range []string{"SENDGRID_API_KEY_SECRET_ID", "SENDGRID_REGION", "SENDGRID_BASE_URL", "API_KEY_TTL"} {
		require.Contains(t, logs, name)
	}
}
