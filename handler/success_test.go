package handler_test

import (
	"context"
	"net/http"
	"regexp"
	"strings"
	"testing"

	"github.com/aws/aws-lambda-go/events"
	"github.com/stretchr/testify/require"

	"sendgrid-sso-integration/internal/provision"
	"sendgrid-sso-integration/sendgrid"
)

const requestWithMetadata = `{"name":"  Okta ","enabled":false,"signin_url":"https://idp.example.com/sso?a=1&b=<2>","signout_url":"https://idp.example.com/out",` +
	`"entity_id":"urn:idp:1","completed_integration":true,"metadata":{"ticket":"OPS-1"}}`

// TestRequestArrives: whichever door it comes through, the same request is asked for, and
// the same result comes back.
func TestRequestArrives(t *testing.T) {
	t.Parallel()
	completed := true
	want := provision.Request{
		Name: "Okta", SigninURL: "https://idp.example.com/sso?a=1&b=<2>", SignoutURL: "https://idp.example.com/out",
		EntityID: "urn:idp:1", CompletedIntegration: &completed, Metadata: map[string]string{"ticket": "OPS-1"},
	}
	check := func(ctx context.Context, r provision.Request) (*provision.Result, error) {
		require.Equal(t, want, r)
		return created(ctx, r)
	}
	for gateway, event := range gateways {
		t.Run(gateway, func(t *testing.T) {
			t.Parallel()
			a := newDoor(check).call(t, event(request{body: requestWithMetadata}))
			require.Equal(t, http.StatusCreated, a.StatusCode, a.Body)
			requireResult(t, "created", []byte(a.Body))
		})
	}
	for function, event := range functions {
		t.Run(function, func(t *testing.T) {
			t.Parallel()
			data, err := newDoor(check).invoke(t, event(requestWithMetadata))
			require.NoError(t, err)
			requireResult(t, "created", data)
		})
	}
}

func requireResult(t *testing.T, outcome string, data []byte) {
	t.Helper()
	var got result
	strictly(t, data, &got)
	require.Equal(t, outcome, got.Outcome)
	require.Equal(t, "id/1", got.Integration.ID)
	require.Equal(t, "https://sg.example.com/saml/1", got.Integration.SingleSignOnURL)
	require.Equal(t, "https://sg.example.com/saml/1", got.Integration.AudienceURL)
	require.Equal(t, sendgrid.Timestamp("1795446000"), got.Integration.LastUpdated)
	require.Equal(t, map[string]string{"ticket": "OPS-1"}, got.Metadata)
}

func TestHTTPSuccess(t *testing.T) {
	t.Parallel()
	for gateway, event := range gateways {
		t.Run(gateway, func(t *testing.T) {
			t.Parallel()
			a := newDoor(created).call(t, event(request{body: requestWithMetadata}))
			require.Equal(t, http.StatusCreated, a.StatusCode)
			require.Equal(t, "https://sg.example.com/integrations/id%2F1", a.Headers["Location"])
			require.Len(t, a.Headers, 4)

			a = newDoor(unchanged).call(t, event(request{body: requestWithMetadata}))
			require.Equal(t, http.StatusOK, a.StatusCode)
			require.NotContains(t, a.Headers, "Location")
			require.Len(t, a.Headers, 3)
			requireResult(t, "unchanged", []byte(a.Body))
		})
	}
}

// unchanged answers every request with the integration that there is.
func unchanged(ctx context.Context, r provision.Request) (*provision.Result, error) {
	result, err := created(ctx, r)
	result.Outcome = provision.OutcomeUnchanged
	return result, err
}

// The real types of the gateways' answers understand every answer, and have room for all
// that is in it.
func TestAnswersAgreeWithRealTypes(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		event request
		want  int
	}{
		"success": {request{body: goodRequest}, http.StatusCreated},
		"refusal": {request{method: "GET"}, http.StatusMethodNotAllowed},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var v2 events.APIGatewayV2HTTPResponse
			var url events.LambdaFunctionURLResponse
			var v1 events.APIGatewayProxyResponse
			for gateway, response := range map[string]any{"HTTP API": &v2, "Function URL": &url, "REST API": &v1} {
				data, err := newDoor(created).invoke(t, gateways[gateway](test.event))
				require.NoError(t, err)
				strictly(t, data, response)
			}
			require.Equal(t, []int{test.want, test.want, test.want}, []int{v2.StatusCode, url.StatusCode, v1.StatusCode})
			require.NotEmpty(t, v2.Body)
			for _, body := range []*string{&v2.Body, &url.Body, &v1.Body} { // Only some gateways have an id of their own here.
				*body = regexp.MustCompile(`,"gateway_request_id":"[^"]*"`).ReplaceAllString(*body, "")
			}
			require.Equal(t, []string{v2.Body, v2.Body}, []string{url.Body, v1.Body})
			require.NotEmpty(t, v2.Headers)
			require.Equal(t, []map[string]string{v2.Headers, v2.Headers}, []map[string]string{url.Headers, v1.Headers})
		})
	}
}

// The detail of an event is a request, held to the same rules as one that comes alone.
func TestFunctionRefusals(t *testing.T) {
	t.Parallel()
	for function, event := range functions {
		for name, test := range map[string]struct{ request, code, field string }{
			"null":           {`null`, "InvalidJSON", ""},
			"array":          {`[]`, "InvalidJSON", ""},
			"text":           {`"x"`, "InvalidJSON", ""},
			"all missing":    {`{}`, "InvalidRequest", "entity_id: is required"},
			"unknown fields": {`{"name":"x","color":1}`, "InvalidRequest", "color: is not a field"},
			"too large":      {`{"name":"` + strings.Repeat(" ", provision.MaxRequestBytes) + `"}`, "PayloadTooLarge", ""},
		} {
			t.Run(function+"/"+name, func(t *testing.T) {
				t.Parallel()
				data, err := newDoor(nil).invoke(t, event(test.request))
				failure := functionError(t, data, err)
				require.Equal(t, test.code, failure.Type)
				require.Contains(t, failure.Message, test.field)
			})
		}
	}
	for name, payload := range map[string]string{"nothing": "", "no JSON": "Okta", "cut off": goodRequest[:30], "something follows": goodRequest + "}", "no UTF-8": "\xff"} {
		t.Run("direct/"+name, func(t *testing.T) {
			t.Parallel()
			data, err := newDoor(nil).invoke(t, []byte(payload))
			require.Equal(t, "InvalidJSON", functionError(t, data, err).Type)
		})
	}
}
