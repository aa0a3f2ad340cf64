package main_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"sendgrid-sso-integration/internal/entra/entratest"
	"sendgrid-sso-integration/internal/lambdatest"
	"sendgrid-sso-integration/internal/okta/oktatest"
	"sendgrid-sso-integration/internal/saml/samltest"
	"sendgrid-sso-integration/internal/secret/secrettest"
)

const (
	timeout  = 20 * time.Second
	appID    = "0oarecipeokta"
	entityID = "http://www.okta.com/exkrecipeokta"
	token    = "00-api-token-that-must-not-leak"
	acsURL   = "https://api.sendgrid.com/v3/public/sso/saml/response/id/b0b98502-9408-4b24-9e3d-31ed7cb15312"
)

var bootstrap = lambdatest.NewBootstrap(".")

func TestMain(m *testing.M) { os.Exit(bootstrap.Main(m)) }

// world is what surrounds the connector: Okta, Entra, Secrets Manager, EventBridge and STS, over
// HTTP. Entra is there and off until withEntra.
type world struct {
	okta    *oktatest.Server
	entra   *entratest.Server
	sts     *entratest.STS
	secrets *secrettest.Server
	bus     *lambdatest.EventBus
	env     map[string]string
	// afterOkta is called after each request to Okta was carried out and before its response is
	// complete.
	afterOkta func(*http.Request)
}

func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{okta: oktatest.New(), entra: entratest.New(tenantID), secrets: secrettest.New(), bus: &lambdatest.EventBus{}, afterOkta: func(*http.Request) {}}
	w.okta.SetTokens(token)
	w.secrets.Put("okta/credential", `{"api_token":"`+token+`"}`)
	w.env = map[string]string{
		"OKTA_ORG_URL": lambdatest.Serve(t, http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
			recorded := httptest.NewRecorder()
			w.okta.ServeHTTP(recorded, r)
			w.afterOkta(r)
			maps.Copy(rw.Header(), recorded.Header())
			rw.WriteHeader(recorded.Code)
			_, _ = rw.Write(recorded.Body.Bytes())
		})),
		"OKTA_CREDENTIAL_SECRET_ID":        "okta/credential",
		"EVENT_BUS_NAME":                   "requests",
		"APPLICATION_NAME_PREFIX":          "SendGrid",
		"AWS_ENDPOINT_URL_SECRETS_MANAGER": lambdatest.Serve(t, w.secrets),
		"AWS_ENDPOINT_URL_EVENTBRIDGE":     lambdatest.Serve(t, w.bus),
	}
	return w
}

// withEntra switches Entra on, with the function's AWS identity for a credential.
func (w *world) withEntra(t *testing.T) *world {
	t.Helper()
	var err error
	w.sts, err = entratest.NewSTS("https://issuer.tokens.sts.global.api.aws", "arn:aws:iam::123456789012:role/connector")
	require.NoError(t, err)
	w.entra.Trust(clientID, w.sts.Credential())
	w.entra.Put(entraApplication(t))
	url := lambdatest.Serve(t, w.entra)
	maps.Copy(w.env, map[string]string{
		"ENTRA_TENANT_ID": tenantID, "ENTRA_CLIENT_ID": clientID, "ENTRA_APPLICATION_IDS": entraApp,
		"ENTRA_LOGIN_URL": url, "GRAPH_URL": url, "AWS_ENDPOINT_URL_STS": lambdatest.Serve(t, w.sts),
	})
	return w
}

// withoutOkta switches Okta off.
func (w *world) withoutOkta() *world {
	delete(w.env, "OKTA_ORG_URL")
	delete(w.env, "OKTA_CREDENTIAL_SECRET_ID")
	return w
}

func (w *world) start(t *testing.T) *lambdatest.Function {
	t.Helper()
	f := bootstrap.Start(t, w.env)
	f.Ready()
	return f
}

// sent returns the requests to Okta, as method and path.
func (w *world) sent() (calls []string) {
	for _, r := range w.okta.Requests() {
		calls = append(calls, r.Method+" "+r.Path)
	}
	return calls
}

// oktaShape is the form of the metadata that Okta publishes.
func oktaShape(t *testing.T) samltest.Shape {
	t.Helper()
	return shape(t, "Okta")
}

func shape(t *testing.T, name string) samltest.Shape {
	t.Helper()
	shapes := samltest.Shapes()
	i := slices.IndexFunc(shapes, func(s samltest.Shape) bool { return s.Name == name })
	require.GreaterOrEqual(t, i, 0)
	return shapes[i]
}

// metadata is what Okta publishes of an application.
func metadata(t *testing.T) []byte {
	t.Helper()
	return oktaShape(t).Build(samltest.Params{EntityID: entityID, SigninURL: "https://example.okta.com/app/sendgrid/exkrecipeokta/sso/saml"})
}

// application is an application with some fields that this program does not know.
func application(t *testing.T) string {
	t.Helper()
	return string(read(t, "testdata/application.json"))
}

func read(t *testing.T, file string) []byte {
	t.Helper()
	data, err := os.ReadFile(file)
	require.NoError(t, err)
	return data
}

func sample(t *testing.T, name string) []byte {
	t.Helper()
	return read(t, "../../events/okta/"+name+".json")
}

// queued returns events as messages of the queue, with ids from 0 on.
func queued(t *testing.T, events ...[]byte) []byte {
	t.Helper()
	var records []any
	for i, event := range events {
		records = append(records, map[string]any{"messageId": fmt.Sprint(i), "body": string(event), "eventSource": "aws:sqs"})
	}
	payload, err := json.Marshal(map[string]any{"Records": records})
	require.NoError(t, err)
	return payload
}

const (
	allProcessed = `{"batchItemFailures":[]}`
	firstFailed  = `{"batchItemFailures":[{"itemIdentifier":"0"}]}`
)

// lines returns the function's log, whose every line is JSON.
func lines(t *testing.T, f *lambdatest.Function) (all []map[string]any) {
	t.Helper()
	for line := range strings.Lines(f.Log()) {
		var fields map[string]any
		require.NoError(t, json.Unmarshal([]byte(line), &fields), line)
		all = append(all, fields)
	}
	return all
}

// processed returns the lines about events.
func processed(t *testing.T, f *lambdatest.Function) []map[string]any {
	t.Helper()
	return slices.DeleteFunc(lines(t, f), func(line map[string]any) bool { return line["message"] != "event processed" })
}

// metric returns the sum of a metric, 0 if it was not reported.
func metric(t *testing.T, f *lambdatest.Function, name string) (sum float64) {
	t.Helper()
	for _, line := range lines(t, f) {
		if value, ok := line[name].(float64); ok && line["_aws"] != nil {
			sum += value
		}
	}
	return sum
}
