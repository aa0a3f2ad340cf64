package main

import (
	"context"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"
	"github.com/stretchr/testify/require"

	"sendgrid-sso-integration/sendgrid"
)

var (
	curlURL    = regexp.MustCompile(`'?(http://[^' ]+)'? ?`)
	curlHeader = regexp.MustCompile(`-H '([^:']+): ([^']+)'`)
	curlData   = regexp.MustCompile(`-d '([^']+)'`)
)

// curlOf returns the curl command in what was printed.
func curlOf(t *testing.T, printed string) string {
	t.Helper()
	_, command, found := strings.Cut(printed, "curl ")
	require.True(t, found, printed)
	command, _, _ = strings.Cut(command, "\n\n")
	return "curl " + command
}

// perform sends the request that a curl command stands for.
func perform(t *testing.T, curl string, change func(*http.Request)) (*http.Response, string) {
	t.Helper()
	method, body := http.MethodGet, ""
	if data := curlData.FindStringSubmatch(curl); data != nil {
		method, body = http.MethodPost, data[1]
	}
	r, err := http.NewRequestWithContext(t.Context(), method, curlURL.FindStringSubmatch(curl)[1], strings.NewReader(body))
	require.NoError(t, err)
	for _, header := range curlHeader.FindAllStringSubmatch(curl, -1) {
		r.Header.Set(header[1], header[2])
	}
	change(r)
	response, err := http.DefaultClient.Do(r)
	require.NoError(t, err)
	t.Cleanup(func() { _ = response.Body.Close() })
	text, err := io.ReadAll(response.Body)
	require.NoError(t, err)
	return response, string(text)
}

func unchanged(*http.Request) {}

// paste runs a curl command in a shell, as if it were pasted into a terminal.
func paste(t *testing.T, curl string) string {
	t.Helper()
	if _, err := exec.LookPath("curl"); err != nil {
		t.Skip("there is no curl here")
	}
	command := exec.CommandContext(t.Context(), "bash", "-c", curl)
	command.Env = append(os.Environ(), "NO_PROXY=*")
	output, err := command.Output()
	require.NoError(t, err)
	return string(output)
}

func TestServe(t *testing.T) {
	atRoot(t)
	var lines, logs output
	printed := background(t, "Ctrl-C", func(ctx context.Context, out io.Writer) error {
		return run(ctx, []string{"serve", "-port", "0"}, noEnvironment, noInput{}, io.MultiWriter(&lines, out), &logs)
	})
	curl := curlOf(t, printed)
	require.Contains(t, printed, "The HTTP API is at http://127.0.0.1:")
	require.Regexp(t, `teammates go to http://127.0.0.1:\d+/sso/teammates`, printed)
	require.NotContains(t, printed, sampleBearer, "the secret is made for this run")

	response, body := perform(t, curl, func(r *http.Request) { r.Header.Del("Authorization") })
	require.Equal(t, http.StatusUnauthorized, response.StatusCode)
	require.Equal(t, "Bearer", response.Header.Get("WWW-Authenticate"))
	require.Contains(t, body, "Unauthenticated")
	response, _ = perform(t, curl, func(r *http.Request) { r.Header.Set("Authorization", "Bearer "+sampleBearer) })
	require.Equal(t, http.StatusUnauthorized, response.StatusCode)

	response, body = perform(t, curl, unchanged)
	require.Equal(t, http.StatusCreated, response.StatusCode, body)
	require.Contains(t, body, `"outcome":"created"`)
	require.Contains(t, body, `"metadata":{"ticket":"OPS-1"}`)
	response, body = perform(t, curl, unchanged)
	require.Equal(t, http.StatusOK, response.StatusCode, body)

	response, body = perform(t, curl, func(r *http.Request) {
		r.URL.Path = teammatesWebhooksPath
		text := `{"teammate":{"email":"mary@example.com","first_name":"Mary","last_name":"Jackson","persona":"observer"}}`
		r.Body, r.ContentLength = io.NopCloser(strings.NewReader(text)), int64(len(text))
	})
	require.Equal(t, http.StatusCreated, response.StatusCode, body)

	for _, path := range []string{"/", "/sso"} {
		response, body := perform(t, curl, func(r *http.Request) { r.URL.Path = path })
		require.Equal(t, http.StatusNotFound, response.StatusCode)
		require.Equal(t, "application/problem+json", response.Header.Get("Content-Type"))
		require.Contains(t, body, `"detail":"There is nothing at POST `+path+`. This server has POST /sso/integrations, POST /sso/teammates, `+
			`POST /webhooks/sso/integrations, POST /webhooks/sso/teammates, GET /sso/status, and the page at /."`)
		require.True(t, strings.HasSuffix(body, "}\n"), "the prompt comes on a line of its own")
	}

	_, after, _ := strings.Cut(lines.String(), "Ctrl-C ends it.\n\n")
	require.Regexp(t, `^\d\d:\d\d:\d\d  401  Unauthenticated       -  request [A-Z2-7]+
\d\d:\d\d:\d\d  401  Unauthenticated       -  request [A-Z2-7]+
\d\d:\d\d:\d\d  201  created               http://www.okta.com/exkcurl  request [A-Z2-7]+
\d\d:\d\d:\d\d  200  unchanged             http://www.okta.com/exkcurl  request [A-Z2-7]+
\d\d:\d\d:\d\d  201  created               mary@example.com  request [A-Z2-7]+
$`, after)
	require.Contains(t, after, "request "+response.Header.Get("X-Request-Id")+"\n", "the id that the caller got")
	token := curlHeader.FindStringSubmatch(curl)[2]
	require.NotContains(t, after+logs.String(), strings.TrimPrefix(token, "Bearer "))
	require.NotContains(t, after+logs.String(), apiKey)
	require.Empty(t, logs.String(), "without -v")

	t.Run("paste", func(t *testing.T) {
		output := paste(t, curl)
		require.Contains(t, output, "HTTP/1.1 200 OK")
		require.Contains(t, output, `"outcome":"unchanged"`)
		require.True(t, strings.HasSuffix(output, "}\n"), "the prompt comes on a line of its own")
	})
}

func TestPortIsTaken(t *testing.T) {
	atRoot(t)
	listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", ":0")
	require.NoError(t, err)
	defer func() { _ = listener.Close() }()
	_, port, err := net.SplitHostPort(listener.Addr().String())
	require.NoError(t, err)
	var out, logs output
	err = run(t.Context(), []string{"simulator", "-port", port}, noEnvironment, noInput{}, &out, &logs)
	require.ErrorContains(t, err, "address already in use")
	require.ErrorContains(t, err, "another port: PORT=")
	require.Empty(t, out.String())
}

// TestSimulator calls both services on the one port, each with its real client.
func TestSimulator(t *testing.T) {
	atRoot(t)
	requests := &output{}
	printed := background(t, "Ctrl-C", func(ctx context.Context, out io.Writer) error {
		return run(ctx, []string{"simulator", "-port", "0"}, noEnvironment, noInput{}, io.MultiWriter(requests, out), &output{})
	})
	curl := curlOf(t, printed)
	response, body := perform(t, curl, unchanged)
	require.Equal(t, http.StatusOK, response.StatusCode, body)
	require.Contains(t, body, "http://www.okta.com/exkexisting")

	url := "http://" + response.Request.URL.Host
	secrets := secretsmanager.NewFromConfig(aws.Config{
		Region: "us-east-1", BaseEndpoint: &url, RetryMaxAttempts: 1,
		Credentials: aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
			return aws.Credentials{AccessKeyID: "AKID", SecretAccessKey: "test"}, nil
		}),
	})
	sample, err := sampleSecret()
	require.NoError(t, err)
	for id, want := range map[string]string{
		apiKeySecretID:  `{"api_key": "` + apiKey + `"}`,
		webhookSecretID: sample,
	} {
		got, err := secrets.GetSecretValue(t.Context(), &secretsmanager.GetSecretValueInput{SecretId: &id})
		require.NoError(t, err)
		require.JSONEq(t, want, aws.ToString(got.SecretString))
	}

	client := &sendgrid.Client{Keys: fixedKey(apiKey), BaseURL: url}
	created, err := client.CreateIntegration(t.Context(), sendgrid.IntegrationRequest{
		Name: "x", Enabled: true, SigninURL: "https://x.example.com", EntityID: "urn:x",
	})
	require.NoError(t, err)
	list, err := client.ListIntegrations(t.Context())
	require.NoError(t, err)
	require.Len(t, list, 4)
	require.Equal(t, created.ID, list[3].ID)
	_, err = (&sendgrid.Client{Keys: fixedKey("SG.another"), BaseURL: url}).ListIntegrations(t.Context())
	require.ErrorContains(t, err, "401")

	_, after, _ := strings.Cut(requests.String(), "Ctrl-C ends it.\n\n")
	for _, line := range []string{
		"200  GET /v3/sso/integrations\n", "200  secretsmanager.GetSecretValue\n", "200  POST /v3/sso/integrations\n", "401  GET /v3/sso/integrations\n",
	} {
		require.Contains(t, after, line)
	}
	require.Equal(t, 6, strings.Count(after, "\n"))
	require.NotContains(t, after, "SG.", "no credentials")

	t.Run("paste", func(t *testing.T) {
		require.Contains(t, paste(t, curl), created.ID)
	})
}

// The files that "sam local" is given agree with the secrets of the simulator.
func TestEnvironmentOfSAMAgrees(t *testing.T) {
	atRoot(t)
	data, err := os.ReadFile("events/local.env.json")
	require.NoError(t, err)
	require.Contains(t, string(data), `"SENDGRID_API_KEY_SECRET_ID": "`+apiKeySecretID+`"`)
	require.Contains(t, string(data), `"WEBHOOK_SECRET_ID": "`+webhookSecretID+`"`)
	require.Contains(t, string(data), `"SENDGRID_BASE_URL": "http://host.docker.internal:8089"`, "the port is the default one")
}
