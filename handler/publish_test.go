package handler_test

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"sendgrid-sso-integration/internal/problem"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-lambda-go/lambda/messages"
	"github.com/aws/aws-lambda-go/lambdacontext"
	"github.com/stretchr/testify/require"

	"sendgrid-sso-integration/internal/delivery"
	"sendgrid-sso-integration/internal/provision"
)

const (
	traceRoot   = "1-5759e988-bd862e3fe1be46a994272793"
	traceHeader = "Root=" + traceRoot + ";Parent=53995c3f42cd8ad8;Sampled=1"
)

// press is a publisher that keeps what it is given, or fails.
type press struct {
	mu     sync.Mutex
	err    error
	events []delivery.Delivery
}

func (p *press) Publish(_ context.Context, d *delivery.Delivery) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.events = append(p.events, *d)
	return p.err
}

// traced returns the context that aws-lambda-go gives an invocation.
func traced(t *testing.T) context.Context {
	t.Helper()
	ctx := lambdacontext.NewContext(t.Context(), &lambdacontext.LambdaContext{AwsRequestID: invocationID})
	return context.WithValue(ctx, "x-amzn-trace-id", traceHeader) //nolint:revive,staticcheck // aws-lambda-go keeps it so.
}

func TestEveryOutcomeIsPublished(t *testing.T) {
	t.Parallel()
	for trigger, payload := range triggers {
		t.Run(trigger, func(t *testing.T) {
			t.Parallel()
			p := &press{}
			d := newDoor(created)
			d.Publisher = p
			_, err := d.Invoke(traced(t), payload)
			require.NoError(t, err)
			d.Provisioner = fails(failure(problem.Conflict))
			_, _ = d.Invoke(traced(t), payload) // What it answers is another test's concern.
			d.Provisioner = ensure(nil)
			_, _ = d.Invoke(traced(t), payload)

			require.Len(t, p.events, 3)
			require.Equal(t, provision.OutcomeCreated, p.events[0].Result.Outcome)
			require.Nil(t, p.events[0].Failure)
			require.Equal(t, "urn:idp:1", p.events[0].Request.EntityID)
			require.Equal(t, problem.Conflict, p.events[1].Failure.Code)
			require.Equal(t, "urn:idp:1", p.events[1].Request.EntityID)
			require.Equal(t, problem.Internal, p.events[2].Failure.Code, "a panic is an outcome, too")
			for _, e := range p.events {
				require.Equal(t, trigger, e.Trigger)
				require.Equal(t, invocationID, e.RequestID)
				require.Equal(t, traceRoot, e.TraceID)
				require.Equal(t, traceHeader, e.TraceHeader)
			}
		})
	}
}

func TestWhatIsNoRequestIsPublishedAsRejected(t *testing.T) {
	t.Parallel()
	p := &press{}
	d := newDoor(nil)
	d.Publisher = p
	_, err := d.Invoke(traced(t), functions["EventBridge"](`{"name":""}`))
	require.Error(t, err)
	require.Len(t, p.events, 1)
	require.Equal(t, problem.InvalidRequest, p.events[0].Failure.Code)
	require.Nil(t, p.events[0].Request)
}

// A stranger must not be able to make the function publish.
func TestWhatIsNotLetInIsNotPublished(t *testing.T) {
	t.Parallel()
	for name, r := range map[string]request{
		"unknown":      {body: goodRequest, unknown: true},
		"wrong method": {body: goodRequest, method: "DELETE"},
		"too large":    {body: strings.Repeat(" ", provision.MaxRequestBytes+1)},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := &press{}
			d := newDoor(nil)
			d.Publisher = p
			_, err := d.Invoke(traced(t), gateways["HTTP API"](r))
			require.NoError(t, err)
			require.Empty(t, p.events)
		})
	}
}

func TestUnpublishedSuccessIsAFailure(t *testing.T) {
	t.Parallel()
	p := &press{err: errors.New("the bus is down")}
	d := newDoor(created)
	d.Publisher = p
	_, err := d.Invoke(traced(t), []byte(goodRequest))
	var failure messages.InvokeResponse_Error
	require.ErrorAs(t, err, &failure)
	require.Equal(t, string(problem.EventBusUnavailable), failure.Type)
	require.NotContains(t, failure.Message, "the bus is down")
	require.Contains(t, d.log.String(), "the bus is down")

	answer, err := d.Invoke(traced(t), gateways["HTTP API"](request{body: goodRequest}))
	require.NoError(t, err)
	require.Equal(t, 503, readAnswer(t, answer).StatusCode)

	p.err = nil
	_, err = d.Invoke(traced(t), []byte(goodRequest))
	require.NoError(t, err)
	require.Len(t, p.events, 3)
}

// A failure that cannot be published stays the failure it is.
func TestUnpublishedFailureIsTheFailure(t *testing.T) {
	t.Parallel()
	d := newDoor(fails(failure(problem.Conflict)))
	d.Publisher = &press{err: errors.New("the bus is down")}
	_, err := d.Invoke(traced(t), []byte(goodRequest))
	var failure messages.InvokeResponse_Error
	require.ErrorAs(t, err, &failure)
	require.Equal(t, string(problem.Conflict), failure.Type)
	require.Contains(t, d.log.String(), "the bus is down")
}

func TestRejectedMessageIsPublishedOnce(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		code     problem.Code
		receives string
		want     int
	}{
		"rejected, first receive":   {problem.Conflict, "1", 1},
		"rejected, second receive":  {problem.Conflict, "2", 0},
		"rejected, tenth receive":   {problem.Conflict, "10", 0},
		"rejected, unknown receive": {problem.Conflict, "", 1},
		"failed, second receive":    {problem.SendGridUnavailable, "2", 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := &press{}
			d := newDoor(fails(failure(tt.code)))
			d.Publisher = p
			batch := events.SQSEvent{Records: []events.SQSMessage{{
				MessageId: "m", EventSource: "aws:sqs", Body: goodRequest,
				Attributes: map[string]string{"ApproximateReceiveCount": tt.receives},
			}}}
			payload, err := json.Marshal(batch)
			require.NoError(t, err)
			answer, err := d.Invoke(traced(t), payload)
			require.NoError(t, err)
			require.JSONEq(t, `{"batchItemFailures":[{"itemIdentifier":"m"}]}`, string(answer))
			require.Len(t, p.events, tt.want)
		})
	}
}

// The function's own events are refused, and nothing is published about them: or else
// each would make another.
func TestOwnEventsAreRefused(t *testing.T) {
	t.Parallel()
	own := `{"version":"0","id":"e","detail-type":"SSO Integration Created","source":"sendgrid.sso","detail":` + goodRequest + `}`
	batch, err := json.Marshal(events.SQSEvent{Records: []events.SQSMessage{{MessageId: "m", EventSource: "aws:sqs", Body: own}}})
	require.NoError(t, err)
	for name, payload := range map[string][]byte{"event": []byte(own), "message": batch} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := &press{}
			d := newDoor(nil)
			d.Publisher = p
			answer, err := d.Invoke(traced(t), payload)
			if err != nil {
				require.Equal(t, string(problem.InvalidRequest), err.(messages.InvokeResponse_Error).Type) //nolint:errorlint // It is returned as it is.
			} else {
				require.Contains(t, string(answer), `"m"`)
			}
			require.Equal(t, "InvalidRequest", d.log.line(t)["code"])
			require.Empty(t, p.events)
		})
	}
}

// One search for any id of a request finds its log line, its answer and its event.
func TestRequestIsFoundByEveryID(t *testing.T) {
	t.Parallel()
	body := strings.Replace(goodRequest, "{", `{"metadata":{"ticket":"OPS-7"},`, 1)
	envelope := `{"version":"0","id":"event-7","detail-type":"x","source":"y","detail":` + body + `}`
	batch, err := json.Marshal(events.SQSEvent{Records: []events.SQSMessage{{MessageId: "message-7", EventSource: "aws:sqs", Body: envelope}}})
	require.NoError(t, err)
	httpAPI := events.APIGatewayV2HTTPRequest{Version: "2.0", Body: body, Headers: map[string]string{"content-type": "application/json"}}
	httpAPI.RequestContext.RequestID, httpAPI.RequestContext.HTTP.Method = "gateway-7", "POST"
	httpAPI.RequestContext.Authorizer = &events.APIGatewayV2HTTPRequestContextAuthorizerDescription{Lambda: map[string]any{"user": "u"}}
	gateway, err := json.Marshal(httpAPI)
	require.NoError(t, err)

	for name, tt := range map[string]struct {
		payload []byte
		logged  map[string]string
	}{
		"HTTP API":    {gateway, map[string]string{"gateway_request_id": "gateway-7"}},
		"EventBridge": {[]byte(envelope), map[string]string{"event_id": "event-7"}},
		"SQS":         {batch, map[string]string{"event_id": "event-7", "message_id": "message-7"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := &press{}
			d := newDoor(created)
			d.Publisher = p
			answer, err := d.Invoke(traced(t), tt.payload)
			require.NoError(t, err)
			line := d.log.line(t)
			for field, id := range tt.logged {
				require.Equal(t, id, line[field])
			}
			require.Equal(t, traceRoot, line["trace_id"])
			require.Equal(t, map[string]any{"ticket": "OPS-7"}, line["metadata"])
			origin := p.events[0]
			require.Equal(t, tt.logged["gateway_request_id"], origin.GatewayRequestID)
			require.Equal(t, tt.logged["event_id"], origin.EventID)
			require.Equal(t, tt.logged["message_id"], origin.MessageID)
			require.Equal(t, "OPS-7", p.events[0].Request.Metadata["ticket"])
			if name == "HTTP API" {
				require.Equal(t, invocationID, readAnswer(t, answer).Headers["X-Request-Id"])
			}
			if name != "SQS" {
				require.Contains(t, string(answer), "OPS-7")
			}
		})
	}
	t.Run("problem", func(t *testing.T) {
		t.Parallel()
		d := newDoor(fails(failure(problem.Conflict)))
		answer, err := d.Invoke(traced(t), gateway)
		require.NoError(t, err)
		a := readAnswer(t, answer)
		require.Contains(t, a.Body, `"trace_id":"`+traceRoot+`"`)
		require.Contains(t, a.Body, `"request_id":"`+invocationID+`"`)
		require.Contains(t, a.Body, `"gateway_request_id":"gateway-7"`)
		require.Contains(t, a.Body, `"metadata":{"ticket":"OPS-7"}`)
	})
}

// Time is kept free for publishing, also where the provisioner takes all it gets.
func TestPublishingHasTime(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		d := newDoor(func(ctx context.Context, r provision.Request) (*provision.Result, error) {
			<-ctx.Done()
			return created(ctx, r)
		})
		var left time.Duration
		d.Publisher = publisherFunc(func(ctx context.Context) error {
			deadline, ok := ctx.Deadline()
			require.True(t, ok)
			left = time.Until(deadline)
			return ctx.Err()
		})
		ctx, cancel := context.WithTimeout(t.Context(), 28*time.Second)
		defer cancel()
		_, err := d.Invoke(ctx, []byte(goodRequest))
		require.NoError(t, err)
		require.Greater(t, left, time.Second)
		require.LessOrEqual(t, left, 2*time.Second, "and the answer gets out")
	})
}

type publisherFunc func(context.Context) error

func (f publisherFunc) Publish(ctx context.Context, _ *delivery.Delivery) error { return f(ctx) }
