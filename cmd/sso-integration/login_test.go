package main_test

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
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

const (
	idpURL = "https://idp.example/metadata"
	person = "ada@example.com"
)

// newIDP returns an identity provider with a new key that is valid now.
func newIDP(t *testing.T, entityID string) *sendgridtest.IDP {
	t.Helper()
	idp, err := sendgridtest.NewIDP(entityID, time.Now().Add(-time.Hour), time.Now().AddDate(1, 0, 0))
	require.NoError(t, err)
	return idp
}

// withCertificates returns the request for an integration with the certificates of providers.
func withCertificates(t *testing.T, signinURL, ifExists string, idps ...*sendgridtest.IDP) []byte {
	t.Helper()
	var certificates strings.Builder
	for _, idp := range idps {
		certificates.WriteString(idp.PEM())
	}
	return encode(t, map[string]any{
		"name": "IdP", "enabled": true, "signin_url": signinURL, "signout_url": "", "entity_id": idpURL,
		"public_certificate": certificates.String(), "if_exists": ifExists,
	})
}

// withMetadata returns the request for an integration with the metadata of a provider, which
// publishes the certificates of its signing keys. A shape that has one for encryption has the
// stranger's.
func withMetadata(t *testing.T, shape samltest.Shape, entityID, ifExists string, stranger *sendgridtest.IDP, keys ...*sendgridtest.IDP) []byte {
	t.Helper()
	p := samltest.Params{
		EntityID: entityID, SigninURL: "https://idp.example/sso", SignoutURL: "https://idp.example/slo",
		Encryption: stranger.Certificate.Raw,
	}
	for _, key := range keys {
		p.Certificates = append(p.Certificates, key.Certificate.Raw)
	}
	return encode(t, map[string]any{
		"name": shape.Name, "enabled": true, "saml_metadata": string(shape.Build(p)), "if_exists": ifExists,
	})
}

func encode(t *testing.T, v any) []byte {
	t.Helper()
	text, err := json.Marshal(v)
	require.NoError(t, err)
	return text
}

// triggers put a request into the event of each trigger, as the samples have it.
var triggers = []struct {
	name string
	put  func(t *testing.T, request []byte) []byte
}{
	{"direct", func(_ *testing.T, request []byte) []byte { return request }},
	{"HTTP API", inSample("http-api-iam.json", func(event map[string]any, request []byte) { event["body"] = string(request) })},
	{"REST API", inSample("rest-api-iam.json", func(event map[string]any, request []byte) { event["body"] = string(request) })},
	{"EventBridge", inSample("eventbridge.json", func(event map[string]any, request []byte) { event["detail"] = json.RawMessage(request) })},
	{"SQS", inSample("sqs.json", func(event map[string]any, request []byte) {
		first := event["Records"].([]any)[0].(map[string]any)
		first["body"] = string(request)
		event["Records"] = []any{first}
	})},
}

func inSample(file string, put func(event map[string]any, request []byte)) func(*testing.T, []byte) []byte {
	return func(t *testing.T, request []byte) []byte {
		t.Helper()
		var event map[string]any
		readJSON(t, "../../events/"+file, &event)
		put(event, request)
		return encode(t, event)
	}
}

// logInWorld is a world with an event bus, whose integrations receive SAML responses.
type logInWorld struct {
	*world
	bus *lambdatest.EventBus
	f   *lambdatest.Function
}

func newLogInWorld(t *testing.T) logInWorld {
	t.Helper()
	w := logInWorld{world: newWorld(t)}
	w.sendGrid.SetPublicURL(w.env["SENDGRID_BASE_URL"])
	w.bus, _ = w.withDeadLetters(t)
	w.f = w.start(t)
	return w
}

// published sends an event and returns what is published about its only request.
func (w logInWorld) published(t *testing.T, event []byte) result {
	t.Helper()
	before := len(w.bus.Taken())
	response := w.f.Invoke(event, timeout)
	require.False(t, response.Failed, "%s", response.Body)
	entries := w.bus.Taken()[before:]
	require.Len(t, entries, 1)
	return resultOf(t, []byte(entries[0].Detail))
}

// logIn has a provider send a person's response to an integration, and returns whether the
// person is logged in.
func logIn(t *testing.T, idp *sendgridtest.IDP, audience, consumer string) bool {
	t.Helper()
	samlResponse, err := idp.Respond(audience, consumer, person)
	require.NoError(t, err)
	response, err := http.PostForm(consumer, url.Values{"SAMLResponse": {base64.StdEncoding.EncodeToString(samlResponse)}})
	require.NoError(t, err)
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	require.NoError(t, err)
	switch response.StatusCode {
	case http.StatusOK:
		require.JSONEq(t, `{"name_id":"`+person+`"}`, string(body))
		return true
	case http.StatusForbidden:
		return false
	default:
		require.FailNow(t, "the assertion consumer service fails", "%d %s", response.StatusCode, body)
		return false
	}
}

// One event with the metadata of an identity provider, in any shape, and people log in with it.
func TestMetadataOfEveryShapeLogsPeopleIn(t *testing.T) {
	t.Parallel()
	w := newLogInWorld(t)
	for i, shape := range samltest.Shapes() {
		trigger := triggers[i%len(triggers)]
		entityID := fmt.Sprintf("https://idp%d.example/metadata", i)
		name := shape.Name + " over " + trigger.name
		idp, stranger := newIDP(t, entityID), newIDP(t, entityID)

		made := w.published(t, trigger.put(t, withMetadata(t, shape, entityID, "conflict", stranger, idp)))
		require.Equal(t, "created", made.Outcome, name)
		require.Equal(t, entityID, made.Integration.EntityID, name)
		audience, consumer := made.Integration.AudienceURL, made.Integration.SingleSignOnURL
		require.Len(t, w.sendGrid.Certificates(made.Integration.ID), 1, name)

		require.True(t, logIn(t, idp, audience, consumer), name)
		require.False(t, logIn(t, stranger, audience, consumer), "%s: another key", name)
		require.False(t, logIn(t, idp, "https://other.example", consumer), "%s: another audience", name)
		w.sendGrid.Edit(made.Integration.ID, func(i *sendgrid.Integration) { i.Enabled = false })
		require.False(t, logIn(t, idp, audience, consumer), "%s: a disabled integration", name)
	}
}

// After a rotation people log in by the old key and by the new one, whatever the trigger.
func TestRotatedSigningKeyLogsPeopleIn(t *testing.T) {
	t.Parallel()
	w := newLogInWorld(t)
	idp, stranger := newIDP(t, idpURL), newIDP(t, idpURL)
	shape := samltest.Shapes()[0]
	made := w.published(t, withMetadata(t, shape, idpURL, "conflict", stranger, idp))
	keys := []*sendgridtest.IDP{idp}
	for _, trigger := range triggers[:3] { // The events of the others have a time in the past.
		keys = append(keys, newIDP(t, idpURL))
		rotated := w.published(t, trigger.put(t, withMetadata(t, shape, idpURL, "update", stranger, keys[len(keys)-2:]...)))
		require.Equal(t, "updated", rotated.Outcome, trigger.name)
		require.Equal(t, made.Integration.ID, rotated.Integration.ID)
		require.Len(t, rotated.Certificates, len(keys), "all that the integration has")
	}
	for _, key := range keys {
		require.True(t, logIn(t, key, made.Integration.AudienceURL, made.Integration.SingleSignOnURL))
	}
	require.False(t, logIn(t, stranger, made.Integration.AudienceURL, made.Integration.SingleSignOnURL))
	require.Len(t, w.sendGrid.Certificates(made.Integration.ID), len(keys))
	require.Zero(t, w.sendGrid.Count(sendgrid.OpUpdateIntegration), "only certificates were missing")
}

// However often an event arrives, at once or one after the other, there is one integration
// with one certificate of each key.
func TestRedeliveriesAddNothing(t *testing.T) {
	t.Parallel()
	w := newLogInWorld(t)
	first, second := newIDP(t, idpURL), newIDP(t, idpURL)
	request := withMetadata(t, samltest.Shapes()[0], idpURL, "update", first, first, second)
	var records []any
	for i := range 10 {
		records = append(records, map[string]any{"messageId": fmt.Sprint("m-", i), "eventSource": "aws:sqs", "body": string(request)})
	}
	batch := encode(t, map[string]any{"Records": records})
	for range 2 {
		require.JSONEq(t, `{"batchItemFailures":[]}`, string(w.f.Invoke(batch, timeout).Body))
	}
	outcomes := map[string]int{}
	for _, entry := range w.bus.Taken() {
		outcomes[resultOf(t, []byte(entry.Detail)).Outcome]++
	}
	require.Equal(t, map[string]int{"created": 1, "unchanged": 19}, outcomes)
	integrations := w.sendGrid.Integrations()
	require.Len(t, integrations, 1)
	require.Len(t, w.sendGrid.Certificates(integrations[0].ID), 2)
	for _, idp := range []*sendgridtest.IDP{first, second} {
		require.True(t, logIn(t, idp, integrations[0].AudienceURL, integrations[0].SingleSignOnURL))
	}
}
