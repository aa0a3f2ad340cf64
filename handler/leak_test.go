package handler_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"
	"github.com/stretchr/testify/require"

	"sendgrid-sso-integration/handler"
	"sendgrid-sso-integration/internal/auth"
	"sendgrid-sso-integration/internal/delivery"
	"sendgrid-sso-integration/internal/ledger"
	"sendgrid-sso-integration/internal/problem"
	"sendgrid-sso-integration/internal/provision"
	"sendgrid-sso-integration/internal/publish"
	"sendgrid-sso-integration/internal/secret"
	"sendgrid-sso-integration/internal/telemetry"
	"sendgrid-sso-integration/sendgrid"
	"sendgrid-sso-integration/sendgrid/sendgridtest"
)

// Every text that must not get out contains this word. Metadata is not among them: it is
// repeated in the log, in the response and in the event.
const (
	leak         = "LEAK5417"
	leakyKey     = "SG." + leak + ".api-key"
	leakyBearer  = leak + "-bearer-secret"
	leakyGuess   = leak + "-somebody-guessed"
	leakyRequest = `{"name":"` + leak + `","enabled":true,"signin_url":"https://idp.example.com/` + leak + `","signout_url":"","entity_id":"urn:idp:1","metadata":{"ticket":"OPS-1"}}`
)

// secretsManager holds one text, or fails.
type secretsManager struct {
	text string
	err  error
}

func (s secretsManager) GetSecretValue(
	context.Context, *secretsmanager.GetSecretValueInput, ...func(*secretsmanager.Options),
) (*secretsmanager.GetSecretValueOutput, error) {
	return &secretsmanager.GetSecretValueOutput{SecretString: aws.String(s.text), VersionId: aws.String("1")}, s.err
}

// leaky is the function with its real parts, of which one fails.
type leaky struct {
	key, bearer secretsManager
	ledger      provision.Ledger
	network     *sendgridtest.Network
}

func newLeaky(network *sendgridtest.Network) *leaky {
	return &leaky{
		key: secretsManager{text: leakyKey}, bearer: secretsManager{text: `{"bearer":"` + leakyBearer + `"}`},
		ledger: &ledger.Memory{}, network: network,
	}
}

func (l *leaky) fixture() fixture {
	log := &logBuffer{}
	logger := slog.New(slog.NewJSONHandler(log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	client := &sendgrid.Client{
		Keys: secret.NewAPIKey(l.key, "sso/key", secret.Options{Logger: logger}), HTTP: l.network.HTTPClient(), OnCall: delivery.CountCall,
	}
	return fixture{log: log, Handler: &handler.Handler{
		Observers: []handler.Observer{telemetry.Log{Logger: logger}, &telemetry.Metrics{Out: log, FunctionName: "sso"}},
		Publisher: &publish.Publisher{API: bus{log}, Bus: "bus"},
		Provisioner: &provision.Provisioner{
			SendGrid: client, Ledger: l.ledger, Account: []string{"x"}, Logger: logger,
		},
		Verifier:       auth.NewVerifier(l.bearer, "sso/webhook", time.Minute, logger),
		IntegrationURL: client.IntegrationURL,
		Logger:         logger,
	}}
}

// bus is an event bus that puts its events into the log, without the request in them:
// whoever may read the bus may read that.
type bus struct{ log *logBuffer }

func (b bus) PutEvents(_ context.Context, in *eventbridge.PutEventsInput, _ ...func(*eventbridge.Options)) (*eventbridge.PutEventsOutput, error) {
	for _, entry := range in.Entries {
		var detail map[string]json.RawMessage
		if err := json.Unmarshal([]byte(aws.ToString(entry.Detail)), &detail); err != nil {
			return nil, err
		}
		delete(detail, "request")
		delete(detail, "integration")
		if err := json.NewEncoder(b.log).Encode(detail); err != nil {
			return nil, err
		}
	}
	return &eventbridge.PutEventsOutput{}, nil
}

// send has one event handled and returns all that anybody gets to see of it.
func (f fixture) send(t *testing.T, payload []byte) (response, logged string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 28*time.Second)
	defer cancel()
	data, err := f.Invoke(ctx, payload)
	return fmt.Sprintf("%s %v %+v %#v", data, err, err, err), f.log.String()
}

func webhookEvent(token string) []byte {
	header := http.Header{"content-type": {"application/json"}, "authorization": {"Bearer " + token}}
	return gateways["HTTP API"](httpCall{body: leakyRequest, header: header, unknown: true})
}

// echo responds with the caller's Authorization header, in every form that an error or a
// broken response can have.
var echo = map[string]func(w http.ResponseWriter, status int, auth string){
	"array": func(w http.ResponseWriter, status int, auth string) {
		respond(w, status, `[{"message":%q,"field":%[1]q,"error_id":%[1]q,"enabled":0}]`, auth)
	},
	"errors": func(w http.ResponseWriter, status int, auth string) {
		respond(w, status, `{"errors":[{"message":"got %s","field":null}]}`, auth)
	},
	"error":      func(w http.ResponseWriter, status int, auth string) { respond(w, status, `{"error":%q}`, auth) },
	"page":       func(w http.ResponseWriter, status int, auth string) { respond(w, status, `<html>%s</html>`, auth) },
	"number":     func(w http.ResponseWriter, status int, auth string) { respond(w, status, `{"last_updated":%q}`, auth) },
	"other type": func(w http.ResponseWriter, status int, auth string) { respond(w, status, `{"name":{%q:1}}`, auth) },
	"long": func(w http.ResponseWriter, status int, auth string) {
		respond(w, status, `{"error":%q}`, strings.Repeat(auth, 100))
	},
	"rate limit": func(w http.ResponseWriter, status int, auth string) {
		w.Header().Set("X-RateLimit-Reset", auth)
		respond(w, status, `%s`, auth)
	},
	"location": func(w http.ResponseWriter, _ int, auth string) {
		w.Header().Set("Location", "http://["+auth)
		respond(w, 302, `%s`, auth)
	},
	"status line": func(w http.ResponseWriter, _ int, auth string) { hijack(w, auth+"\r\n\r\n") },
	"header line": func(w http.ResponseWriter, _ int, auth string) { hijack(w, "HTTP/1.1 200 OK\r\n"+auth+"\r\n\r\n") },
	"cut off": func(w http.ResponseWriter, _ int, auth string) {
		hijack(w, "HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n"+auth)
	},
	"chunk length": func(w http.ResponseWriter, _ int, auth string) {
		hijack(w, "HTTP/1.1 400 Bad\r\nTransfer-Encoding: chunked\r\n\r\n"+auth+"\r\n")
	},
	"reason phrase": func(w http.ResponseWriter, _ int, auth string) {
		hijack(w, "HTTP/1.1 500 "+auth+"\r\nContent-Length: 0\r\n\r\n")
	},
}

func respond(w http.ResponseWriter, status int, format string, auth string) {
	w.WriteHeader(status)
	_, _ = fmt.Fprintf(w, format, auth) // If the client is gone, its test fails by itself.
}

// hijack sends what is no HTTP response.
func hijack(w http.ResponseWriter, text string) {
	conn, _, err := w.(http.Hijacker).Hijack()
	if err != nil {
		panic(err)
	}
	_, _ = io.WriteString(conn, text)
	_ = conn.Close()
}

// newLeakyNetwork leads to a SendGrid that responds to one method with an echo, and otherwise
// holds no integration and creates one. In a bubble no time passes while it is waited for.
func newLeakyNetwork(method string, status int, echo func(http.ResponseWriter, int, string)) *sendgridtest.Network {
	return sendgridtest.NewNetwork(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		auth := r.Header.Get("Authorization")
		switch r.Method {
		case method:
			echo(w, status, auth)
		case http.MethodGet:
			respond(w, http.StatusOK, `[]%.0s`, auth)
		default:
			respond(w, http.StatusOK, `{"id":"2f1c","single_signon_url":"https://sg.example.com/saml"}%.0s`, auth)
		}
	}))
}

func TestNothingLeaksFromSendGrid(t *testing.T) {
	t.Parallel()
	for _, method := range []string{http.MethodGet, http.MethodPost} {
		for _, status := range []int{200, 400, 401, 403, 404, 429, 500, 503} {
			for form, write := range echo {
				t.Run(fmt.Sprintf("%s/%d/%s", method, status, form), func(t *testing.T) {
					t.Parallel()
					synctest.Test(t, func(t *testing.T) {
						network := newLeakyNetwork(method, status, write)
						defer network.Close()
						for _, payload := range [][]byte{webhookEvent(leakyBearer), []byte(leakyRequest)} {
							response, logged := newLeaky(network).fixture().send(t, payload)
							require.NotContains(t, response, leak)
							require.NotContains(t, logged, leak)
							require.Contains(t, logged, `"code"`, "the request fails")
						}
					})
				})
			}
		}
	}
}

// TestNothingLeaksOnSuccess: what the caller gets back of its own request is no leak.
func TestNothingLeaksOnSuccess(t *testing.T) {
	t.Parallel()
	for name, payload := range map[string][]byte{"webhook": webhookEvent(leakyBearer), "direct": []byte(leakyRequest)} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				network := newLeakyNetwork("none", 0, nil)
				defer network.Close()
				response, logged := newLeaky(network).fixture().send(t, payload)
				require.Contains(t, response, "created")
				require.NotContains(t, response, leakyKey)
				require.NotContains(t, response, leakyBearer)
				// The log and the event say what was changed, and no more of the request.
				require.NotContains(t, changes.ReplaceAllString(logged, ""), leak)
			})
		})
	}
}

// changes are the changes in a log line or an event.
var changes = regexp.MustCompile(`"changes":\[[^\]]*\],`)

// TestNothingLeaksElsewhere is about everything around SendGrid that can fail.
func TestNothingLeaksElsewhere(t *testing.T) {
	t.Parallel()
	key := func(text string) func(*leaky) { return func(l *leaky) { l.key.text = text } }
	bearer := func(text string) func(*leaky) { return func(l *leaky) { l.bearer.text = text } }
	unchanged := func(*leaky) {}
	leakyTime := []byte(`{"detail-type":"x","source":"y","detail":` + goodRequest + `,"time":"` + leak + `"}`)
	tests := map[string]struct {
		change  func(*leaky)
		payload []byte
		code    problem.Code
	}{
		"SendGrid is gone":         {func(l *leaky) { l.network.FailDials(99, nil) }, []byte(leakyRequest), problem.SendGridUnavailable},
		"key unreachable":          {func(l *leaky) { l.key.err = errUpstream }, []byte(leakyRequest), problem.SecretUnavailable},
		"key of no text":           {key(`{"api_key":["` + leak + `"]}`), []byte(leakyRequest), problem.SecretUnavailable},
		"key in quotes":            {key(`"` + leak + `"`), []byte(leakyRequest), problem.SecretUnavailable},
		"key in broken JSON":       {key(`{"api_key":"` + leak), []byte(leakyRequest), problem.SecretUnavailable},
		"webhook unreachable":      {func(l *leaky) { l.bearer.err = errUpstream }, webhookEvent(leakyBearer), problem.SecretUnavailable},
		"webhook bare":             {bearer(leakyBearer), webhookEvent(leakyBearer), problem.SecretUnavailable},
		"webhook in broken JSON":   {bearer(`{"bearer":"` + leakyBearer), webhookEvent(leakyBearer), problem.SecretUnavailable},
		"webhook too short":        {bearer(`{"bearer":"` + leak + `"}`), webhookEvent(leak), problem.Unauthenticated},
		"wrong secret":             {unchanged, webhookEvent(leakyGuess), problem.Unauthenticated},
		"two secrets":              {unchanged, webhookEvent(leakyGuess + ",Bearer " + leakyBearer), problem.Unauthenticated},
		"no JSON":                  {unchanged, []byte(leak), problem.InvalidJSON},
		"cut off":                  {unchanged, []byte(`{"name":"` + leak), problem.InvalidJSON},
		"unknown field":            {unchanged, []byte(`{"name":"x","color":"` + leak + `"}`), problem.InvalidRequest},
		"broken rules":             {unchanged, []byte(strings.ReplaceAll(leakyRequest, "https:", leak+":")), problem.InvalidRequest},
		"time of an event":         {unchanged, leakyTime, problem.InvalidJSON},
		"time in a message":        {unchanged, batch(string(leakyTime)), problem.InvalidJSON},
		"a panic below":            {func(l *leaky) { l.ledger = nil }, []byte(leakyRequest), problem.Internal},
		"a panic below the bearer": {func(l *leaky) { l.ledger = nil }, webhookEvent(leakyBearer), problem.Internal},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				network := newLeakyNetwork("none", 0, nil)
				defer network.Close()
				l := newLeaky(network)
				test.change(l)
				response, logged := l.fixture().send(t, test.payload)
				require.NotContains(t, response, leak)
				require.NotContains(t, logged, leak)
				require.Contains(t, logged, `"code":"`+string(test.code)+`"`)
			})
		})
	}
}
