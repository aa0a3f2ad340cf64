package handler_test

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"strconv"
	"strings"
	"testing"

	"github.com/aws/aws-lambda-go/events"
	"github.com/stretchr/testify/require"

	"sendgrid-sso-integration/internal/problem"
	"sendgrid-sso-integration/internal/provision"
	"sendgrid-sso-integration/internal/request"
)

// allFields are the required fields of a request, in the order in which they are reported.
var allFields = []string{"name", "enabled", "signin_url", "signout_url", "entity_id"}

func TestHTTPRefusals(t *testing.T) {
	t.Parallel()
	contentType := func(values ...string) http.Header { return http.Header{"content-type": values} }
	allow, acceptPost := map[string]string{"Allow": "POST"}, map[string]string{"Accept-Post": "application/json"}
	tests := map[string]struct {
		request httpCall
		code    problem.Code
		fields  []string
		header  map[string]string
	}{
		"GET":                  {httpCall{method: "GET"}, problem.MethodNotAllowed, nil, allow},
		"method in lower case": {httpCall{method: "post", body: goodRequest}, problem.MethodNotAllowed, nil, allow},
		"form":                 {httpCall{header: contentType("application/x-www-form-urlencoded"), body: goodRequest}, problem.UnsupportedMediaType, nil, acceptPost},
		"no content type":      {httpCall{header: http.Header{}, body: goodRequest}, problem.UnsupportedMediaType, nil, acceptPost},
		"two content types":    {httpCall{header: contentType("application/json", "text/plain"), body: goodRequest}, problem.UnsupportedMediaType, nil, nil},
		"two, joined":          {httpCall{header: contentType("application/json, text/plain"), body: goodRequest}, problem.UnsupportedMediaType, nil, nil},
		"two forms, joined":    {httpCall{header: contentType("text/plain, text/plain"), body: goodRequest}, problem.UnsupportedMediaType, nil, nil},
		"jsonp":                {httpCall{header: contentType("application/jsonp"), body: goodRequest}, problem.UnsupportedMediaType, nil, nil},
		"malformed type":       {httpCall{header: contentType("application/json; charset"), body: goodRequest}, problem.UnsupportedMediaType, nil, nil},
		"another charset":      {httpCall{header: contentType("application/json; charset=iso-8859-1"), body: goodRequest}, problem.UnsupportedMediaType, nil, nil},
		"empty body":           {httpCall{}, problem.InvalidJSON, nil, nil},
		"array":                {httpCall{body: "[" + goodRequest + "]"}, problem.InvalidJSON, nil, nil},
		"no UTF-8":             {httpCall{body: "{\"name\":\"\xff\"}", base64: true}, problem.InvalidJSON, nil, nil},
		"all missing":          {httpCall{body: "{}"}, problem.InvalidRequest, allFields, nil},
		"unknown field":        {httpCall{body: strings.Replace(goodRequest, "{", `{"color":1,`, 1)}, problem.InvalidRequest, []string{"color"}, nil},
	}
	for gateway, event := range gateways {
		for name, tt := range tests {
			t.Run(gateway+"/"+name, func(t *testing.T) {
				t.Parallel()
				f := newFixture(nil)
				a := f.call(t, event(tt.request))
				p := a.problem(t)
				require.Equal(t, string(tt.code), p.Code, p.Detail)
				require.Equal(t, tt.fields, p.fields())
				for header, value := range tt.header {
					require.Equal(t, value, a.Headers[header])
				}
				require.NotContains(t, a.Headers, "Retry-After", "a retry cannot help")
			})
		}
	}
}

func TestJSONContentTypes(t *testing.T) {
	t.Parallel()
	headers := []http.Header{}
	for _, value := range []string{
		"application/json", "Application/JSON", "application/json;", `application/json;charset="UTF-8"`,
		"application/json; charset=Utf-8; profile=x", "application/cloudevents+json; charset=utf-8",
		"application/json; charset=utf8", "application/json;charset=UTF8", "application/json, application/json", "application/json; charset=utf-8,Application/JSON; charset=UTF-8",
	} {
		headers = append(headers, http.Header{"content-type": {value}})
	}
	headers = append(headers, http.Header{"Content-Type": {"application/json", "application/json"}})
	for _, name := range []string{"Content-Type", "CONTENT-TYPE", "cOnTeNt-TyPe"} {
		headers = append(headers, http.Header{name: {"application/json"}})
	}
	for _, event := range gateways {
		for _, header := range headers {
			require.Empty(t, newFixture(created).code(t, event(httpCall{header: header, body: goodRequest})), header)
		}
	}
}

// The limit counts the bytes that the caller sent, not those of their base64.
func TestSizeLimit(t *testing.T) {
	t.Parallel()
	for over, code := range map[int]string{0: "", 1: "PayloadTooLarge", 2: "PayloadTooLarge", 3: "PayloadTooLarge"} {
		body := goodRequest + strings.Repeat(" ", request.MaxRequestBytes+over-len(goodRequest))
		for gateway, event := range gateways {
			require.Equal(t, code, newFixture(created).code(t, event(httpCall{body: body})), gateway)
			require.Equal(t, code, newFixture(created).code(t, event(httpCall{body: body, base64: true})), gateway)
		}
	}
}

func TestBase64Body(t *testing.T) {
	t.Parallel()
	var got result
	a := newFixture(created).call(t, gateways["HTTP API"](httpCall{body: strings.Replace(goodRequest, "Okta", "Z\u00fcrich \U0001F511", 1), base64: true}))
	strictly(t, []byte(a.Body), &got)
	require.Equal(t, "Z\u00fcrich \U0001F511", got.Integration.Name)

	broken := strings.Replace(string(gateways["HTTP API"](httpCall{base64: true})), `"isBase64Encoded"`, `"body":"{not base64}","isBase64Encoded"`, 1)
	p := newFixture(nil).call(t, []byte(broken)).problem(t)
	require.Equal(t, "InvalidJSON", p.Code)
	require.Contains(t, p.Detail, "base64")
}

// The gateways' own types understand every response, and it is the same through each of them.
func TestHTTPResponses(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		provisioner ensure
		status      int
		headers     []string
	}{
		"created":   {created, http.StatusCreated, []string{"Content-Type", "Cache-Control", "X-Request-Id", "Location"}},
		"unchanged": {unchanged, http.StatusOK, []string{"Content-Type", "Cache-Control", "X-Request-Id"}},
		"conflict":  {fails(failure(problem.Conflict)), http.StatusConflict, []string{"Content-Type", "Cache-Control", "X-Request-Id"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for _, event := range gateways {
				data, err := newFixture(tt.provisioner).invoke(t, event(httpCall{body: goodRequest}))
				require.NoError(t, err)
				for _, response := range []any{&events.APIGatewayV2HTTPResponse{}, &events.LambdaFunctionURLResponse{}, &events.APIGatewayProxyResponse{}} {
					strictly(t, data, response)
				}
				a := readResponse(t, data)
				require.Equal(t, tt.status, a.StatusCode)
				require.Len(t, a.Headers, len(tt.headers))
				for _, header := range tt.headers {
					require.NotEmpty(t, a.Headers[header])
				}
				require.Equal(t, invocationID, a.Headers["X-Request-Id"])
				if tt.status == http.StatusCreated {
					require.Equal(t, "https://sg.example.com/integrations/id%2F1", a.Headers["Location"])
				}
			}
		})
	}
}

// A problem has every id under which the delivery is known, and that of the integration.
func TestProblemBody(t *testing.T) {
	t.Parallel()
	f := newFixture(fails(&problem.Error{Code: problem.Conflict, Message: "It differs.", IntegrationID: "id/1"}))
	data, err := f.Invoke(traced(t), gateways["HTTP API"](httpCall{body: requestWithMetadata}))
	require.NoError(t, err)
	require.JSONEq(t, `{
		"type": "urn:sendgrid-sso-integration:problem:Conflict", "title": "`+problem.Conflict.Title()+`", "status": 409, "detail": "It differs.",
		"code": "Conflict", "request_id": "`+invocationID+`", "trace_id": "`+traceRoot+`", "gateway_request_id": "JKJaXmPLvHcESHA=",
		"integration_id": "id/1", "entity_id": "urn:idp:1", "metadata": {"ticket": "OPS-1"}
	}`, readResponse(t, data).Body)
	require.Equal(t, "id/1", f.log.line(t)["integration_id"])
	require.True(t, json.Valid(data))
}

// The path decides what kind of request it is: what may be sent to one is not taken by another.
func TestPathOfAnotherKind(t *testing.T) {
	t.Parallel()
	for gateway, event := range gateways {
		for path, code := range map[string]string{
			"/sso/status": "MethodNotAllowed", "/prod/sso/teammates/": "InvalidRequest", "/webhooks/sso/teammates": "InvalidRequest",
			"/webhooks/sso/integrations": "", "/": "",
		} {
			reached := false
			f := newFixture(func(ctx context.Context, r request.Resolved) (*provision.Result, error) {
				reached = true
				return created(ctx, r)
			})
			payload := bytes.ReplaceAll(event(httpCall{body: goodRequest}), []byte(`"/sso/integrations"`), []byte(strconv.Quote(path)))
			require.Equal(t, code, f.code(t, payload), "%s %s", gateway, path)
			require.Equal(t, code == "", reached)
		}
	}
}
