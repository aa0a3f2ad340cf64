package connector_test

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/stretchr/testify/require"

	"sendgrid-sso-integration/internal/connector"
	entraadapter "sendgrid-sso-integration/internal/connector/entra"
	"sendgrid-sso-integration/internal/entra"
	"sendgrid-sso-integration/internal/entra/entratest"
	"sendgrid-sso-integration/internal/idp"
	"sendgrid-sso-integration/internal/lambdatest"
	"sendgrid-sso-integration/internal/saml/samltest"
)

const (
	tenantID     = "7d2f4a10-3c5e-4b8a-9f61-0e8d5c2b7a34"
	clientID     = "c1a2b3c4-0000-4000-8000-000000000001"
	entraApp     = "1f0c6c0e-2b53-4c7d-9a86-6a1f5d9e3b20"
	entraObject  = "5b7a3c91-84e6-4f0d-b2a7-c9d1e0f38465"
	otherApp     = "2f0c6c0e-2b53-4c7d-9a86-6a1f5d9e3b20"
	otherObject  = "6b7a3c91-84e6-4f0d-b2a7-c9d1e0f38465"
	tenantEntity = "https://sts.windows.net/" + tenantID + "/"
	roleARN      = "arn:aws:iam::123456789012:role/connector"
)

// tenant is a connector of Entra with the tenant that it is connected to.
type tenant struct {
	*fixture
	entra *entratest.Server
	sts   *entratest.STS
	url   string
}

func entraMetadata(t *testing.T, entityID string) []byte {
	t.Helper()
	shapes := samltest.Shapes()
	i := slices.IndexFunc(shapes, func(s samltest.Shape) bool { return s.Name == "Entra" })
	require.GreaterOrEqual(t, i, 0)
	login := "https://login.microsoftonline.com/" + tenantID + "/saml2"
	return shapes[i].Build(samltest.Params{EntityID: entityID, SigninURL: login, SignoutURL: login})
}

// entraApplication is an application that has its own entity id and URLs of somebody else.
func entraApplication(t *testing.T) entratest.Application {
	t.Helper()
	return entratest.Application{
		ObjectID: entraObject, AppID: entraApp, DisplayName: "SendGrid", SingleSignOnMode: "saml", Owners: []string{clientID},
		IdentifierURIs: []string{"api://" + entraApp}, RedirectURIs: []string{"https://example.com/acs"},
		Metadata: entraMetadata(t, tenantEntity+entraApp),
	}
}

func newTenant(t *testing.T, applicationIDs ...string) *tenant {
	t.Helper()
	n := &tenant{fixture: &fixture{bus: &fakeBus{}}, entra: entratest.New(tenantID)}
	var err error
	n.sts, err = entratest.NewSTS("https://issuer.tokens.sts.global.api.aws", roleARN)
	require.NoError(t, err)
	n.entra.Trust(clientID, n.sts.Credential())
	n.entra.Put(entraApplication(t))
	n.url = lambdatest.Serve(t, n.entra)
	if len(applicationIDs) == 0 {
		applicationIDs = []string{entraApp}
	}
	endpoint := lambdatest.Serve(t, n.sts)
	n.Connector = &connector.Connector{
		Providers: []connector.Provider{&entraadapter.Provider{ApplicationIDs: applicationIDs, API: &entra.Client{
			LoginURL: n.url, GraphURL: n.url, TenantID: tenantID, ClientID: clientID, HTTP: idp.NewHTTPClient(),
			Credentials: &entra.Identity{STS: sts.New(sts.Options{
				Region: "eu-west-1", BaseEndpoint: &endpoint, Credentials: credentials.NewStaticCredentialsProvider("AKID", "secret", ""),
			})},
		}}},
		Bus: n.bus, SendGridRoots: []string{sendGrid}, Logger: slog.New(slog.NewJSONHandler(&n.logs, nil)),
	}
	return n
}

// entraResult is a result event about an application, its fields as they are in the event.
type entraResult struct{ app, object, entityID, url string }

func newEntraResult() entraResult {
	return entraResult{entraApp, entraObject, tenantEntity + entraApp, responseURL}
}

func (r entraResult) String() string {
	return fmt.Sprintf(`{"id":"e","source":"sendgrid.sso","detail-type":"SSO Integration Created","time":"2026-11-23T15:00:00Z","detail":{
		"metadata":{"entra_app":%q,"entra_object_id":%q},
		"integration":{"entity_id":%q,"id":%q,"single_signon_url":%q,"audience_url":%[5]q}}}`, r.app, r.object, r.entityID, integration, r.url)
}

// Every named application is requested as Entra shows it, by the function's AWS identity alone.
func TestSurveyOfEntra(t *testing.T) {
	t.Parallel()
	n := newTenant(t)
	for _, enabled := range []bool{true, false} {
		app := entraApplication(t)
		app.Disabled = !enabled
		n.entra.Put(app)
		body, err := n.Invoke(t.Context(), []byte(schedule))
		require.NoError(t, err)
		require.JSONEq(t, `{"outcome":"Checked","applications":{"Announced":1}}`, string(body))
		want, err := json.Marshal(map[string]any{
			"name": "SendGrid", "enabled": enabled, "if_exists": "update",
			"saml_metadata_url": n.url + "/" + tenantID + "/federationmetadata/2007-06/federationmetadata.xml?appid=" + entraApp,
			"metadata":          map[string]string{"entra_app": entraApp, "entra_object_id": entraObject},
		})
		require.NoError(t, err)
		require.JSONEq(t, string(want), n.bus.details[len(n.bus.details)-1])
		require.WithinDuration(t, time.Now().Add(-10*time.Minute), n.bus.at, time.Minute)
	}
	require.Equal(t, 1, n.sts.Calls(), "the access token is cached")
	require.Zero(t, n.entra.Writes())
}

// What is wrong with one application is in the log, and the others are still requested.
func TestApplicationsOfEntraThatAreNotSent(t *testing.T) {
	t.Parallel()
	other := func(t *testing.T) entratest.Application {
		t.Helper()
		app := entraApplication(t)
		app.AppID, app.ObjectID, app.Metadata = otherApp, otherObject, entraMetadata(t, tenantEntity+otherApp)
		return app
	}
	for name, tt := range map[string]struct {
		change func(*entratest.Application)
		sent   int
		log    string
	}{
		"both are fine": {func(*entratest.Application) {}, 2, `"outcome":"Announced"`},
		"gone":          {func(a *entratest.Application) { a.AppID = "x" }, 1, `"code":"ApplicationGone"`},
		"another mode":  {func(a *entratest.Application) { a.SingleSignOnMode = "oidc" }, 1, "does not use SAML single sign-on"},
		"no mode":       {func(a *entratest.Application) { a.SingleSignOnMode = "" }, 1, "does not use SAML single sign-on"},
		"no SAML":       {func(a *entratest.Application) { a.Metadata = nil }, 1, `"code":"ApplicationNotReady"`},
		"no metadata":   {func(a *entratest.Application) { a.Metadata = []byte("<html>") }, 1, `"code":"ApplicationNotReady"`},
		"one entity id": {func(a *entratest.Application) { a.Metadata = entraMetadata(t, tenantEntity+entraApp) }, 0, `"code":"SharedEntityID"`},
		"shared, no SAML": {func(a *entratest.Application) {
			a.Metadata, a.SingleSignOnMode = entraMetadata(t, tenantEntity+entraApp), ""
		}, 1, "SAML"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			n := newTenant(t, entraApp, otherApp)
			app := other(t)
			tt.change(&app)
			n.entra.Put(app)
			outcome, _ := n.invoke(t, schedule)
			require.Equal(t, "Checked", outcome)
			require.Len(t, n.bus.details, tt.sent)
			require.Contains(t, n.logs.String(), tt.log)
			if tt.sent == 0 {
				require.Equal(t, 2, strings.Count(n.logs.String(), `"code":"SharedEntityID"`), "both are told apart by nothing")
			}
		})
	}
}

// A failure that is not about one application fails the event. Nothing is sent, because which
// applications share an entity id is not known.
func TestSurveyOfEntraFails(t *testing.T) {
	t.Parallel()
	object := "/v1.0/servicePrincipals(appId='" + otherApp + "')"
	for name, tt := range map[string]struct {
		breaks func(*tenant)
		code   string
	}{
		"unavailable":     {func(n *tenant) { n.entra.Fail(entratest.Fault{Path: object, Status: 503}) }, "EntraUnavailable"},
		"rate limit":      {func(n *tenant) { n.entra.Fail(entratest.Fault{Path: object, Status: 429, RetryAfter: "3600"}) }, "RateLimited"},
		"no consent":      {func(n *tenant) { n.entra.Fail(entratest.Fault{Path: object, Status: 403}) }, "NotOwner"},
		"rejected":        {func(n *tenant) { n.entra.Fail(entratest.Fault{Path: object, Status: 400}) }, "EntraRejected"},
		"not switched on": {func(n *tenant) { n.sts.Disabled = true }, "IdentityUnavailable"},
		"expired":         {func(n *tenant) { n.sts.Lifetime = -time.Minute }, "CredentialRefused"},
		"another issuer": {func(n *tenant) {
			trusted := n.sts.Credential()
			trusted.Issuer = "https://other.tokens.sts.global.api.aws"
			n.entra.Trust(clientID, trusted)
		}, "CredentialRefused"},
		"another role": {func(n *tenant) {
			trusted := n.sts.Credential()
			trusted.Subject += "-2"
			n.entra.Trust(clientID, trusted)
		}, "CredentialRefused"},
		"another audience": {func(n *tenant) {
			trusted := n.sts.Credential()
			trusted.Audience = "api://other"
			n.entra.Trust(clientID, trusted)
		}, "CredentialRefused"},
		"a secret only": {func(n *tenant) { n.entra.SetSecret(clientID, "a secret") }, "CredentialRefused"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			n := newTenant(t, entraApp, otherApp)
			app := entraApplication(t)
			app.AppID, app.ObjectID, app.Metadata = otherApp, otherObject, entraMetadata(t, tenantEntity+otherApp)
			n.entra.Put(app)
			tt.breaks(n)
			ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
			defer cancel()
			_, err := n.Invoke(ctx, []byte(schedule))
			require.Error(t, err)
			require.Contains(t, n.logs.String(), `"code":"`+tt.code+`"`)
			require.Empty(t, n.bus.details)
		})
	}
}

func TestResultIsWrittenIntoEntra(t *testing.T) {
	t.Parallel()
	n := newTenant(t)
	for _, want := range []string{"Updated", "Unchanged"} {
		outcome, reason := n.invoke(t, newEntraResult().String())
		require.Equal(t, want, outcome, reason)
	}
	require.Equal(t, 1, n.entra.Writes())
	app := n.entra.App(entraApp)
	require.Equal(t, []string{responseURL, "api://" + entraApp}, app.IdentifierURIs, "what it had is kept")
	require.Equal(t, []string{responseURL, "https://example.com/acs"}, app.RedirectURIs)
	var sent []string
	for _, r := range n.entra.Requests() {
		sent = append(sent, r.Method+" "+strings.Split(r.Path, "?")[0])
	}
	get := "GET /v1.0/applications(appId='" + entraApp + "')"
	require.Equal(t, []string{
		"POST /" + tenantID + "/oauth2/v2.0/token", get, "GET /" + tenantID + "/federationmetadata/2007-06/federationmetadata.xml",
		"PATCH /v1.0/applications/" + entraObject, get, get,
	}, sent)

	// Only the reply URL was removed by hand: the identifier is not there twice afterwards.
	app.RedirectURIs = nil
	n.entra.Put(app)
	outcome, _ := n.invoke(t, newEntraResult().String())
	require.Equal(t, "Updated", outcome)
	require.Equal(t, []string{responseURL, "api://" + entraApp}, n.entra.App(entraApp).IdentifierURIs)
}

// Whoever may put events on the bus, or send requests, chooses all of this.
func TestForgedResultsChangeNothingInEntra(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		change          func(*entraResult)
		outcome, reason string
	}{
		"a path":                 {func(r *entraResult) { r.app = "x/../y" }, "Refused", "not the id of an application"},
		"not named":              {func(r *entraResult) { r.app = otherApp }, "Ignored", "ENTRA_APPLICATION_IDS"},
		"no object":              {func(r *entraResult) { r.object = "" }, "Refused", "entra_object_id"},
		"a path for the object":  {func(r *entraResult) { r.object = entraObject + "/owners" }, "Refused", "entra_object_id"},
		"object of another":      {func(r *entraResult) { r.object = otherObject }, "Refused", "another application"},
		"another host":           {func(r *entraResult) { r.url = strings.Replace(responseURL, "api.sendgrid.com", "example.com", 1) }, "Refused", "SAML responses"},
		"EU without being asked": {func(r *entraResult) { r.url = strings.Replace(responseURL, "api.", "api.eu.", 1) }, "Refused", "SAML responses"},
		"another integration":    {func(r *entraResult) { r.entityID = tenantEntity }, "Refused", "another entity_id"},
		"no application":         {func(r *entraResult) { r.app = "" }, "Ignored", "not about"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			n := newTenant(t)
			app := entraApplication(t)
			app.AppID, app.ObjectID = otherApp, otherObject
			n.entra.Put(app)
			r := newEntraResult()
			tt.change(&r)
			outcome, reason := n.invoke(t, r.String())
			require.Equal(t, tt.outcome, outcome)
			require.Contains(t, reason, tt.reason)
			require.Zero(t, n.entra.Writes())
		})
	}
}

func TestEntraRefusesTheURLs(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		breaks   func(*tenant)
		code     string
		contains string
	}{
		"no owner": {func(n *tenant) {
			app := n.entra.App(entraApp)
			app.Owners = nil
			n.entra.Put(app)
		}, "NotOwner", "an owner of it"},
		"policy":       {func(n *tenant) { n.entra.RestrictSAML() }, "IdentifierRefused", "HostNameNotOnVerifiedDomain"},
		"not kept":     {func(n *tenant) { n.entra.Fail(entratest.Fault{Method: "PATCH", Status: 204}) }, "WriteUnconfirmed", "does not show them"},
		"unavailable":  {func(n *tenant) { n.entra.Fail(entratest.Fault{Method: "PATCH", Status: 500}) }, "EntraUnavailable", ""},
		"not there":    {func(n *tenant) { n.entra.Fail(entratest.Fault{Method: "PATCH", Status: 404}) }, "EntraRejected", ""},
		"a redirect":   {func(n *tenant) { n.entra.Fail(entratest.Fault{Method: "PATCH", Status: 302}) }, "EntraRejected", ""},
		"no JSON back": {func(n *tenant) { n.entra.Fail(entratest.Fault{Method: "GET", Status: 200, Body: "<html>"}) }, "Internal", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			n := newTenant(t)
			tt.breaks(n)
			outcome, _ := n.invoke(t, newEntraResult().String())
			require.Equal(t, tt.code, outcome)
			require.Contains(t, n.logs.String(), tt.contains)
			require.Equal(t, []string{"api://" + entraApp}, n.entra.App(entraApp).IdentifierURIs)
		})
	}
}

// A limit that ends in time is waited for.
func TestRateLimitOfEntra(t *testing.T) {
	t.Parallel()
	n := newTenant(t)
	n.entra.Fail(entratest.Fault{Method: "PATCH", Status: 429, RetryAfter: "1"})
	start := time.Now()
	outcome, _ := n.invoke(t, newEntraResult().String())
	require.Equal(t, "Updated", outcome)
	require.GreaterOrEqual(t, time.Since(start), time.Second)

	// An access token that was revoked is replaced.
	n.entra.RevokeAccessTokens()
	outcome, _ = n.invoke(t, newEntraResult().String())
	require.Equal(t, "Unchanged", outcome)
	require.Equal(t, 2, n.sts.Calls())
}
