package main_test

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"sendgrid-sso-integration/internal/lambdatest"
	"sendgrid-sso-integration/internal/saml/samltest"
	"sendgrid-sso-integration/sendgrid"
	"sendgrid-sso-integration/sendgrid/sendgridtest"
)

// loop is both functions as built, with Okta, SendGrid and an event bus between them that
// delivers the messages of both queues.
type loop struct {
	*world
	sendGrid            *sendgridtest.Server
	connector, function *lambdatest.Function
	// clock is the time of the latest log event. All of them are in the past, because a
	// request from the future counts as one of now.
	clock time.Time
	// waiting are the messages of both queues, delivered those that were processed.
	waiting, delivered []message
	routed             int // entries of the bus
}

// message is an event in the queue of a function.
type message struct {
	to    *lambdatest.Function
	event []byte
}

// newLoop returns a loop in a world. Teammates are on in both functions or in none.
func newLoop(t *testing.T, w *world) *loop {
	t.Helper()
	l := &loop{world: w, sendGrid: sendgridtest.New(), clock: time.Now().Add(-time.Hour)}
	l.secrets.Put("sendgrid/key", "SG.key")
	l.connector = l.start(t)

	other := lambdatest.NewBootstrap("../sso-integration")
	t.Cleanup(other.Remove)
	l.function = other.Start(t, map[string]string{
		"SENDGRID_BASE_URL":                lambdatest.Serve(t, l.sendGrid),
		"SENDGRID_API_KEY_SECRET_ID":       "sendgrid/key",
		"EVENT_BUS_NAME":                   "results",
		"AWS_ENDPOINT_URL_SECRETS_MANAGER": l.env["AWS_ENDPOINT_URL_SECRETS_MANAGER"],
		"AWS_ENDPOINT_URL_EVENTBRIDGE":     l.env["AWS_ENDPOINT_URL_EVENTBRIDGE"],
		"TEAMMATES":                        l.env["TEAMMATES"],
	})
	l.function.Ready()
	l.afterOkta = func(r *http.Request) {
		if r.Method == http.MethodPut {
			l.log("application.lifecycle.update") // Okta reports the connector's own change, too.
		}
	}
	return l
}

// log has Okta's log stream deliver an event about the application.
func (l *loop) log(eventType string) {
	l.clock = l.clock.Add(time.Minute)
	l.waiting = append(l.waiting, message{l.connector, fmt.Appendf(nil, `{"id":"log","source":"aws.partner/okta.com/example/sendgrid-sso",
		"detail-type":"SystemLog","time":%q,"detail":{"uuid":"log-%d","published":%[1]q,"eventType":%[3]q,"outcome":{"result":"SUCCESS"},
		"target":[{"id":%[4]q,"type":"AppInstance"}]}}`, l.clock.Format(time.RFC3339), l.clock.Unix(), eventType, appID)})
}

// route puts what is new on the bus into the queues, as the rules of both templates do.
func (l *loop) route(t *testing.T) {
	t.Helper()
	entries := l.bus.Taken()
	for i, e := range entries[l.routed:] {
		event, err := json.Marshal(map[string]any{
			"id": fmt.Sprint("event-", l.routed+i), "source": e.Source, "detail-type": e.DetailType, "account": "123456789012",
			"time": time.UnixMilli(int64(e.Time * 1000)).UTC().Format(time.RFC3339), "region": "us-east-1", "resources": []string{},
			"detail": json.RawMessage(e.Detail),
		})
		require.NoError(t, err)
		switch e.Source {
		case "com.example.idp":
			require.Equal(t, "requests", e.EventBusName)
			l.waiting = append(l.waiting, message{l.function, event})
		case "sendgrid.sso":
			require.Equal(t, "results", e.EventBusName)
			require.Contains(t, e.Detail, `"okta_app"`)
			l.waiting = append(l.waiting, message{l.connector, event})
		default:
			require.FailNow(t, "no rule matches the event", e.Source)
		}
	}
	l.routed = len(entries)
}

// settle delivers messages until there are none. It returns how many there were, and what was
// written meanwhile, in Okta and in SendGrid.
func (l *loop) settle(t *testing.T) (messages, oktaWrites, sendGridWrites int) {
	t.Helper()
	const enough = 50 // A loop that does not end has more.
	oktaBefore, sendGridBefore := l.okta.Writes(), l.sendGridWrites()
	for ; len(l.waiting) > 0; messages++ {
		require.Less(t, messages, enough, "the loop does not end")
		next := l.waiting[0]
		l.waiting = l.waiting[1:]
		require.JSONEq(t, allProcessed, string(next.to.Invoke(queued(t, next.event), timeout).Body), "%s", next.event)
		l.delivered = append(l.delivered, next)
		l.route(t)
	}
	return messages, l.okta.Writes() - oktaBefore, l.sendGridWrites() - sendGridBefore
}

func (l *loop) sendGridWrites() (n int) {
	for _, r := range l.sendGrid.Requests() {
		if r.Method != http.MethodGet {
			n++
		}
	}
	return n
}

// set makes the application and its signing key what they are in Okta from now on.
func (l *loop) set(t *testing.T, status string, key *sendgridtest.IDP) {
	t.Helper()
	app := tree(t, application(t))
	if current := l.okta.App(appID); current != "null" {
		app = tree(t, current)
	}
	app["status"] = status
	app["credentials"].(map[string]any)["signing"] = map[string]any{"kid": key.Certificate.SerialNumber.String()}
	text, err := json.Marshal(app)
	require.NoError(t, err)
	l.okta.Put(string(text), oktaShape(t).Build(samltest.Params{
		EntityID: entityID, SigninURL: "https://example.okta.com/sso", Certificates: [][]byte{key.Certificate.Raw},
	}))
}

// logIn has Okta send a person to the URL that the application has, with a response for the
// audience that the application has, and reports whether the person is logged in.
func (l *loop) logIn(t *testing.T, key *sendgridtest.IDP) bool {
	t.Helper()
	var app struct {
		Settings struct {
			SignOn struct{ SSOACSURL, Recipient, Destination, Audience string }
		}
	}
	require.NoError(t, json.Unmarshal([]byte(l.okta.App(appID)), &app))
	on := app.Settings.SignOn
	require.Equal(t, on.SSOACSURL, on.Recipient)
	require.Equal(t, on.SSOACSURL, on.Destination)
	samlResponse, err := key.Respond(on.Audience, on.SSOACSURL, "ada@example.com")
	require.NoError(t, err)
	form := url.Values{"SAMLResponse": {base64.StdEncoding.EncodeToString(samlResponse)}}
	r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, on.SSOACSURL, strings.NewReader(form.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	response := httptest.NewRecorder()
	l.sendGrid.ServeHTTP(response, r)
	require.Contains(t, []int{http.StatusOK, http.StatusForbidden}, response.Code, "%s", response.Body)
	return response.Code == http.StatusOK
}

func newSigningKey(t *testing.T) *sendgridtest.IDP {
	t.Helper()
	key, err := sendgridtest.NewIDP(entityID, time.Now().Add(-time.Hour), time.Now().AddDate(10, 0, 0))
	require.NoError(t, err)
	return key
}

// An application is made in Okta, its key is rotated, it is deactivated and activated: people
// log in with it, or not, and nobody has copied a value.
func TestApplicationInOktaLogsPeopleIn(t *testing.T) {
	t.Parallel()
	l := newLoop(t, newWorld(t))
	first, second, stranger := newSigningKey(t), newSigningKey(t), newSigningKey(t)
	type written struct{ messages, okta, sendGrid int }
	happens := func(eventType string) (w written) {
		l.log(eventType)
		w.messages, w.okta, w.sendGrid = l.settle(t)
		return w
	}

	l.set(t, "ACTIVE", first)
	// A log event, a request and a result, and the same about the connector's own change. The
	// integration and its certificate are created.
	require.Equal(t, written{6, 1, 2}, happens("application.lifecycle.create"))
	require.True(t, l.logIn(t, first))
	require.False(t, l.logIn(t, stranger))

	l.set(t, "ACTIVE", second) // Okta publishes the active key only.
	require.Equal(t, written{3, 0, 1}, happens("app.keys.rotate"))
	require.True(t, l.logIn(t, first), "until its certificate is deleted in SendGrid")
	require.True(t, l.logIn(t, second))

	l.set(t, "INACTIVE", second)
	require.Equal(t, written{3, 0, 1}, happens("application.lifecycle.deactivate"))
	require.False(t, l.logIn(t, first))
	require.False(t, l.logIn(t, second))

	l.set(t, "ACTIVE", second)
	require.Equal(t, written{3, 0, 1}, happens("application.lifecycle.activate"))
	require.True(t, l.logIn(t, second))
	require.False(t, l.logIn(t, stranger))

	// Every message once more, the oldest first, changes nothing.
	l.waiting, l.delivered = l.delivered, nil
	_, okta, sendGrid := l.settle(t)
	require.Zero(t, okta)
	require.Zero(t, sendGrid)
	require.True(t, l.logIn(t, second))
	require.Len(t, l.sendGrid.Integrations(), 1)
	require.Equal(t, 2, l.sendGrid.Count(sendgrid.OpCreateCertificate))

	// The application is deleted: its connection ends, and no older message brings it back.
	l.okta.Remove(appID)
	require.Equal(t, written{3, 0, 1}, happens("application.lifecycle.delete"))
	require.False(t, l.sendGrid.Integrations()[0].Enabled)
	l.waiting, l.delivered = l.delivered, nil
	_, _, sendGrid = l.settle(t)
	require.Zero(t, sendGrid)
	require.False(t, l.sendGrid.Integrations()[0].Enabled)
}
