package main_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httputil"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"sendgrid-sso-integration/internal/audit"
	"sendgrid-sso-integration/internal/lambdatest"
	"sendgrid-sso-integration/internal/ledger/dynalite"
	"sendgrid-sso-integration/internal/provision"
	"sendgrid-sso-integration/internal/status"
	"sendgrid-sso-integration/sendgrid"
	"sendgrid-sso-integration/sendgrid/sendgridtest"
)

// statusTime is within what a status is reported, whatever hangs.
const statusTime = 10 * time.Second

// statusWorld is a world with everything that a status is about.
type statusWorld struct {
	crashWorld
	bus   *lambdatest.EventBus
	queue *sqsQueue
}

func newStatusWorld(t *testing.T, db dynalite.Server) statusWorld {
	t.Helper()
	w := statusWorld{crashWorld: newCrashWorld(t, db)}
	w.bus, w.queue = w.withDeadLetters(t)
	w.env["EVENT_QUEUE_URL"] = w.env["AWS_ENDPOINT_URL_SQS"] + "/123456789012/events"
	return w
}

// reportOf reads a report, which has nothing that is not documented, and no secret.
func reportOf(t *testing.T, body []byte) (r status.Report) {
	t.Helper()
	decoder := json.NewDecoder(bytes.NewReader(body))
	decoder.DisallowUnknownFields()
	require.NoError(t, decoder.Decode(&r), "%s", body)
	requireNoSecret(t, string(body))
	return r
}

// reportIn returns the report in a response, which may be one to an HTTP request.
func reportIn(t *testing.T, response lambdatest.Reply) status.Report {
	t.Helper()
	require.False(t, response.Failed, "%s", response.Body)
	var gateway struct{ Body string }
	if json.Unmarshal(response.Body, &gateway) == nil && gateway.Body != "" {
		return reportOf(t, []byte(gateway.Body))
	}
	return reportOf(t, response.Body)
}

// requireNoSecret requires that a text has neither the API key nor a webhook secret.
func requireNoSecret(t *testing.T, text string) {
	t.Helper()
	require.NotContains(t, text, apiKey)
	var secrets map[string]string
	readJSON(t, "../../events/local.webhook-secret.json", &secrets)
	for _, secret := range secrets {
		require.NotContains(t, text, secret)
	}
}

// status asks a function for its status. It is a report, in time, whatever is wrong, and the log says why.
func (w statusWorld) status(t *testing.T, f *lambdatest.Function) (r status.Report) {
	t.Helper()
	start := time.Now()
	reply := f.Invoke([]byte(`{"status":{}}`), 28*time.Second)
	require.Less(t, reply.At.Sub(start), statusTime)
	require.False(t, reply.Failed, "%s", reply.Body)
	r = reportOf(t, reply.Body)
	require.Equal(t, "e2e", r.Version)
	require.Equal(t, len(failing(r)) == 0, r.OK)
	requireNoSecret(t, f.Log())
	requireJSON(t, f, `"message":"status reported"`)
	for _, name := range failing(r) {
		require.Contains(t, f.Log(), `"check":"`+name+`"`)
	}
	return r
}

// failing returns the names of the checks that are not ok.
func failing(r status.Report) []string {
	names := []string{}
	for _, c := range r.Checks {
		if !c.OK {
			names = append(names, c.Name)
		}
	}
	return names
}

// messageOf returns what a check found.
func messageOf(t *testing.T, r status.Report, name string) string {
	t.Helper()
	for _, c := range r.Checks {
		if c.Name == name {
			return c.Message
		}
	}
	require.FailNow(t, "there is no such check", name)
	return ""
}

// Each setup that is broken is reported by the checks that it breaks, with what to do, and by no others. What
// cannot be known for that reason points there.
func TestStatusOfBrokenSetUps(t *testing.T) {
	t.Parallel()
	db := dynalite.Start(t)
	key := []string{"api_key", "scopes"} // The scopes are not known without the key.
	for name, tt := range map[string]struct {
		breaks func(statusWorld)
		want   []string
		say    string // what the first of them says
	}{
		"the secret is empty": {func(w statusWorld) { w.secrets.Put("sso/key", "") }, key,
			"The secret with the SendGrid API key is empty; store a value in it. The output PutApiKeyCommand puts a key into it."},
		"the secret is no key": {func(w statusWorld) { w.secrets.Put("sso/key", `{"key":"x"}`) }, key, `is JSON but has no "api_key" field.`},
		"the secret is missing": {func(w statusWorld) { w.env["SENDGRID_API_KEY_SECRET_ID"] = "sso/later" }, key,
			"does not exist in this account and region or has no value yet; create it or correct its name."},
		"the secret is forbidden": {func(w statusWorld) {
			w.env["WEBHOOK_SECRET_ID"] = ""
			w.secrets.Fail(1000, http.StatusBadRequest, "AccessDeniedException")
		}, key, "may not be read; allow secretsmanager:GetSecretValue on it"},
		"the key is revoked": {func(w statusWorld) { w.sendGrid.SetKeys("SG.another") }, key, "SendGrid does not accept the API key"},
		"IP access management": {func(w statusWorld) {
			w.sendGrid.Script(sendgridtest.Fault{Times: -1, Status: 401, Body: `{"errors":[{"field":null,"message":"The requestor's IP Address is not whitelisted"}]}`})
		}, key, "IP Access Management, and a function has no fixed address without a NAT gateway"},
		"a scope is missing": {func(w statusWorld) { w.sendGrid.SetScopes(apiKey, sendgrid.ScopeRead, sendgrid.ScopeCreate) }, []string{"scopes"},
			"The API key lacks sso.settings.update, which if_exists: update, restore and state: absent need."},
		"the scope of deletions": {func(w statusWorld) {
			w.env["DELETE_AFTER"] = "14d"
			w.sendGrid.SetScopes(apiKey, sendgrid.ScopeRead, sendgrid.ScopeCreate, sendgrid.ScopeUpdate)
		}, []string{"scopes"}, "The API key lacks sso.settings.delete, which DELETE_AFTER needs."},
		"the plan has no SSO": {func(w statusWorld) {
			var scopes []string
			for i := range 60 {
				scopes = append(scopes, fmt.Sprintf("mail.%d", i))
			}
			w.sendGrid.SetScopes(apiKey, scopes...)
		}, []string{"scopes"}, "The API key has 60 scopes and none of SSO's, so the account's plan most likely does not include SSO."},
		"SendGrid hangs": {func(w statusWorld) { w.sendGrid.Script(sendgridtest.Fault{Times: -1, Delay: time.Minute}) }, key,
			"This check did not end within 8s. SendGrid could not be asked about the API key."},
		"SendGrid is down": {func(w statusWorld) { w.sendGrid.Script(sendgridtest.Fault{Times: -1, Status: 503}) }, key, "SendGrid could not be asked about the API key."},
		"the list fails": {func(w statusWorld) {
			w.sendGrid.Script(sendgridtest.Fault{Op: sendgrid.OpListIntegrations, Times: -1, Status: 500})
		}, []string{"integrations"}, "The integrations could not be listed"},
		"the table is missing": {func(w statusWorld) { w.env["LEDGER_TABLE"] = "missing" }, []string{"ledger", "audit"},
			"The table of LEDGER_TABLE does not exist in this account and region. Correct LEDGER_TABLE, or restore it from its backup: an empty table forgets every connection."},
		"the bus is missing": {func(w statusWorld) { w.bus.Delete() }, []string{"event_bus"}, "The event bus of EVENT_BUS_NAME does not exist in this account and region."},
		"the queues are missing": {func(w statusWorld) { w.queue.refuse = 1000 }, []string{"event_queue", "dead_letter_queue"},
			"The queue of EVENT_QUEUE_URL does not exist in this account and region."},
		"dead letters": {func(w statusWorld) {
			for range 3 {
				w.queue.take(sqsMessage{QueueURL: w.env["DEAD_LETTER_QUEUE_URL"], MessageBody: "{}"})
			}
		}, []string{"dead_letter_queue"}, "Messages in the dead-letter queue: 3."},
		"the webhook secret is malformed": {func(w statusWorld) { w.secrets.Put("sso/webhook", "not JSON") }, []string{"webhook_secret"},
			`The webhook secret is not a JSON object such as {"bearer": "…"}.`},
		"the webhook secret is too short": {func(w statusWorld) { w.secrets.Put("sso/webhook", `{"bearer":"short"}`) }, []string{"webhook_secret"},
			"The webhook secret has no usable key, so every webhook is refused."},
		"the webhook secret is missing": {func(w statusWorld) { w.env["WEBHOOK_SECRET_ID"] = "sso/later" }, []string{"webhook_secret"}, "The webhook secret does not exist"},
		"much": {func(w statusWorld) {
			w.sendGrid.SetKeys("SG.another")
			w.bus.Delete()
			w.env["LEDGER_TABLE"] = "missing"
		}, []string{"api_key", "scopes", "event_bus", "ledger", "audit"}, "SendGrid does not accept the API key"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newStatusWorld(t, db)
			tt.breaks(w)
			r := w.status(t, w.start(t))
			require.Equal(t, tt.want, failing(r))
			require.Contains(t, messageOf(t, r, tt.want[0]), tt.say)
		})
	}
}

// Nothing that hangs keeps a report from being one, not even everything.
func TestStatusWhileEverythingHangs(t *testing.T) {
	t.Parallel()
	w := newStatusWorld(t, dynalite.Start(t))
	hanging := lambdatest.Serve(t, http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body) // Only then does the server notice that the caller is gone.
		<-r.Context().Done()
	}))
	for name := range w.env {
		if strings.HasPrefix(name, "AWS_ENDPOINT_URL") || name == "SENDGRID_BASE_URL" {
			w.env[name] = hanging
		}
	}
	r := w.status(t, w.start(t))
	require.ElementsMatch(t, []string{"api_key", "scopes", "event_bus", "event_queue", "dead_letter_queue", "webhook_secret", "ledger", "audit"}, failing(r))
	for _, name := range []string{"api_key", "event_bus", "event_queue", "dead_letter_queue", "webhook_secret", "ledger"} {
		require.Contains(t, messageOf(t, r, name), " could not be read", name)
		require.Contains(t, messageOf(t, r, name), " Run the status again; if that persists", name)
	}
	require.Empty(t, r.Connections)
}

// A warm function reports what is the case now: also of secrets that it has cached.
func TestStatusOfAWarmFunction(t *testing.T) {
	t.Parallel()
	w := newStatusWorld(t, dynalite.Start(t))
	f := w.start(t)
	require.Empty(t, failing(w.status(t, f)))
	w.secrets.Put("sso/key", "two words")
	w.secrets.Put("sso/webhook", "not JSON")
	require.Equal(t, []string{"api_key", "scopes", "webhook_secret"}, failing(w.status(t, f)))
	w.sendGrid.SetKeys("SG.next")
	w.secrets.Put("sso/key", "SG.next")
	require.Equal(t, []string{"webhook_secret"}, failing(w.status(t, f)))
}

// A function that is well says so, and what an audit found before, also in a process that is new.
func TestStatusOfAHealthyFunction(t *testing.T) {
	t.Parallel()
	w := newAuditWorld(t, dynalite.Start(t), nil)
	one, two := w.connect(t, "urn:one", 9), w.connect(t, "urn:two", 400)
	hand := w.addByHand("urn:hand")
	began := time.Now().Add(-time.Second)
	w.audit(t)
	twin := w.addByHand("urn:two")
	nameless := w.addByHand("")

	s := statusWorld{w.crashWorld, w.bus, w.queue}
	for _, f := range []*lambdatest.Function{w.f, w.start(t)} {
		writes := w.writes()
		r := s.status(t, f)
		require.Empty(t, failing(r))
		require.WithinRange(t, r.Audited, began, time.Now())
		require.Equal(t, writes, w.writes(), "it changes nothing")
		require.Equal(t, "Webhooks are accepted by api_key, authorization, bearer, github, jira.", messageOf(t, r, "webhook_secret"))
		require.Equal(t, "The ledger can be read. Connections whose request it keeps: 2.", messageOf(t, r, "ledger"))
		require.Contains(t, messageOf(t, r, "saml_metadata_hosts"), "*.okta.com")

		require.Len(t, r.Connections, 3)
		byEntity := map[string]audit.Connection{}
		for _, c := range r.Connections {
			require.True(t, c.Enabled)
			require.WithinRange(t, c.Audited, began, time.Now())
			byEntity[c.EntityID] = c
		}
		first := byEntity["urn:one"]
		require.Equal(t, one.ID, first.IntegrationID)
		require.Equal(t, "IdP", first.Name)
		require.Equal(t, audit.Managed, first.State)
		require.Equal(t, new(8), first.DaysLeft)
		require.True(t, first.Has(provision.CertificateExpiresSoon))
		second := byEntity["urn:two"]
		require.Equal(t, two.ID, second.IntegrationID)
		require.Equal(t, new(399), second.DaysLeft)
		require.Empty(t, second.Findings)
		third := byEntity["urn:hand"]
		require.Equal(t, hand.ID, third.IntegrationID)
		require.Equal(t, audit.Unmanaged, third.State)
		require.Nil(t, third.DaysLeft)
		require.True(t, third.Has(provision.NoCertificate))

		require.Len(t, r.Findings, 2, "they need no audit")
		require.Equal(t, provision.IntegrationIncomplete, r.Findings[0].Code)
		require.Equal(t, []string{nameless.ID}, r.Findings[0].IntegrationIDs)
		require.Equal(t, audit.DuplicateEntityID, r.Findings[1].Code)
		require.ElementsMatch(t, []string{two.ID, twin.ID}, r.Findings[1].IntegrationIDs)
	}
}

// Over HTTP the status needs an identity that the gateway knows; a webhook secret is none.
func TestStatusOverHTTP(t *testing.T) {
	t.Parallel()
	w := newStatusWorld(t, dynalite.Start(t))
	f := w.start(t)
	var event struct {
		StatusCode int
		Body       string
	}
	ask := func(sample string) {
		t.Helper()
		var request map[string]any
		readJSON(t, "../../events/"+sample, &request)
		request["rawPath"], request["body"] = "/sso/status", nil
		http := request["requestContext"].(map[string]any)["http"].(map[string]any)
		http["method"], http["path"] = "GET", "/sso/status"
		require.NoError(t, json.Unmarshal(f.Invoke(encode(t, request), timeout).Body, &event))
	}
	ask("http-api-iam.json")
	require.Equal(t, http.StatusOK, event.StatusCode, event.Body)
	require.Empty(t, failing(reportOf(t, []byte(event.Body))))
	ask("function-url.json")
	require.Equal(t, http.StatusOK, event.StatusCode, event.Body)
	ask("http-api-bearer.json")
	require.Equal(t, http.StatusUnauthorized, event.StatusCode, event.Body)
	require.Contains(t, event.Body, "A webhook secret does not read the status.")
}

// The status costs nothing before it is asked for: a process that starts only reads its key. Asked, it only
// reads.
func TestStatusActions(t *testing.T) {
	t.Parallel()
	db := dynalite.Start(t)
	w := newStatusWorld(t, db)
	endpoint, err := url.Parse(db.Endpoint)
	require.NoError(t, err)
	services := &lambdatest.AWS{Services: map[string]http.Handler{
		"secretsmanager": w.secrets, "events": w.bus, "sqs": w.queue, "dynamodb": httputil.NewSingleHostReverseProxy(endpoint),
	}}
	all := lambdatest.Serve(t, services)
	for name := range w.env {
		if strings.HasPrefix(name, "AWS_ENDPOINT_URL") {
			w.env[name] = all
		}
	}
	f := w.start(t)
	require.Equal(t, []string{"secretsmanager:GetSecretValue"}, services.Actions())
	require.Equal(t, 1, w.secrets.Calls())
	require.Empty(t, w.sendGrid.Requests())

	require.Empty(t, failing(w.status(t, f)))
	require.Equal(t, []string{"dynamodb:Scan", "events:DescribeEventBus", "secretsmanager:GetSecretValue", "sqs:GetQueueAttributes"}, services.Actions())
	for _, sent := range w.sendGrid.Requests() {
		require.Equal(t, http.MethodGet, sent.Method)
	}
	require.Equal(t, 1, w.sendGrid.Count(sendgrid.OpListScopes))
	require.Equal(t, 1, w.sendGrid.Count(sendgrid.OpListIntegrations))
}
