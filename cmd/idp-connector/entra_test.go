package main_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"sendgrid-sso-integration/internal/entra/entratest"
	"sendgrid-sso-integration/internal/saml/samltest"
)

const (
	tenantID    = "7d2f4a10-3c5e-4b8a-9f61-0e8d5c2b7a34"
	clientID    = "c1a2b3c4-0000-4000-8000-000000000001"
	entraApp    = "1f0c6c0e-2b53-4c7d-9a86-6a1f5d9e3b20"
	entraObject = "5b7a3c91-84e6-4f0d-b2a7-c9d1e0f38465"
)

func entraApplication(t *testing.T) entratest.Application {
	t.Helper()
	login := "https://login.microsoftonline.com/" + tenantID + "/saml2"
	return entratest.Application{
		ObjectID: entraObject, AppID: entraApp, DisplayName: "SendGrid", SingleSignOnMode: "saml", Owners: []string{clientID},
		IdentifierURIs: []string{"api://" + entraApp},
		Metadata: shape(t, "Entra").Build(samltest.Params{
			EntityID: "https://sts.windows.net/" + tenantID + "/" + entraApp, SigninURL: login, SignoutURL: login,
		}),
	}
}

// Entra alone: nothing is stored in AWS, and the function proves who it is by its AWS identity.
func TestEntraBySchedule(t *testing.T) {
	t.Parallel()
	w := newWorld(t).withEntra(t).withoutOkta()
	f := w.start(t)
	require.Equal(t, 1, w.sts.Calls(), "the access token is there before the first event")

	require.JSONEq(t, `{"outcome":"Checked","applications":{"Announced":1}}`, string(f.Invoke(sample(t, "check"), timeout).Body))
	require.Len(t, w.bus.Taken(), 1)
	require.Equal(t, "IdP Application Created", w.bus.Taken()[0].DetailType)
	require.InDelta(t, time.Now().Add(-10*time.Minute).Unix(), w.bus.Taken()[0].Time, 30)
	require.Contains(t, w.bus.Taken()[0].Detail, "/federationmetadata/2007-06/federationmetadata.xml?appid="+entraApp)
	require.Equal(t, 1, w.sts.Calls())
	require.Zero(t, w.secrets.Calls())

	result := read(t, "../../events/entra/result-event.json")
	require.JSONEq(t, allProcessed, string(f.Invoke(queued(t, result, result), timeout).Body))
	require.Equal(t, []string{acsURL, "api://" + entraApp}, w.entra.App(entraApp).IdentifierURIs)
	require.Equal(t, []string{acsURL}, w.entra.App(entraApp).RedirectURIs)
	require.Equal(t, 1, w.entra.Writes())
	line := processed(t, f)[1]
	require.Equal(t, []any{"result", "Updated", entraApp, 4.0}, []any{line["kind"], line["outcome"], line["entra_app"], line["entra_calls"]})

	// An event of Okta is none that this function expects.
	require.Equal(t, "InvalidEvent", f.Invoke(sample(t, "log-event"), timeout).ErrorType())
	require.JSONEq(t, allProcessed, string(f.Invoke(queued(t, sample(t, "result-event")), timeout).Body))
	require.Equal(t, "Ignored", processed(t, f)[4]["outcome"])
}

// One function serves both; the failure of one does not keep the other one from its work.
func TestOktaAndEntra(t *testing.T) {
	t.Parallel()
	w := newWorld(t).withEntra(t)
	w.okta.Put(application(t), metadata(t))
	f := w.start(t)
	require.JSONEq(t, `{"outcome":"Checked","applications":{"Announced":2}}`, string(f.Invoke(sample(t, "check"), timeout).Body))
	reply := f.Invoke(queued(t, sample(t, "result-event"), read(t, "../../events/entra/result-event.json")), timeout)
	require.JSONEq(t, allProcessed, string(reply.Body))
	require.Equal(t, 1, w.okta.Writes())
	require.Equal(t, 1, w.entra.Writes())

	w.okta.SetTokens()
	require.Equal(t, "CredentialRefused", f.Invoke(sample(t, "check"), timeout).ErrorType())
	require.Len(t, w.bus.Taken(), 3)
	require.InDelta(t, 1, metric(t, f, "CredentialRefused"), 0)
}

// A client secret in place of the AWS identity is replaced without a deployment.
func TestClientSecretOfEntra(t *testing.T) {
	t.Parallel()
	w := newWorld(t).withEntra(t).withoutOkta()
	w.env["ENTRA_CREDENTIAL_SECRET_ID"] = "entra/credential"
	w.secrets.Put("entra/credential", `{"client_secret":"the-first-secret"}`)
	w.entra.SetSecret(clientID, "the-first-secret")
	f := w.start(t)
	require.False(t, f.Invoke(sample(t, "check"), timeout).Failed)
	require.Zero(t, w.sts.Calls())

	w.entra.SetSecret(clientID, "the-next-secret")
	w.entra.RevokeAccessTokens()
	require.Equal(t, "CredentialRefused", f.Invoke(sample(t, "check"), timeout).ErrorType())
	w.secrets.Put("entra/credential", `{"client_secret":"the-next-secret"}`)
	require.False(t, f.Invoke(sample(t, "check"), timeout).Failed)
}

// Whatever Entra's responses repeat of what it was sent, nothing secret comes out of the function.
func TestNothingSecretOfEntraGetsOut(t *testing.T) {
	t.Parallel()
	const secret = "client-secret-that-must-not-leak"
	token := "/" + tenantID + "/oauth2/v2.0/token"
	echoed := `{"error":{"code":"{{sent}}","message":"{{sent}}"}}`
	for name, tt := range map[string]struct {
		stored string
		fault  entratest.Fault
	}{
		"access token echoed":     {"", entratest.Fault{Method: http.MethodGet, Status: 500, Body: echoed}},
		"assertion echoed":        {"", entratest.Fault{Path: token, Status: 400, Body: `{"error":"invalid_client","error_description":"{{sent}}"}`}},
		"client secret echoed":    {`{"client_secret":"` + secret + `"}`, entratest.Fault{Path: token, Status: 401, Body: `{"error":"{{sent}}"}`}},
		"unusable token response": {"", entratest.Fault{Path: token, Status: 200, Body: `{"access_token":"{{sent}}"}`}},
		"secret is not JSON":      {secret, entratest.Fault{}},
		"another field":           {`{"secret":"` + secret + `"}`, entratest.Fault{}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t).withEntra(t).withoutOkta()
			if tt.stored != "" {
				w.env["ENTRA_CREDENTIAL_SECRET_ID"] = "entra/credential"
				w.secrets.Put("entra/credential", tt.stored)
			}
			if tt.fault.Status != 0 {
				w.entra.Fail(tt.fault, tt.fault, tt.fault, tt.fault, tt.fault, tt.fault)
			}
			f := w.start(t)
			out := string(f.Invoke(sample(t, "check"), timeout).Body) + string(f.Invoke(read(t, "../../events/entra/result-event.json"), timeout).Body)
			require.Contains(t, out, "errorType")
			out += f.Log()
			for _, e := range w.bus.Taken() {
				out += e.Detail
			}
			for _, text := range []string{secret, "eyJ", "entra-access-"} {
				require.NotContains(t, strings.ToLower(out), strings.ToLower(text))
			}
		})
	}
}
