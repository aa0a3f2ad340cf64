package handler_test

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"

	"sendgrid-sso-integration/internal/problem"

	"github.com/pb33f/libopenapi"
	validator "github.com/pb33f/libopenapi-validator"
	"github.com/pb33f/libopenapi-validator/config"
	validation "github.com/pb33f/libopenapi-validator/errors"
	v3 "github.com/pb33f/libopenapi/datamodel/high/v3"
	"github.com/stretchr/testify/require"

	"sendgrid-sso-integration/internal/provision"
)

const (
	openapiFile  = "../openapi.yaml"
	signedRoute  = "/sso/integrations"
	webhookRoute = "/webhooks/sso/integrations"
)

// contract is the OpenAPI document of the HTTP door, and what checks traffic against it.
type contract struct {
	model *v3.Document
	// requests checks requests. answers checks answers, and accepts no field and no header
	// that is not documented, though clients have to bear with such.
	requests, answers validator.Validator
}

func readContract(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile(openapiFile)
	require.NoError(t, err)
	return string(text)
}

func newContract(t *testing.T, text string) contract {
	t.Helper()
	document, err := libopenapi.NewDocument([]byte(text))
	require.NoError(t, err)
	model, err := document.BuildV3Model()
	require.NoError(t, err)
	c := contract{model: &model.Model}
	options := []config.Option{config.WithFormatAssertions(), config.WithStrictServerMatching(), config.WithRejectUndeclaredRequestBody()}
	var errs []error
	c.requests, errs = validator.NewValidator(document, options...)
	require.Empty(t, errs)
	c.answers, errs = validator.NewValidator(document, append(options, config.WithStrictMode(),
		config.WithStrictIgnoredHeaders("content-type"), config.WithStrictIgnorePaths("$.body.metadata.*"))...)
	require.Empty(t, errs)
	return c
}

// wire returns a request as a client sends it.
func wire(t *testing.T, route string, r request) *http.Request {
	t.Helper()
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
	if route == signedRoute && !r.unknown {
		sent.Header.Set("Authorization", "AWS4-HMAC-SHA256 Credential=…")
	}
	return sent
}

// checkRequest returns what is wrong with a request; nothing if it is as documented.
func (c contract) checkRequest(t *testing.T, route string, r request) string {
	t.Helper()
	ok, problems := c.requests.ValidateHttpRequestSync(wire(t, route, r))
	require.Equal(t, ok, len(problems) == 0)
	return explain(problems)
}

// checkAnswer returns what is wrong with the answer to a request.
func (c contract) checkAnswer(t *testing.T, route string, r request, a answer) string {
	t.Helper()
	response := &http.Response{
		StatusCode: a.StatusCode, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(a.Body)), ContentLength: int64(len(a.Body)),
	}
	for name, value := range a.Headers {
		response.Header.Set(name, value)
	}
	ok, problems := c.answers.ValidateHttpResponse(wire(t, route, r), response)
	require.Equal(t, ok, len(problems) == 0)
	return explain(problems)
}

func explain(problems []*validation.ValidationError) string {
	var text strings.Builder
	for _, problem := range problems {
		text.WriteString(problem.Message + ": " + problem.Reason + "\n")
		for _, detail := range problem.SchemaValidationErrors {
			text.WriteString("  " + detail.Reason + "\n")
		}
	}
	return text.String()
}

// call has the real handler answer a request, and checks the answer.
func (c contract) call(t *testing.T, d door, route string, r request) answer {
	t.Helper()
	a := d.call(t, gateways["HTTP API"](r))
	require.Empty(t, c.checkAnswer(t, route, r, a), "%d %v %s", a.StatusCode, a.Headers, a.Body)
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

// routes are the ways to send a good request.
func routes() map[string]func(body string) (route string, r request) {
	ways := map[string]func(string) (string, request){
		"signed": func(body string) (string, request) { return signedRoute, request{body: body} },
	}
	for scheme, header := range webhookHeaders {
		ways[scheme] = func(body string) (string, request) {
			return webhookRoute, request{body: body, header: with(header), unknown: true}
		}
	}
	return ways
}

func TestOpenAPIDocument(t *testing.T) {
	t.Parallel()
	c := newContract(t, readContract(t))
	ok, problems := c.requests.ValidateDocument()
	require.True(t, ok, explain(problems))
	require.True(t, strings.HasPrefix(c.model.Version, "3.1."), c.model.Version)
}

// The document lists every code, each under the status that it is answered with.
func TestOpenAPICodes(t *testing.T) {
	t.Parallel()
	c := newContract(t, readContract(t))
	var listed []problem.Code
	for _, value := range c.model.Components.Schemas.GetOrZero("Code").Schema().Enum {
		listed = append(listed, problem.Code(value.Value))
	}
	require.ElementsMatch(t, slices.Collect(maps.Keys(codes)), listed)

	shown := map[problem.Code]int{}
	for _, route := range []string{signedRoute, webhookRoute} {
		for method, operation := range c.model.Paths.PathItems.GetOrZero(route).GetOperations().FromOldest() {
			for status, response := range operation.Responses.Codes.FromOldest() {
				content := response.Content.GetOrZero("application/problem+json")
				if content == nil {
					continue
				}
				for name, example := range content.Examples.FromOldest() {
					code := problem.Code(name)
					require.Equal(t, strconv.Itoa(code.Status()), status, "%s %s: %s", method, route, name)
					shown[code] = code.Status()

					body := jsonOf(t, example.Value)
					var p problemAnswer
					require.NoError(t, json.Unmarshal(body, &p))
					require.Equal(t, []string{name, code.Title(), "urn:sendgrid-sso-integration:problem:" + name}, []string{p.Code, p.Title, p.Type})
					a := answer{StatusCode: code.Status(), Headers: documentedHeaders(code), Body: string(body)}
					require.Empty(t, c.checkAnswer(t, route, request{method: strings.ToUpper(method)}, a), "the example of %s", name)
				}
			}
		}
	}
	for code := range codes {
		if code != problem.MethodNotAllowed { // The document knows POST only.
			require.Contains(t, shown, code, "there is an example of every code")
		}
	}
}

// documentedHeaders are those that an answer with this code must have.
func documentedHeaders(code problem.Code) map[string]string {
	headers := map[string]string{"Content-Type": "application/problem+json", "Cache-Control": "no-store", "X-Request-Id": invocationID}
	switch code {
	case problem.Unauthenticated:
		headers["WWW-Authenticate"] = "Bearer"
	case problem.MethodNotAllowed:
		headers["Allow"] = "POST"
	case problem.UnsupportedMediaType:
		headers["Accept-Post"] = "application/json"
	}
	return headers
}

// jsonOf returns a part of the document as JSON.
func jsonOf(t *testing.T, node interface{ Decode(any) error }) []byte {
	t.Helper()
	var value any
	require.NoError(t, node.Decode(&value))
	data, err := json.Marshal(value)
	require.NoError(t, err)
	return data
}

// The examples of requests are good ones, and so are those of their answers.
func TestOpenAPIExamples(t *testing.T) {
	t.Parallel()
	c := newContract(t, readContract(t))
	operation := c.model.Paths.PathItems.GetOrZero(webhookRoute).Post
	examples := operation.RequestBody.Content.GetOrZero("application/json").Examples
	require.NotZero(t, examples.Len())
	for name, example := range examples.FromOldest() {
		body := string(jsonOf(t, example.Value))
		_, err := provision.ParseRequest([]byte(body))
		require.NoError(t, err, name)
		require.Empty(t, c.checkRequest(t, signedRoute, request{body: body}), name)
	}
	for _, status := range []int{http.StatusOK, http.StatusCreated} {
		example := operation.Responses.Codes.GetOrZero(strconv.Itoa(status)).Content.GetOrZero("application/json").Example
		a := answer{StatusCode: status, Headers: map[string]string{"Content-Type": "application/json"}, Body: string(jsonOf(t, example))}
		if status == http.StatusCreated {
			a.Headers["Location"] = "https://api.sendgrid.com/v3/sso/integrations/b0b98502-9408-4b24-9e3d-31ed7cb15312"
		}
		require.Empty(t, c.checkAnswer(t, signedRoute, request{}, a), status)
	}
}

func TestOpenAPISuccess(t *testing.T) {
	t.Parallel()
	c := newContract(t, readContract(t))
	for scheme, way := range routes() {
		for outcome, provisioner := range map[string]ensure{"created": created, "unchanged": unchanged} {
			for _, body := range []string{goodRequest, requestWithMetadata} {
				t.Run(scheme+"/"+outcome, func(t *testing.T) {
					t.Parallel()
					route, r := way(body)
					require.Empty(t, c.checkRequest(t, route, r))
					d := newDoor(provisioner)
					d.Verifier = verify(accept)
					a := c.call(t, d, route, r)
					require.Equal(t, map[string]int{"created": 201, "unchanged": 200}[outcome], a.StatusCode)
				})
			}
		}
	}
}

// TestOpenAPIProblems has every row of the error table answered, with all that an error
// can have, and with nothing but a message.
func TestOpenAPIProblems(t *testing.T) {
	t.Parallel()
	c := newContract(t, readContract(t))
	for code := range codes {
		bare := &problem.Error{Code: code, Message: "A sentence for the caller."}
		for name, failure := range map[string]*problem.Error{"complete": failure(code), "bare": bare} {
			for scheme, way := range routes() {
				t.Run(string(code)+"/"+name+"/"+scheme, func(t *testing.T) {
					t.Parallel()
					route, r := way(goodRequest)
					d := newDoor(fails(failure))
					d.Verifier = verify(accept)
					if code == problem.MethodNotAllowed {
						// A POST cannot be answered so.
						a := d.call(t, gateways["HTTP API"](r))
						require.Contains(t, c.checkAnswer(t, route, r, a), "405")
						return
					}
					a := c.call(t, d, route, r)
					require.Equal(t, code.Status(), a.StatusCode)
					require.Equal(t, string(code), a.problem(t).Code)
				})
			}
		}
	}
}

// What the door itself refuses is documented, too; and most of it is no request that the
// document allows.
func TestOpenAPIRefusals(t *testing.T) {
	t.Parallel()
	c := newContract(t, readContract(t))
	secret := with(webhookHeaders["api key"])
	tests := map[string]struct {
		request request
		verify  verify
		status  int
		// undocumented is what the document has against the request.
		undocumented string
	}{
		"no credentials":     {request{body: goodRequest, unknown: true}, refuse, 401, "Authorization"},
		"wrong secret":       {request{body: goodRequest, header: secret, unknown: true}, refuse, 401, ""},
		"no secrets to read": {request{body: goodRequest, header: secret, unknown: true}, broken, 503, ""},
		"a form":             {request{body: goodRequest, header: form(secret), unknown: true}, accept, 415, "x-www-form-urlencoded"},
		"no body":            {request{header: secret, unknown: true}, accept, 400, "body"},
		"no JSON":            {request{body: "name=Okta", header: secret, unknown: true}, accept, 400, "cannot be decoded"},
		"an array":           {request{body: "[]", header: secret, unknown: true}, accept, 400, "want object"},
		"nothing in it":      {request{body: "{}", header: secret, unknown: true}, accept, 422, "missing properties"},
		"too large": {
			request{body: goodRequest + strings.Repeat(" ", provision.MaxRequestBytes), header: secret, unknown: true}, accept, 413, "",
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			problems := c.checkRequest(t, webhookRoute, test.request)
			if test.undocumented == "" {
				require.Empty(t, problems)
			} else {
				require.Contains(t, problems, test.undocumented)
			}
			d := newDoor(created)
			d.Verifier = test.verify
			require.Equal(t, test.status, c.call(t, d, webhookRoute, test.request).StatusCode)
		})
	}
}

func form(header http.Header) http.Header {
	header = header.Clone()
	header.Set("Content-Type", "application/x-www-form-urlencoded")
	return header
}

// TestOpenAPIRules holds the document's rules of a request against those of the function.
func TestOpenAPIRules(t *testing.T) {
	t.Parallel()
	c := newContract(t, readContract(t))
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

	good := []string{
		goodRequest, requestWithMetadata,
		set("name", "x"), set("name", long(256)), set("name", " a \u4e16 b "), set("enabled", false),
		set("signin_url", ofLength(2048)), set("signin_url", "https://[::1]:8443/a?b=c#d"), set("signin_url", "https://e.com"),
		set("signout_url", ""), set("entity_id", long(1024)), set("entity_id", "urn:a:b"), set("entity_id", "x"),
		set("completed_integration", true), set("completed_integration", nil), set("metadata", nil),
		set("metadata", map[string]string{}), set("metadata", pairs(20)), set("metadata", map[string]string{long(64): long(256)}),
	}
	bad := []string{
		set("name", ""), set("name", " \u00a0"), set("name", long(257)), set("name", "a\u0007b"), set("name", "a\ufffd"), set("name", nil), set("name", 1),
		set("enabled", "true"), set("enabled", nil), set("enabled", 1),
		set("signin_url", ""), set("signin_url", "http://e.com"), set("signin_url", "e.com/x"), set("signin_url", "https://"), set("signin_url", "https:///x"),
		set("signin_url", "https://:443/x"), set("signin_url", "https://u:p@e.com/"), set("signin_url", "https://u@e.com/"), set("signin_url", ofLength(2049)),
		set("signin_url", "https://e.com/a b"), set("signin_url", "https://e.com/\u0000"), set("signin_url", "https://e.com/\u2028"), set("signin_url", "https://e.com/%zz"),
		set("signout_url", "http://e.com"), set("signout_url", " "), set("signout_url", nil), set("signout_url", false),
		set("entity_id", ""), set("entity_id", long(1025)), set("entity_id", "a b"), set("entity_id", "a\u0085b"), set("entity_id", "a\u3000b"), set("entity_id", "a\ufffd"), set("entity_id", []string{}),
		set("completed_integration", "false"), set("completed_integration", 0),
		set("metadata", []string{}), set("metadata", "x"), set("metadata", pairs(21)), set("metadata", map[string]any{"a": nil}), set("metadata", map[string]any{"a": 1}),
		set("metadata", map[string]string{"": "x"}), set("metadata", map[string]string{long(65): "x"}), set("metadata", map[string]string{"x": long(257)}),
		set("signinUrl", "x"), set("id", "x"),
		`{}`, `[]`, `null`, `"x"`,
	}
	for _, field := range allFields {
		bad = append(bad, drop(field))
	}
	for _, body := range good {
		_, err := provision.ParseRequest([]byte(body))
		require.NoError(t, err, body)
		require.Empty(t, c.checkRequest(t, signedRoute, request{body: body}), body)
	}
	for _, body := range bad {
		_, err := provision.ParseRequest([]byte(body))
		require.Error(t, err, body)
		require.NotEmpty(t, c.checkRequest(t, signedRoute, request{body: body}), body)
	}
}

// A validation that finds nothing wrong proves something only if it would.
func TestOpenAPIBites(t *testing.T) {
	t.Parallel()
	text := readContract(t)
	c := newContract(t, text)
	success := newDoor(created).call(t, gateways["HTTP API"](request{body: goodRequest}))
	refusal := newDoor(fails(failure(problem.InProgress))).call(t, gateways["HTTP API"](request{body: goodRequest}))
	changed := func(a answer, change func(*answer)) answer {
		a.Headers = maps.Clone(a.Headers)
		change(&a)
		return a
	}
	replaced := func(a answer, old, replacement string) answer {
		require.Contains(t, a.Body, old)
		return changed(a, func(a *answer) { a.Body = strings.Replace(a.Body, old, replacement, 1) })
	}
	answers := map[string]struct {
		answer answer
		want   string
	}{
		"no outcome":            {replaced(success, `"outcome":"created",`, ""), "missing property 'outcome'"},
		"another outcome":       {replaced(success, `"created"`, `"unchanged"`), "'created'"},
		"no URL":                {replaced(success, `"audience_url"`, `"audience_uri"`), "missing property 'audience_url'"},
		"a wrong type":          {replaced(success, `"enabled":true`, `"enabled":"true"`), "want boolean"},
		"one more field":        {replaced(success, `"id":`, `"color":"red","id":`), "color"},
		"no Location":           {changed(success, func(a *answer) { delete(a.Headers, "Location") }), "'Location'"},
		"one more header":       {changed(success, func(a *answer) { a.Headers["X-Color"] = "red" }), "X-Color"},
		"may be kept":           {changed(success, func(a *answer) { a.Headers["Cache-Control"] = "public" }), "no-store"},
		"another status":        {changed(success, func(a *answer) { a.StatusCode = http.StatusAccepted }), "202"},
		"another media type":    {changed(success, func(a *answer) { a.Headers["Content-Type"] = "text/html" }), "text/html"},
		"no code":               {replaced(refusal, `"code":"InProgress",`, ""), "missing property 'code'"},
		"code of other status":  {replaced(refusal, `"code":"InProgress"`, `"code":"Internal"`), "'InProgress'"},
		"a code that is none":   {replaced(refusal, `"code":"InProgress"`, `"code":"Sleeping"`), "'InProgress'"},
		"status of others":      {replaced(refusal, `"status":409`, `"status":410`), "409"},
		"another type":          {replaced(refusal, `"type":"urn:`, `"type":"about:`), "pattern"},
		"field without message": {replaced(refusal, `"message":"is at fault"`, `"massage":"is at fault"`), "missing property 'message'"},
		"Retry-After as a date": {changed(refusal, func(a *answer) { a.Headers["Retry-After"] = "Mon, 23 Nov 2026 15:00:00 GMT" }), "want integer"},
	}
	require.Empty(t, c.checkAnswer(t, signedRoute, request{}, success))
	require.Empty(t, c.checkAnswer(t, signedRoute, request{}, refusal))
	for name, test := range answers {
		t.Run("answer with "+name, func(t *testing.T) {
			t.Parallel()
			require.Contains(t, c.checkAnswer(t, signedRoute, request{}, test.answer), test.want)
		})
	}

	t.Run("unsigned", func(t *testing.T) {
		t.Parallel()
		require.Contains(t, c.checkRequest(t, signedRoute, request{body: goodRequest, unknown: true}), "Authorization")
	})
	t.Run("another host", func(t *testing.T) {
		t.Parallel()
		sent := wire(t, signedRoute, request{body: goodRequest})
		sent.URL.Host, sent.Host = "example.com", "example.com"
		ok, _ := c.requests.ValidateHttpRequestSync(sent)
		require.False(t, ok)
	})
	for scheme, header := range webhookHeaders {
		for name := range header {
			t.Run(fmt.Sprintf("%s without %s", scheme, name), func(t *testing.T) {
				t.Parallel()
				incomplete := with(header)
				incomplete.Del(name)
				require.NotEmpty(t, c.checkRequest(t, webhookRoute, request{body: goodRequest, header: incomplete, unknown: true}))
			})
		}
	}
	t.Run("a document that lacks a code", func(t *testing.T) {
		t.Parallel()
		short := strings.Replace(text, "enum: [Conflict, InProgress]", "enum: [Conflict]", 1)
		require.NotEqual(t, text, short)
		require.Contains(t, newContract(t, short).checkAnswer(t, signedRoute, request{}, refusal), "'Conflict'")
	})
	t.Run("a document that is none", func(t *testing.T) {
		t.Parallel()
		ok, _ := newContract(t, strings.Replace(text, "in: header", "in: envelope", 1)).requests.ValidateDocument()
		require.False(t, ok)
	})
}
