package handler_test

import (
	"encoding/json"
	"net/http"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/stretchr/testify/require"

	"sendgrid-sso-integration/handler"
)

func TestRecognise(t *testing.T) {
	t.Parallel()
	for want, payloads := range map[string][]string{
		handler.TriggerHTTPAPI: {
			`{"version":"2.0","requestContext":{"http":{"method":"POST"}}}`,
			`{"version":"2.0","requestContext":{"http":null}}`,
			`{"requestContext":{"stage":"x","http":{}},"body":"","version":"2.0"}`,
			string(mustEncode(events.APIGatewayV2HTTPRequest{Version: "2.0"})),
			string(mustEncode(events.LambdaFunctionURLRequest{Version: "2.0"})),
		},
		handler.TriggerRESTAPI: {
			`{"version":"1.0","requestContext":{},"httpMethod":"POST"}`,
			`{"version":"2.0","requestContext":{},"httpMethod":"POST"}`,
			`{"requestContext":null,"httpMethod":"POST"}`,
			string(mustEncode(events.APIGatewayProxyRequest{})),
			string(mustEncode(loadBalancer())),
		},
		handler.TriggerEventBridge: {
			`{"version":"0","detail-type":"x","source":"y","detail":{}}`,
			`{"detail-type":"x","source":"y","detail":null}`,
			string(mustEncode(events.EventBridgeEvent{Time: time.Unix(1795446000, 0), Detail: json.RawMessage(`{}`)})),
		},
		handler.TriggerSchedule: {
			`{"detail-type":"Scheduled Event","source":"aws.events","detail":{}}`, `{"detail-type":"Scheduled Event","source":"aws.scheduler","detail":"{}"}`,
			`{"detail-type":"Scheduled Event","source":"by-hand"}`,
			string(mustEncode(events.EventBridgeEvent{DetailType: "Scheduled Event"})),
		},
		handler.TriggerSQS: {
			`{"Records":[{"messageId":"1","body":"{}","eventSource":"aws:sqs"}]}`,
			string(mustEncode(events.SQSEvent{Records: []events.SQSMessage{{EventSource: "aws:sqs"}, {EventSource: "aws:sqs"}}})),
		},
		handler.TriggerDirect: {
			goodRequest, ``, `null`, `{}`, `"2.0"`, `[{"version":"2.0","requestContext":{"http":{}}}]`,
			`{"version":"2.0","requestContext":{"http":{}}`, `{"version":"2.0","requestContext":{"http":{}}} x`,
			`{"detail":{"version":"2.0","requestContext":{"http":{}}}}`, `{"version":2.0,"requestContext":{"http":{}}}`,
			`{"version":"2","requestContext":{"http":{}}}`, `{"version":null,"requestContext":{"http":{}}}`, `{"version":"2.0"}`,
			`{"version":"2.0","requestContext":null}`, `{"version":"2.0","requestContext":"http"}`, `{"version":"2.0","requestContext":{"stage":"x"}}`,
			`{"httpMethod":"POST"}`, `{"requestContext":{"identity":{}}}`,
			`{"detail-type":"Scheduled Event"}`, `{"detail-type":["Scheduled Event"],"source":"y"}`, `{"detail-type":"x","source":"y"}`, `{"detail-type":"x","detail":{}}`, `{"source":"y","detail":{}}`, `{"detailType":"x","source":"y","detail":{}}`,
			`{"Records":[]}`, `{"Records":null}`, `{"Records":{"eventSource":"aws:sqs"}}`, `{"Records":["aws:sqs"]}`, `{"Records":[{"body":"{}"}]}`, `{"Records":[{"eventSource":5}]}`,
			string(mustEncode(events.S3Event{Records: []events.S3EventRecord{{EventSource: "aws:s3"}}})),
			string(mustEncode(events.SNSEvent{Records: []events.SNSEventRecord{{EventSource: "aws:sns"}}})),
			string(mustEncode(events.APIGatewayWebsocketProxyRequest{Body: goodRequest})),
		},
	} {
		require.Contains(t, handler.Triggers(), want)
		for _, payload := range payloads {
			require.Equal(t, want, handler.Recognise([]byte(payload)), payload)
		}
	}
}

// An event of a source that the function does not know is named as such.
func TestUnknownEventsAreNamed(t *testing.T) {
	t.Parallel()
	for _, payload := range []string{`{"Records":[{"eventSource":"aws:s3","s3":{}}]}`, `{"version":"0","detail-type":"x","source":"y"}`} {
		data, err := newFixture(nil).invoke(t, []byte(payload))
		require.Contains(t, functionError(t, data, err).Message, "neither a request nor an event")
	}
}

func loadBalancer() events.ALBTargetGroupRequest {
	event := events.ALBTargetGroupRequest{
		HTTPMethod: http.MethodPost, Body: goodRequest, Headers: map[string]string{"content-type": "application/json"},
	}
	event.RequestContext.ELB.TargetGroupArn = "arn:aws:elasticloadbalancing:us-east-1:123456789012:targetgroup/x/y"
	return event
}

// A load balancer authenticates nobody, so its callers need a webhook secret.
func TestLoadBalancerGetsHTTPResponse(t *testing.T) {
	t.Parallel()
	require.Equal(t, http.StatusUnauthorized, newFixture(nil).call(t, mustEncode(loadBalancer())).StatusCode)
	f := newFixture(created)
	f.Verifier = verify(accept)
	require.Equal(t, http.StatusCreated, f.call(t, mustEncode(loadBalancer())).StatusCode)
}

// Events that are recognised and have fields of other types get an HTTP response or a
// function error like any other. The field is named, and what is in it is not repeated.
func TestMalformedEvents(t *testing.T) {
	t.Parallel()
	for payload, field := range map[string]string{
		`{"version":"2.0","requestContext":{"http":{"method":5}}}`:                            "requestContext.http.method",
		`{"version":"2.0","requestContext":{"http":{"method":"POST"}},"headers":{"x":["y"]}}`: "headers",
		`{"version":"2.0","requestContext":{"http":{"method":"POST"}},"body":{}}`:             "body",
		`{"version":"2.0","requestContext":{"http":{"method":"POST"},"authorizer":"iam"}}`:    "requestContext.authorizer",
		`{"requestContext":"x","httpMethod":"POST"}`:                                          "requestContext",
		`{"requestContext":{"identity":{"userArn":{}}},"httpMethod":"POST"}`:                  "requestContext.identity.userArn",
		`{"requestContext":{},"httpMethod":"POST","multiValueHeaders":{"x":"y"}}`:             "multiValueHeaders",
		`{"detail-type":"x","source":5417,"detail":{}}`:                                       "source",
		`{"detail-type":"x","source":"y","detail":{},"time":5417}`:                            "time",
		`{"detail-type":"x","source":"y","detail":{},"time":"5417"}`:                          "time",
		`{"Records":[{"messageId":"1","eventSource":"aws:sqs","body":{}}]}`:                   "Records.body",
	} {
		f := newFixture(nil)
		require.Equal(t, "InvalidJSON", f.code(t, []byte(payload)), payload)
		cause := f.log.line(t)["error"]
		require.Contains(t, cause, " "+field+": ")
		require.NotContains(t, cause, "5417", "the log has no payload")
	}
	for _, payload := range []string{ // Without a method it is a request with the wrong one.
		`{"version":"2.0","requestContext":{"http":null,"authorizer":null},"headers":null,"body":null,"isBase64Encoded":null}`,
		`{"requestContext":null,"httpMethod":null,"headers":null,"multiValueHeaders":null,"body":null,"isBase64Encoded":null}`,
	} {
		require.Equal(t, "MethodNotAllowed", newFixture(nil).code(t, []byte(payload)), payload)
	}
}
