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
	tests := map[string]struct {
		payload string
		want    string
	}{
		"payload 2.0":                     {`{"version":"2.0","requestContext":{"http":{"method":"POST"}}}`, handler.TriggerHTTPAPI},
		"payload 2.0 with empty http":     {`{"version":"2.0","requestContext":{"http":{}}}`, handler.TriggerHTTPAPI},
		"payload 2.0 with null http":      {`{"version":"2.0","requestContext":{"http":null}}`, handler.TriggerHTTPAPI},
		"payload 2.0 in another order":    {`{"requestContext":{"stage":"x","http":{}},"body":"","version":"2.0"}`, handler.TriggerHTTPAPI},
		"payload 2.0 in a detail":         {`{"detail":{"version":"2.0","requestContext":{"http":{}}}}`, handler.TriggerDirect},
		"version as a number":             {`{"version":2.0,"requestContext":{"http":{}}}`, handler.TriggerDirect},
		"version 2":                       {`{"version":"2","requestContext":{"http":{}}}`, handler.TriggerDirect},
		"version null":                    {`{"version":null,"requestContext":{"http":{}}}`, handler.TriggerDirect},
		"no version":                      {`{"requestContext":{"http":{}}}`, handler.TriggerDirect},
		"2.0 without requestContext":      {`{"version":"2.0"}`, handler.TriggerDirect},
		"2.0 with requestContext null":    {`{"version":"2.0","requestContext":null}`, handler.TriggerDirect},
		"2.0 with requestContext a text":  {`{"version":"2.0","requestContext":"http"}`, handler.TriggerDirect},
		"2.0 without http":                {`{"version":"2.0","requestContext":{"stage":"x"}}`, handler.TriggerDirect},
		"payload 1.0 of an HTTP API":      {`{"version":"1.0","requestContext":{},"httpMethod":"POST"}`, handler.TriggerRESTAPI},
		"REST API":                        {`{"requestContext":{"identity":{}},"httpMethod":"POST"}`, handler.TriggerRESTAPI},
		"2.0 without http, with a method": {`{"version":"2.0","requestContext":{},"httpMethod":"POST"}`, handler.TriggerRESTAPI},
		"REST API, context null":          {`{"requestContext":null,"httpMethod":"POST"}`, handler.TriggerRESTAPI},
		"method alone":                    {`{"httpMethod":"POST"}`, handler.TriggerDirect},
		"context alone":                   {`{"requestContext":{"identity":{}}}`, handler.TriggerDirect},
		"EventBridge":                     {`{"version":"0","detail-type":"x","source":"y","detail":{}}`, handler.TriggerEventBridge},
		"EventBridge, detail null":        {`{"detail-type":"x","source":"y","detail":null}`, handler.TriggerEventBridge},
		"EventBridge without detail":      {`{"detail-type":"x","source":"y"}`, handler.TriggerDirect},
		"EventBridge without source":      {`{"detail-type":"x","detail":{}}`, handler.TriggerDirect},
		"EventBridge without detail-type": {`{"source":"y","detail":{}}`, handler.TriggerDirect},
		"detailType is another name":      {`{"detailType":"x","source":"y","detail":{}}`, handler.TriggerDirect},
		"WebSocket":                       {`{"requestContext":{"connectionId":"x","eventType":"MESSAGE"},"body":"{}"}`, handler.TriggerDirect},
		"SQS":                             {`{"Records":[{"messageId":"1","body":"{}","eventSource":"aws:sqs"}]}`, handler.TriggerSQS},
		"SQS, two messages":               {`{"Records":[{"eventSource":"aws:sqs"},{"eventSource":"aws:sqs"}]}`, handler.TriggerSQS},
		"no records":                      {`{"Records":[]}`, handler.TriggerDirect},
		"records null":                    {`{"Records":null}`, handler.TriggerDirect},
		"records an object":               {`{"Records":{"eventSource":"aws:sqs"}}`, handler.TriggerDirect},
		"record a text":                   {`{"Records":["aws:sqs"]}`, handler.TriggerDirect},
		"record of no source":             {`{"Records":[{"messageId":"1","body":"{}"}]}`, handler.TriggerDirect},
		"source a number":                 {`{"Records":[{"eventSource":5}]}`, handler.TriggerDirect},
		"S3":                              {`{"Records":[{"eventSource":"aws:s3","eventVersion":"2.1","s3":{}}]}`, handler.TriggerDirect},
		"SNS":                             {`{"Records":[{"EventSource":"aws:sns","Sns":{"Message":"{}"}}]}`, handler.TriggerDirect},
		"a request":                       {goodRequest, handler.TriggerDirect},
		"empty object":                    {`{}`, handler.TriggerDirect},
		"nothing":                         {``, handler.TriggerDirect},
		"null":                            {`null`, handler.TriggerDirect},
		"array":                           {`[{"version":"2.0","requestContext":{"http":{}}}]`, handler.TriggerDirect},
		"text":                            {`"2.0"`, handler.TriggerDirect},
		"cut off":                         {`{"version":"2.0","requestContext":{"http":{}}`, handler.TriggerDirect},
		"something follows":               {`{"version":"2.0","requestContext":{"http":{}}} x`, handler.TriggerDirect},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			require.Equal(t, test.want, handler.Recognise([]byte(test.payload)))
		})
	}
}

// The real types of the events are recognised, also where nothing in them is filled in.
func TestRecogniseRealTypes(t *testing.T) {
	t.Parallel()
	alb := events.ALBTargetGroupRequest{HTTPMethod: http.MethodPost, Body: goodRequest}
	alb.RequestContext.ELB.TargetGroupArn = "arn:aws:elasticloadbalancing:us-east-1:123456789012:targetgroup/x/y"
	tests := map[string]struct {
		event any
		want  string
	}{
		"HTTP API":     {events.APIGatewayV2HTTPRequest{Version: "2.0"}, handler.TriggerHTTPAPI},
		"Function URL": {events.LambdaFunctionURLRequest{Version: "2.0"}, handler.TriggerHTTPAPI},
		"REST API":     {events.APIGatewayProxyRequest{}, handler.TriggerRESTAPI},
		"ALB":          {alb, handler.TriggerRESTAPI},
		"EventBridge":  {events.EventBridgeEvent{Time: time.Unix(1795446000, 0), Detail: json.RawMessage(`{}`)}, handler.TriggerEventBridge},
		"SQS":          {events.SQSEvent{Records: []events.SQSMessage{{EventSource: "aws:sqs"}}}, handler.TriggerSQS},
		"S3":           {events.S3Event{Records: []events.S3EventRecord{{EventSource: "aws:s3"}}}, handler.TriggerDirect},
		"SNS":          {events.SNSEvent{Records: []events.SNSEventRecord{{EventSource: "aws:sns"}}}, handler.TriggerDirect},
		"WebSocket":    {events.APIGatewayWebsocketProxyRequest{Body: goodRequest}, handler.TriggerDirect},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			require.Equal(t, test.want, handler.Recognise(mustEncode(test.event)))
		})
	}
}

// An event of a source that the function does not know says so, and by which fields.
func TestStrangeEventsAreNamed(t *testing.T) {
	t.Parallel()
	for name, payload := range map[string]string{
		"S3":                         `{"Records":[{"eventSource":"aws:s3","s3":{}}]}`,
		"SNS":                        `{"Records":[{"EventSource":"aws:sns","Sns":{"Message":"{}"}}]}`,
		"EventBridge without detail": `{"version":"0","detail-type":"x","source":"y"}`,
		"version as a number":        `{"version":2.0,"requestContext":{"http":{"method":"POST"}},"body":"{}"}`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := newDoor(nil)
			data, err := d.invoke(t, []byte(payload))
			failure := functionError(t, data, err)
			require.Equal(t, "InvalidRequest", failure.Type)
			require.Contains(t, failure.Message, "neither a request nor an event")
		})
	}
}

// A load balancer vouches for nobody, so its callers need a secret.
func TestLoadBalancerIsAnsweredAsHTTP(t *testing.T) {
	t.Parallel()
	event := events.ALBTargetGroupRequest{
		HTTPMethod: http.MethodPost, Body: goodRequest, Headers: map[string]string{"content-type": "application/json"},
	}
	event.RequestContext.ELB.TargetGroupArn = "arn:aws:elasticloadbalancing:us-east-1:123456789012:targetgroup/x/y"
	d := newDoor(nil)
	require.Equal(t, http.StatusUnauthorized, d.call(t, mustEncode(event)).StatusCode)

	d = newDoor(created)
	d.Verifier = verify(accept)
	require.Equal(t, http.StatusCreated, d.call(t, mustEncode(event)).StatusCode)
}
