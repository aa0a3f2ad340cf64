package handler_test

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"html"
	"io"
	"maps"
	"net/http"
	"os"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"sendgrid-sso-integration/internal/openapitest"
	"sendgrid-sso-integration/internal/problem"
	"sendgrid-sso-integration/internal/protocol"
	"sendgrid-sso-integration/internal/provision"
	"sendgrid-sso-integration/internal/request"
	"sendgrid-sso-integration/internal/saml/samltest"
)

const (
	signedRoute  = "/sso/integrations"
	webhookRoute = "/webhooks/sso/integrations"
	statusRoute  = "/sso/status"
)

// contract is the OpenAPI document of the HTTP triggers.
type contract struct{ *openapitest.Document }

func newContract(t *testing.T) contract {
	t.Helper()
	text, err := os.ReadFile("../openapi.yaml")
	require.NoError(t, err)
	document, err := openapitest.ParseStrict(text)
	require.NoError(t, err)
	return contract{document}
}

// wire returns a request as a client sends it.
func wire(t *testing.T, route string, r httpCall) *http.Request {
	t.Helper()
	r.path = route
	r = r.complete()
	sent, err := http.NewRequestWithContext(t.Context(), r.method, "https://a1b2c3d4e5.execute-api.eu-west-1.amazonaws.com"+route, strings.NewReader(r.body))
	require.NoError(t, err)
	if r.body == "" {
		sent.Body, sent.ContentLength = http.NoBody, 0
	}
	for name, values := range r.header {
		for _, value := range values {
			sent.Header.Add(name, value)
		}
	}
	if !strings.HasPrefix(route, "/webhooks/") && !r.unknown {
		sent.Header.Set("Authorization", "AWS4-HMAC-SHA256 Credential=…")
	}
	return sent
}

// checkRequest returns what is wrong with a request.
func (c contract) checkRequest(t *testing.T, route string, r httpCall) error {
	t.Helper()
	return c.Request(wire(t, route, r))
}

// checkResponse returns what is wrong with the response to a request.
func (c contract) checkResponse(t *testing.T, route string, r httpCall, a response) error {
	t.Helper()
	w := &http.Response{StatusCode: a.StatusCode, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(a.Body))}
	for name, value := range a.Headers {
		w.Header.Set(name, value)
	}
	return c.Response(wire(t, route, r), w)
}

// call has the real handler handle a request, and checks the response.
func (c contract) call(t *testing.T, f fixture, route string, r httpCall) response {
	t.Helper()
	r.path = route
	a := f.call(t, gateways["HTTP API"](r))
	require.NoError(t, c.checkResponse(t, route, r, a), "%d %v %s", a.StatusCode, a.Headers, a.Body)
	return a
}

// webhookHeaders are what the schemes of the webhook route send, by the scheme's name.
var webhookHeaders = map[string]http.Header{
	"bearer":        {"Authorization": {"Bearer secret"}},
	"api key":       {"X-Api-Key": {"secret"}},
	"authorization": {"Authorization": {"Basic c2VjcmV0"}},
	"github":        {"X-Hub-Signature-256": {"sha256=00"}},
	"jira":          {"X-Hub-Signature": {"sha256=00"}},
	"standard":      {"Webhook-Id": {"msg_1"}, "Webhook-Timestamp": {"1795446000"}, "Webhook-Signature": {"v1,AA=="}},
	"svix":          {"Svix-Id": {"msg_1"}, "Svix-Timestamp": {"1795446000"}, "Svix-Signature": {"v1,AA=="}},
	"zendesk":       {"X-Zendesk-Webhook-Signature": {"AA=="}, "X-Zendesk-Webhook-Signature-Timestamp": {"2026-11-23T15:00:00Z"}},
}

// with returns these headers and a content type of JSON.
func with(header http.Header) http.Header {
	header = header.Clone()
	header.Set("Content-Type", "application/json; charset=utf-8")
	return header
}

// The document has a valid example of every code under its status.
func TestOpenAPIDocument(t *testing.T) {
	t.Parallel()
	c := newContract(t)
	shown := map[problem.Code]bool{problem.MethodNotAllowed: true} // The document has no other method than POST.
	for _, route := range []string{signedRoute, webhookRoute} {
		for status, documented := range c.Paths.Value(route).Post.Responses.Map() {
			content := documented.Value.Content["application/problem+json"]
			if content == nil {
				continue
			}
			for name, example := range content.Examples {
				code := problem.Code(name)
				shown[code] = true
				require.Equal(t, strconv.Itoa(code.Status()), status, name)
				body := mustEncode(example.Value.Value)
				var p problemResponse
				require.NoError(t, json.Unmarshal(body, &p))
				require.Equal(t, []string{name, code.Title()}, []string{p.Code, p.Title})
				a := response{StatusCode: code.Status(), Headers: documentedHeaders(code), Body: string(body)}
				require.NoError(t, c.checkResponse(t, route, httpCall{}, a), "the example of %s", name)
			}
		}
	}
	require.Len(t, shown, len(problem.Codes()), "there is an example of every code")
}

// documentedHeaders are those that a response with this code must have.
func documentedHeaders(code problem.Code) map[string]string {
	headers := map[string]string{"Content-Type": "application/problem+json", "Cache-Control": "no-store", "X-Request-Id": invocationID}
	if code == problem.Unauthenticated {
		headers["WWW-Authenticate"] = "Bearer"
	}
	if code == problem.UnsupportedMediaType {
		headers["Accept-Post"] = "application/json"
	}
	return headers
}

// The document has the fields of a request, and those that are required: always, or unless
// metadata supplies them. It also has those of a result.
func TestOpenAPIFields(t *testing.T) {
	t.Parallel()
	schemas := newContract(t).Components.Schemas
	for _, field := range reflect.VisibleFields(reflect.TypeFor[provision.Result]()) {
		if name, _, _ := strings.Cut(field.Tag.Get("json"), ","); name != "-" {
			require.Contains(t, schemas["Result"].Value.Properties, name)
		}
	}
	all, required := request.FieldNames()
	documented := map[string]bool{}
	for _, kind := range []string{"IntegrationRequest", "EndRequest", "ForgetRequest", "TeammateRequest", "TeammateRemoval", "TeammateForgetRequest"} {
		for name := range schemas[kind].Value.Properties {
			documented[name] = true
		}
	}
	require.ElementsMatch(t, all, slices.Collect(maps.Keys(documented)))
	schema := schemas["IntegrationRequest"].Value
	require.ElementsMatch(t, required, append(schema.Required, schema.AnyOf[0].Value.Required...))
	require.ElementsMatch(t, request.TeammateFields(), slices.Collect(maps.Keys(schemas["Declaration"].Value.Properties)))
}

// The examples of requests are good ones, and so are those of their responses.
func TestOpenAPIExamples(t *testing.T) {
	t.Parallel()
	c := newContract(t)
	for _, tt := range []struct{ signed, webhook, location string }{
		{signedRoute, webhookRoute, "https://api.sendgrid.com/v3/sso/integrations/b0b98502-9408-4b24-9e3d-31ed7cb15312"},
		{teammatesRoute, teammatesWebhookRoute, "https://api.sendgrid.com/v3/teammates/grace@example.com"},
	} {
		c.checkExamples(t, tt.signed, tt.webhook, tt.location)
	}
}

// checkExamples checks the examples of the two routes of one kind.
func (c contract) checkExamples(t *testing.T, signed, webhook, location string) {
	t.Helper()
	operation := c.Paths.Value(webhook).Post
	examples := operation.RequestBody.Value.Content["application/json"].Examples
	require.NotEmpty(t, examples)
	for name, example := range examples {
		body := string(mustEncode(example.Value.Value))
		_, err := request.Parse([]byte(body), time.Now())
		require.NoError(t, err, name)
		require.NoError(t, c.checkRequest(t, signed, httpCall{body: body}), name)
	}
	check := func(status int, example any) {
		a := response{StatusCode: status, Headers: map[string]string{"Content-Type": "application/json"}, Body: string(mustEncode(example))}
		if status == http.StatusCreated {
			a.Headers["Location"] = location
		}
		require.NoError(t, c.checkResponse(t, signed, httpCall{}, a), status)
	}
	responses := operation.Responses.Status(http.StatusOK).Value.Content["application/json"].Examples
	require.NotEmpty(t, responses)
	for _, example := range responses {
		check(http.StatusOK, example.Value.Value)
	}
	check(http.StatusCreated, operation.Responses.Status(http.StatusCreated).Value.Content["application/json"].Example)
}

// The requests of every scheme are documented, and so are all responses.
func TestOpenAPITraffic(t *testing.T) {
	t.Parallel()
	c := newContract(t)
	provisioners := map[string]ensure{}
	for _, outcome := range []protocol.Outcome{protocol.OutcomeCreated, protocol.OutcomeUpdated, protocol.OutcomeUnchanged, protocol.OutcomeSuperseded} {
		provisioners[string(outcome)] = complete(outcome)
	}
	provisioners["disabled"], provisioners["forgotten"] = disabled, nothingThere
	for _, code := range problem.Codes() {
		if code != problem.MethodNotAllowed { // A POST cannot get this response.
			f := failure(code)
			f.IntegrationID = "id/1"
			provisioners[string(code)] = fails(f)
		}
	}
	require.ErrorContains(t, c.checkRequest(t, signedRoute, httpCall{body: goodRequest, unknown: true}), "Authorization")
	for name, provisioner := range provisioners {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c.call(t, newFixture(provisioner), signedRoute, httpCall{body: requestWithMetadata})
		})
	}
	for scheme, header := range webhookHeaders {
		t.Run(scheme, func(t *testing.T) {
			t.Parallel()
			r := httpCall{body: goodRequest, header: with(header), unknown: true}
			require.NoError(t, c.checkRequest(t, webhookRoute, r))
			f := newFixture(created)
			f.Verifier = verify(accept)
			require.Equal(t, http.StatusCreated, c.call(t, f, webhookRoute, r).StatusCode)
			for name := range header {
				r.header = with(header)
				r.header.Del(name)
				require.Error(t, c.checkRequest(t, webhookRoute, r), "without %s", name)
			}
		})
	}
}

// What the handler refuses is documented as a response, and most of it not as a request.
func TestOpenAPIRefusals(t *testing.T) {
	t.Parallel()
	c := newContract(t)
	secret := with(webhookHeaders["api key"])
	form := secret.Clone()
	form.Set("Content-Type", "application/x-www-form-urlencoded")
	for name, tt := range map[string]struct {
		request httpCall
		verify  verify
		status  int
		// undocumented is what the document has against the request.
		undocumented string
	}{
		"no credentials":     {httpCall{body: goodRequest, unknown: true}, refuse, 401, "Authorization"},
		"wrong secret":       {httpCall{body: goodRequest, header: secret, unknown: true}, refuse, 401, ""},
		"no secrets to read": {httpCall{body: goodRequest, header: secret, unknown: true}, broken, 503, ""},
		"a form":             {httpCall{body: goodRequest, header: form, unknown: true}, accept, 415, "x-www-form-urlencoded"},
		"no JSON":            {httpCall{body: "name=Okta", header: secret, unknown: true}, accept, 400, "failed to decode"},
		"nothing in it":      {httpCall{body: "{}", header: secret, unknown: true}, accept, 422, "missing properties"},
		"an update":          {httpCall{body: updateRequest, header: secret, unknown: true}, accept, 403, ""},
		"too large":          {httpCall{body: goodRequest + strings.Repeat(" ", request.MaxRequestBytes), header: secret, unknown: true}, accept, 413, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			err := c.checkRequest(t, webhookRoute, tt.request)
			if tt.undocumented == "" {
				require.NoError(t, err)
			} else {
				require.ErrorContains(t, err, tt.undocumented)
			}
			f := newFixture(created)
			f.Verifier = tt.verify
			require.Equal(t, tt.status, c.call(t, f, webhookRoute, tt.request).StatusCode)
		})
	}
}

// broken is a verifier whose secrets cannot be read.
func broken(context.Context, http.Header, []byte) error { return errUpstream }

// TestOpenAPIRules compares the document's rules of a request with those of the function.
func TestOpenAPIRules(t *testing.T) {
	t.Parallel()
	c := newContract(t)
	// set returns the good request with another value of a field.
	set := func(field string, value any) string {
		var fields map[string]any
		require.NoError(t, json.Unmarshal([]byte(requestWithMetadata), &fields))
		fields[field] = value
		return string(mustEncode(fields))
	}
	drop := func(field string) string {
		var fields map[string]json.RawMessage
		require.NoError(t, json.Unmarshal([]byte(goodRequest), &fields))
		delete(fields, field)
		return string(mustEncode(fields))
	}
	pairs := func(n int) map[string]string {
		many := map[string]string{}
		for i := range n {
			many[strconv.Itoa(i)] = ""
		}
		return many
	}
	ofLength := func(n int) string { return "https://e.com/" + strings.Repeat("x", n-len("https://e.com/")) }
	long := func(n int) string { return strings.Repeat("\u00fc", n) }
	const sha256 = "b2fc9a0e85f0fecd3838ab15b32a3debe345fad17c02796348d58ffe1936cc45"
	// removes returns the good request with these certificates to remove.
	removes := func(ifExists string, hashes any) string {
		var fields map[string]any
		require.NoError(t, json.Unmarshal([]byte(set("remove_certificates", hashes)), &fields))
		fields["if_exists"] = ifExists
		return string(mustEncode(fields))
	}
	absent := func(members string) string { return `{"state":"absent"` + members + `}` }

	_, der := samltest.NewKeyPair("idp.example.com", time.Now().Add(-time.Hour), time.Now().Add(time.Hour))
	certificate := samltest.PEM(der)
	metadata := string(samltest.Shapes()[0].Build(samltest.Params{EntityID: "urn:idp:1", SigninURL: "https://idp.example.com/in", SignoutURL: "https://idp.example.com/out", Certificates: [][]byte{der}}))
	good := []string{
		goodRequest, requestWithMetadata,
		set("name", "x"), set("name", long(256)), set("name", " a \u4e16 b "), set("enabled", false),
		set("signin_url", ofLength(2048)), set("signin_url", "https://[::1]:8443/a?b=c#d"), set("signin_url", "https://e.com"),
		set("signout_url", ""), set("entity_id", long(1024)), set("entity_id", "urn:a:b"), set("entity_id", "a b"), set("entity_id", " a\u3000b "), set("entity_id", "x"),
		updateRequest, set("if_exists", "conflict"), set("if_exists", nil), set("public_certificate", certificate), set("public_certificate", nil),
		set("saml_metadata_url", nil), set("saml_metadata", nil), set("saml_metadata", metadata), set("saml_metadata_url", "https://idp.example.com/metadata"),
		`{"name":"Okta","enabled":true,"saml_metadata_url":"https://idp.example.com/metadata?a=b"}`, `{"name":"Okta","enabled":true,"saml_metadata":` + quoted(strings.TrimPrefix(metadata, "\ufeff")) + `}`,
		set("saml_metadata", base64.StdEncoding.EncodeToString([]byte(metadata))), set("saml_metadata", html.EscapeString(metadata)), set("saml_metadata", "ï»¿"+metadata),
		set("completed_integration", true), set("completed_integration", nil), set("metadata", nil),
		set("metadata", map[string]string{}), set("metadata", pairs(20)), set("metadata", map[string]string{long(64): long(256)}),
		set("if_exists", "restore"), set("state", "present"), set("state", nil), set("dry_run", true), set("dry_run", nil),
		set("remove_certificates", nil), set("remove_certificates", []string{}), removes("update", []string{sha256}), removes("restore", []string{sha256, sha256}),
		removes("update", []string{" " + strings.ToUpper(sha256) + " "}), removes("update", []string{"B2:" + sha256[2:]}), removes("update", slices.Repeat([]string{sha256}, 10)),
		absent(`,"entity_id":"urn:idp:1"`), absent(`,"entity_id":" a\u3000b ","dry_run":true,"metadata":{"ticket":"OPS-1"}`), absent(`,"entity_id":"x","dry_run":null,"metadata":null`),
		absent(`,"match":{"okta_app":"0oa1"}`), absent(`,"match":{"entra_app":"1f0c6c0e-2b53-4c7d-9a86-6a1f5d9e3b20"},"dry_run":false,"metadata":{}`),
		`{"managed":false,"entity_id":"urn:idp:1"}`,
	}
	bad := []string{
		set("name", ""), set("name", " \u00a0"), set("name", long(257)), set("name", "a\u0007b"), set("name", "a\ufffd"), set("name", nil), set("name", 1),
		set("enabled", "true"), set("enabled", nil), set("enabled", 1),
		set("signin_url", ""), set("signin_url", "http://e.com"), set("signin_url", "e.com/x"), set("signin_url", "https://"), set("signin_url", "https:///x"),
		set("signin_url", "https://:443/x"), set("signin_url", "https://u:p@e.com/"), set("signin_url", "https://u@e.com/"), set("signin_url", ofLength(2049)),
		set("signin_url", "https://e.com/a b"), set("signin_url", "https://e.com/\u0000"), set("signin_url", "https://e.com/\u2028"), set("signin_url", "https://e.com/%zz"),
		set("signout_url", "http://e.com"), set("signout_url", " "), set("signout_url", nil), set("signout_url", false),
		set("entity_id", ""), set("entity_id", long(1025)), set("entity_id", " "), set("entity_id", "a\u0085b"), set("entity_id", "a\ufffd"), set("entity_id", []string{}),
		set("completed_integration", "false"), set("completed_integration", 0),
		set("if_exists", "replace"), set("if_exists", true), set("public_certificate", ""), set("public_certificate", []string{certificate}), set("saml_metadata", "https://idp.example.com/"),
		set("saml_metadata", 1), set("saml_metadata_url", "http://idp.example.com/"), set("saml_metadata_url", false),
		`{"name":"Okta","enabled":true}`, `{"name":"Okta","enabled":true,"saml_metadata":null,"saml_metadata_url":null}`, `{"enabled":true,"saml_metadata_url":"https://idp.example.com/"}`,
		`{"name":"Okta","enabled":true,"saml_metadata":` + quoted(metadata) + `,"saml_metadata_url":"https://idp.example.com/"}`,
		set("metadata", []string{}), set("metadata", "x"), set("metadata", pairs(21)), set("metadata", map[string]any{"a": nil}), set("metadata", map[string]any{"a": 1}),
		set("metadata", map[string]string{"": "x"}), set("metadata", map[string]string{long(65): "x"}), set("metadata", map[string]string{"x": long(257)}),
		set("signinUrl", "x"), set("id", "x"),
		set("state", "absent"), set("state", "gone"), set("state", true), set("match", map[string]string{"okta_app": "0oa1"}), set("managed", true), set("managed", false), set("dry_run", "true"),
		set("remove_certificates", []string{sha256}), removes("conflict", []string{sha256}), removes("update", sha256), removes("update", []string{sha256[1:]}), removes("update", []string{sha256 + "0"}),
		removes("update", []any{1}), removes("update", []string{"z" + sha256[1:]}), removes("update", slices.Repeat([]string{sha256}, 11)),
		absent(""), absent(`,"entity_id":""`), absent(`,"entity_id":"x","name":"Okta"`), absent(`,"entity_id":"x","enabled":false`), absent(`,"entity_id":"x","if_exists":"update"`),
		absent(`,"entity_id":"x","match":{"okta_app":"0oa1"}`), absent(`,"match":{}`), absent(`,"match":{"okta_app":""}`), absent(`,"match":{"okta_app":"a","entra_app":"b"}`),
		absent(`,"match":{"ticket":"OPS-1"}`), absent(`,"match":{"okta_app":"` + long(257) + `"}`), absent(`,"match":"0oa1"`), absent(`,"entity_id":"x","managed":false`),
		absent(`,"entity_id":"x","remove_certificates":["` + sha256 + `"]`), `{"state":"present","entity_id":"x"}`,
		`{"managed":false}`, `{"managed":true,"entity_id":"x"}`, `{"managed":false,"entity_id":"x","dry_run":true}`, `{"managed":false,"entity_id":"x","metadata":{}}`,
		`{"managed":false,"match":{"okta_app":"0oa1"}}`,
		`{}`, `[]`, `null`, `"x"`,
	}
	for _, field := range allFields {
		bad = append(bad, drop(field))
	}
	c.checkRules(t, signedRoute, good, bad)
}

// checkRules compares the document's rules of a route with those of the function.
func (c contract) checkRules(t *testing.T, route string, good, bad []string) {
	t.Helper()
	for _, body := range good {
		_, err := request.Parse([]byte(body), time.Now())
		require.NoError(t, err, body)
		require.NoError(t, c.checkRequest(t, route, httpCall{body: body}), body)
	}
	for _, body := range bad {
		_, err := request.Parse([]byte(body), time.Now())
		require.Error(t, err, body)
		require.Error(t, c.checkRequest(t, route, httpCall{body: body}), body)
	}
}

// The validation finds what is wrong with a response.
func TestOpenAPIRefusesResponses(t *testing.T) {
	t.Parallel()
	c := newContract(t)
	success := newFixture(created).call(t, gateways["HTTP API"](httpCall{body: goodRequest}))
	full := newFixture(complete(protocol.OutcomeCreated)).call(t, gateways["HTTP API"](httpCall{body: goodRequest}))
	refusal := newFixture(fails(failure(problem.InProgress))).call(t, gateways["HTTP API"](httpCall{body: goodRequest}))
	for _, tt := range []struct {
		response               response
		old, replacement, want string
	}{
		{success, `"outcome":"created",`, "", "missing property 'outcome'"},
		{success, `"enabled":true`, `"enabled":"true"`, "want boolean"},
		{success, `"outcome":`, `"color":"red","outcome":`, "/color': false schema"},
		{success, `"id":`, `"color":"red","id":`, "/color': false schema"},
		{success, `"single_signon_url":"https:`, `"single_signon_url":"`, "not valid uri"},
		{full, `"sha256":`, `"color":"red","sha256":`, "/color': false schema"},
		{full, `"not_before":"`, `"not_before":"1`, "not valid date-time"},
		{full, `"NoCertificate"`, `"Other"`, "'NoCertificate'"},
		{full, `"sha256":"`, `"sha256":"x`, "does not match pattern"},
		{refusal, `"code":"InProgress"`, `"code":"Internal"`, "'InProgress'"},
		{refusal, `"code":`, `"color":"red","code":`, "/color': false schema"},
		{refusal, `"status":409`, `"status":410`, "must be 409"},
	} {
		require.NoError(t, c.checkResponse(t, signedRoute, httpCall{}, tt.response))
		require.Contains(t, tt.response.Body, tt.old)
		tt.response.Body = strings.Replace(tt.response.Body, tt.old, tt.replacement, 1)
		require.ErrorContains(t, c.checkResponse(t, signedRoute, httpCall{}, tt.response), tt.want)
	}
	for _, tt := range []struct{ header, value, want string }{
		{"Location", "/v3", "not valid uri"},
		{"Cache-Control", "public", "must be 'no-store'"},
		{"Content-Type", "text/html", "Content-Type has unexpected value"},
		{"X-Color", "red", "X-Color"},
	} {
		changed := success
		changed.Headers = maps.Clone(success.Headers)
		changed.Headers[tt.header] = tt.value
		require.ErrorContains(t, c.checkResponse(t, signedRoute, httpCall{}, changed), tt.want)
	}
	delete(success.Headers, "Location")
	require.ErrorContains(t, c.checkResponse(t, signedRoute, httpCall{}, success), `"Location" missing`)
	success.StatusCode = http.StatusNotModified
	require.ErrorContains(t, c.checkResponse(t, signedRoute, httpCall{}, success), "304")
}
