package handler_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"sendgrid-sso-integration/internal/problem"

	"github.com/stretchr/testify/require"

	"sendgrid-sso-integration/internal/provision"
)

// allFields are the required fields of a request, in the order in which they are reported.
var allFields = []string{"name", "enabled", "signin_url", "signout_url", "entity_id"}

// TestHTTPRefusals sends what no gateway's request may be, and the provisioner does not
// hear of it.
func TestHTTPRefusals(t *testing.T) {
	t.Parallel()
	contentType := func(values ...string) http.Header { return http.Header{"content-type": values} }
	tests := map[string]struct {
		request request
		status  int
		code    problem.Code
		fields  []string
		header  map[string]string
	}{
		"GET":                  {request{method: "GET"}, 405, problem.MethodNotAllowed, nil, map[string]string{"Allow": "POST"}},
		"PUT":                  {request{method: "PUT", body: goodRequest}, 405, problem.MethodNotAllowed, nil, map[string]string{"Allow": "POST"}},
		"OPTIONS":              {request{method: "OPTIONS"}, 405, problem.MethodNotAllowed, nil, map[string]string{"Allow": "POST"}},
		"method in lower case": {request{method: "post", body: goodRequest}, 405, problem.MethodNotAllowed, nil, map[string]string{"Allow": "POST"}},
		"form":                 {request{header: contentType("application/x-www-form-urlencoded"), body: goodRequest}, 415, problem.UnsupportedMediaType, nil, map[string]string{"Accept-Post": "application/json"}},
		"no content type":      {request{header: http.Header{}, body: goodRequest}, 415, problem.UnsupportedMediaType, nil, nil},
		"empty content type":   {request{header: contentType(""), body: goodRequest}, 415, problem.UnsupportedMediaType, nil, nil},
		"two content types":    {request{header: contentType("application/json", "application/json"), body: goodRequest}, 415, problem.UnsupportedMediaType, nil, nil},
		"in two cases":         {request{header: http.Header{"content-type": {"application/json"}, "Content-Type": {"application/json"}}, body: goodRequest}, 415, problem.UnsupportedMediaType, nil, nil},
		"text/json":            {request{header: contentType("text/json"), body: goodRequest}, 415, problem.UnsupportedMediaType, nil, nil},
		"jsonp":                {request{header: contentType("application/jsonp"), body: goodRequest}, 415, problem.UnsupportedMediaType, nil, nil},
		"malformed type":       {request{header: contentType("application/json; charset"), body: goodRequest}, 415, problem.UnsupportedMediaType, nil, nil},
		"another charset":      {request{header: contentType("application/json; charset=iso-8859-1"), body: goodRequest}, 415, problem.UnsupportedMediaType, nil, nil},
		"empty body":           {request{}, 400, problem.InvalidJSON, nil, nil},
		"empty body, base64":   {request{base64: true}, 400, problem.InvalidJSON, nil, nil},
		"white space":          {request{body: " \r\n\t"}, 400, problem.InvalidJSON, nil, nil},
		"no JSON":              {request{body: "name=Okta"}, 400, problem.InvalidJSON, nil, nil},
		"cut off":              {request{body: goodRequest[:40]}, 400, problem.InvalidJSON, nil, nil},
		"array":                {request{body: "[" + goodRequest + "]"}, 400, problem.InvalidJSON, nil, nil},
		"text":                 {request{body: `"Okta"`}, 400, problem.InvalidJSON, nil, nil},
		"null":                 {request{body: "null"}, 400, problem.InvalidJSON, nil, nil},
		"something follows":    {request{body: goodRequest + " x"}, 400, problem.InvalidJSON, nil, nil},
		"two objects":          {request{body: goodRequest + goodRequest}, 400, problem.InvalidJSON, nil, nil},
		"no UTF-8":             {request{body: "{\"name\":\"\xff\"}", base64: true}, 400, problem.InvalidJSON, nil, nil},
		"all missing":          {request{body: "{}"}, 422, problem.InvalidRequest, allFields, nil},
		"all null":             {request{body: `{"name":null,"enabled":null,"signin_url":null,"signout_url":null,"entity_id":null}`}, 422, problem.InvalidRequest, allFields, nil},
		"all of other types":   {request{body: `{"name":1,"enabled":"true","signin_url":[],"signout_url":{},"entity_id":false,"completed_integration":0,"metadata":[]}`}, 422, problem.InvalidRequest, append(allFields[:5:5], "completed_integration", "metadata"), nil},
		"unknown fields":       {request{body: strings.Replace(goodRequest, "{", `{"signinUrl":"x","color":1,`, 1)}, 422, problem.InvalidRequest, []string{"signinUrl", "color"}, nil},
		"unknown fields only":  {request{body: `{"color":1}`}, 422, problem.InvalidRequest, []string{"color"}, nil},
		"field given twice":    {request{body: strings.Replace(goodRequest, "{", `{"name":"a",`, 1)}, 422, problem.InvalidRequest, []string{"name"}, nil},
	}
	for gateway, event := range gateways {
		for name, test := range tests {
			t.Run(gateway+"/"+name, func(t *testing.T) {
				t.Parallel()
				d := newDoor(nil)
				a := d.call(t, event(test.request))
				p := a.problem(t)
				require.Equal(t, string(test.code), p.Code, p.Detail)
				require.Equal(t, test.status, a.StatusCode)
				require.Equal(t, test.fields, p.fields())
				for header, value := range test.header {
					require.Equal(t, value, a.Headers[header])
				}
				require.NotContains(t, a.Headers, "Retry-After", "a retry cannot help")
				require.Equal(t, string(test.code), d.log.line(t)["code"])
			})
		}
	}
}

func TestJSONContentTypes(t *testing.T) {
	t.Parallel()
	for _, contentType := range []string{
		"application/json", "Application/JSON", "application/json;", "application/json; charset=utf-8", `application/json;charset="UTF-8"`,
		"application/json; charset=Utf-8; profile=x", "application/vnd.api+json", "application/cloudevents+json; charset=utf-8",
	} {
		for gateway, event := range gateways {
			t.Run(gateway+"/"+contentType, func(t *testing.T) {
				t.Parallel()
				a := newDoor(created).call(t, event(request{header: http.Header{"content-type": {contentType}}, body: goodRequest}))
				require.Equal(t, http.StatusCreated, a.StatusCode, a.Body)
			})
		}
	}
}

func TestHeaderNamesInAnyCase(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"content-type", "Content-Type", "CONTENT-TYPE", "cOnTeNt-TyPe"} {
		for gateway, event := range gateways {
			t.Run(gateway+"/"+name, func(t *testing.T) {
				t.Parallel()
				a := newDoor(created).call(t, event(request{header: http.Header{name: {"application/json"}}, body: goodRequest}))
				require.Equal(t, http.StatusCreated, a.StatusCode, a.Body)
			})
		}
	}
}

// The limit counts the bytes that the caller sent, not those of their base64.
func TestSizeLimit(t *testing.T) {
	t.Parallel()
	for _, over := range []int{0, 1, 2, 3, 1000} {
		for _, encoded := range []bool{false, true} {
			for gateway, event := range gateways {
				t.Run(fmt.Sprintf("%s/base64 %t/limit+%d", gateway, encoded, over), func(t *testing.T) {
					t.Parallel()
					body := goodRequest + strings.Repeat(" ", provision.MaxRequestBytes+over-len(goodRequest))
					provisioner := ensure(nil)
					if over == 0 {
						provisioner = created
					}
					a := newDoor(provisioner).call(t, event(request{body: body, base64: encoded}))
					if over == 0 {
						require.Equal(t, http.StatusCreated, a.StatusCode, a.Body)
						return
					}
					require.Equal(t, http.StatusRequestEntityTooLarge, a.StatusCode, a.Body)
					require.Equal(t, "PayloadTooLarge", a.problem(t).Code)
				})
			}
		}
	}
}

func TestBase64Body(t *testing.T) {
	t.Parallel()
	umlaut := strings.Replace(goodRequest, "Okta", "Z\u00fcrich \u2013 \U0001F511", 1)
	for gateway, event := range gateways {
		t.Run(gateway, func(t *testing.T) {
			t.Parallel()
			var got result
			a := newDoor(created).call(t, event(request{body: umlaut, base64: true}))
			require.Equal(t, http.StatusCreated, a.StatusCode, a.Body)
			strictly(t, []byte(a.Body), &got)
			require.Equal(t, "Z\u00fcrich \u2013 \U0001F511", got.Integration.Name)

			// The gateway says that it is base64, and it is not.
			broken := strings.Replace(string(event(request{body: "", base64: true})), `"body":""`, `"body":"{not base64}"`, 1)
			if !strings.Contains(broken, "{not base64}") { // The body of a Function URL is left out where it is empty.
				broken = strings.Replace(broken, `"isBase64Encoded"`, `"body":"{not base64}","isBase64Encoded"`, 1)
			}
			p := newDoor(nil).call(t, []byte(broken)).problem(t)
			require.Equal(t, "InvalidJSON", p.Code)
			require.Contains(t, p.Detail, "base64")
		})
	}
}

// What is recognised by one field and has others of other types is answered all the same.
func TestMalformedEnvelopes(t *testing.T) {
	t.Parallel()
	for name, payload := range map[string]string{
		"2.0, method a number":     `{"version":"2.0","requestContext":{"http":{"method":5}}}`,
		"2.0, http a text":         `{"version":"2.0","requestContext":{"http":"POST"}}`,
		"2.0, headers an array":    `{"version":"2.0","requestContext":{"http":{"method":"POST"}},"headers":["x"]}`,
		"2.0, header an array":     `{"version":"2.0","requestContext":{"http":{"method":"POST"}},"headers":{"x":["y"]}}`,
		"2.0, body an object":      `{"version":"2.0","requestContext":{"http":{"method":"POST"}},"body":{}}`,
		"2.0, authorizer a text":   `{"version":"2.0","requestContext":{"http":{"method":"POST"},"authorizer":"iam"}}`,
		"2.0, base64 a text":       `{"version":"2.0","requestContext":{"http":{"method":"POST"}},"isBase64Encoded":"true"}`,
		"1.0, method a number":     `{"requestContext":{},"httpMethod":5}`,
		"1.0, context a text":      `{"requestContext":"x","httpMethod":"POST"}`,
		"1.0, userArn an object":   `{"requestContext":{"identity":{"userArn":{}}},"httpMethod":"POST"}`,
		"1.0, authorizer an array": `{"requestContext":{"authorizer":["claims"]},"httpMethod":"POST"}`,
		"1.0, values a text":       `{"requestContext":{},"httpMethod":"POST","multiValueHeaders":{"x":"y"}}`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := newDoor(nil).call(t, []byte(payload))
			require.Equal(t, http.StatusBadRequest, a.StatusCode)
			require.Equal(t, "InvalidJSON", a.problem(t).Code)
		})
	}
}

// An envelope with nothing in it is a request with no method, nothing worse.
func TestEmptyEnvelopes(t *testing.T) {
	t.Parallel()
	for name, payload := range map[string]string{
		"2.0":       `{"version":"2.0","requestContext":{"http":{}}}`,
		"2.0, null": `{"version":"2.0","requestContext":{"http":null,"authorizer":null},"headers":null,"body":null,"isBase64Encoded":null}`,
		"1.0":       `{"requestContext":{},"httpMethod":""}`,
		"1.0, null": `{"requestContext":null,"httpMethod":null,"headers":null,"multiValueHeaders":null,"body":null,"isBase64Encoded":null}`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			require.Equal(t, http.StatusMethodNotAllowed, newDoor(nil).call(t, []byte(payload)).StatusCode)
		})
	}
}
