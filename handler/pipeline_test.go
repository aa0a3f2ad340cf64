package handler_test

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-lambda-go/lambdacontext"
	"github.com/stretchr/testify/require"

	"sendgrid-sso-integration/internal/audit"
	"sendgrid-sso-integration/internal/delivery"
	"sendgrid-sso-integration/internal/problem"
	"sendgrid-sso-integration/internal/protocol"
	"sendgrid-sso-integration/internal/provision"
	"sendgrid-sso-integration/internal/request"
	"sendgrid-sso-integration/internal/telemetry"
	"sendgrid-sso-integration/sendgrid"
)

const (
	traceRoot   = "1-5759e988-bd862e3fe1be46a994272793"
	traceHeader = "Root=" + traceRoot + ";Parent=53995c3f42cd8ad8;Sampled=1"
)

// triggers have an event for each trigger but SQS, with goodRequest.
var triggers = map[string][]byte{
	"http-api":    gateways["HTTP API"](httpCall{body: goodRequest}),
	"rest-api":    gateways["REST API"](httpCall{body: goodRequest}),
	"eventbridge": functions["EventBridge"](goodRequest),
	"direct":      functions["direct"](goodRequest),
}

// A refused request has what could be read of it in the response, the log and the event.
func TestARefusedRequestCanBeTraced(t *testing.T) {
	t.Parallel()
	body := strings.Replace(goodRequest, "https://", `http://`, 1)
	body = strings.Replace(body, "{", `{"metadata":{"ticket":"OPS-1"},`, 1)
	for name, payload := range map[string][]byte{
		"HTTP": gateways["HTTP API"](httpCall{body: body}), "malformed": gateways["HTTP API"](httpCall{body: body + "}"}), "SQS": batch(body),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFixture(nil)
			bus := &recordingPublisher{}
			f.Publisher = bus
			data, err := f.invoke(t, payload)
			require.NoError(t, err)
			if name != "SQS" {
				p := readResponse(t, data).problem(t)
				require.Equal(t, "urn:idp:1", p.EntityID)
				require.Equal(t, map[string]string{"ticket": "OPS-1"}, p.Metadata)
			}
			line := f.log.line(t)
			require.Equal(t, "urn:idp:1", line["entity_id"])
			require.Equal(t, map[string]any{"ticket": "OPS-1"}, line["metadata"])
			require.Len(t, bus.published, 1)
			require.Equal(t, "urn:idp:1", bus.published[0].EntityID())
			require.Equal(t, map[string]string{"ticket": "OPS-1"}, bus.published[0].Metadata())
		})
	}
}

// recordingPublisher keeps what it is given, or fails.
type recordingPublisher struct {
	err       error
	published []delivery.Delivery
}

func (p *recordingPublisher) Publish(_ context.Context, d *delivery.Delivery) error {
	p.published = append(p.published, *d)
	return p.err
}

func (p *recordingPublisher) PublishAudit(context.Context, *delivery.Delivery, audit.Notice) error {
	return p.err
}

type publisherFunc func(context.Context) error

func (f publisherFunc) Publish(ctx context.Context, _ *delivery.Delivery) error { return f(ctx) }

func (f publisherFunc) PublishAudit(ctx context.Context, _ *delivery.Delivery, _ audit.Notice) error {
	return f(ctx)
}

// traced returns the context that aws-lambda-go gives an invocation.
func traced(t *testing.T) context.Context {
	t.Helper()
	ctx := lambdacontext.NewContext(t.Context(), &lambdacontext.LambdaContext{AwsRequestID: invocationID})
	return context.WithValue(ctx, "x-amzn-trace-id", traceHeader) //nolint:revive,staticcheck // aws-lambda-go keeps it so.
}

// One record of a delivery reaches every observer: the event bus, the log and the metrics.
func TestRecordOfADelivery(t *testing.T) {
	t.Parallel()
	calls := func(ctx context.Context, r request.Resolved) (*provision.Result, error) {
		delivery.CountCall(ctx, sendgrid.Call{Op: sendgrid.OpListIntegrations})
		delivery.CountCall(ctx, sendgrid.Call{Op: sendgrid.OpCreateIntegration})
		return created(ctx, r)
	}
	for trigger, payload := range triggers {
		t.Run(trigger, func(t *testing.T) {
			t.Parallel()
			p, metrics := &recordingPublisher{}, &logBuffer{}
			f := newFixture(calls)
			f.Publisher, f.Observers = p, append(f.Observers, &telemetry.Metrics{Out: metrics})
			_, err := f.Invoke(traced(t), payload)
			require.NoError(t, err)
			f.Provisioner = fails(failure(problem.Conflict))
			_, _ = f.Invoke(traced(t), payload) // TestEveryCode covers the response.

			for i, line := range f.log.lines(t) {
				require.Equal(t, trigger, line["trigger"])
				require.Equal(t, "urn:idp:1", line["entity_id"])
				require.Equal(t, traceRoot, line["trace_id"])
				require.Equal(t, i == 0, line["cold_start"])
				require.EqualValues(t, 2-2*i, line["upstream_calls"])
				require.Equal(t, []any{nil, "Conflict"}[i], line["code"])

				blob := metrics.lines(t)[i]
				require.Equal(t, trigger, blob["trigger"])
				require.EqualValues(t, 1-i, blob["Attempts"])
				require.Equal(t, i == 0, blob["Created"] != nil)
				require.Equal(t, i == 1, blob["Rejected"] != nil)

				d := p.published[i]
				require.Equal(t, trigger, d.Trigger)
				require.Equal(t, []string{invocationID, traceRoot, traceHeader}, []string{d.RequestID, d.TraceID, d.TraceHeader})
				require.Equal(t, "urn:idp:1", d.Request.EntityID)
				require.NotEqual(t, delivery.Unauthenticated, d.Caller)
			}
			require.Len(t, p.published, 2)
			require.Equal(t, protocol.OutcomeCreated, p.published[0].Outcome())
			require.Equal(t, problem.Conflict, p.published[1].Failure.Code)
		})
	}
}

// One search for any id of a delivery finds its log line and its event; an id longer than AWS
// makes them is left out.
func TestDeliveryIsFoundByEveryID(t *testing.T) {
	t.Parallel()
	envelope := strings.Replace(string(functions["EventBridge"](requestWithMetadata)), `"id":"1"`, `"id":"event-7"`, 1)
	message := func(id string) []byte {
		return mustEncode(events.SQSEvent{Records: []events.SQSMessage{{MessageId: id, EventSource: "aws:sqs", Body: envelope}}})
	}
	long := strings.Repeat("x", 257)
	for name, tt := range map[string]struct {
		payload []byte
		ids     delivery.IDs
	}{
		"HTTP API":    {gateways["HTTP API"](httpCall{body: requestWithMetadata}), delivery.IDs{GatewayRequestID: "JKJaXmPLvHcESHA="}},
		"EventBridge": {[]byte(envelope), delivery.IDs{EventID: "event-7"}},
		"SQS":         {message("message-7"), delivery.IDs{EventID: "event-7", MessageID: "message-7"}},
		"long ids":    {message(long), delivery.IDs{EventID: "event-7"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := &recordingPublisher{}
			f := newFixture(created)
			f.Publisher = p
			_, err := f.Invoke(traced(t), tt.payload)
			require.NoError(t, err)
			line := f.log.line(t)
			for field, id := range map[string]string{
				"gateway_request_id": tt.ids.GatewayRequestID, "event_id": tt.ids.EventID, "message_id": tt.ids.MessageID,
			} {
				if id == "" {
					require.NotContains(t, line, field)
				} else {
					require.Equal(t, id, line[field])
				}
			}
			require.Equal(t, map[string]any{"ticket": "OPS-1"}, line["metadata"])
			tt.ids.RequestID, tt.ids.TraceID, tt.ids.TraceHeader = invocationID, traceRoot, traceHeader
			require.Equal(t, tt.ids, p.published[0].IDs)
		})
	}
}

// What a caller without credentials sends is not published, nor an event of this function.
func TestPublished(t *testing.T) {
	t.Parallel()
	form := http.Header{"content-type": {"application/x-www-form-urlencoded"}}
	own := `{"version":"0","id":"e","detail-type":"SSO Integration Created","source":"sendgrid.sso","detail":` + goodRequest + `}`
	message := func(body, receives string) []byte {
		return mustEncode(events.SQSEvent{Records: []events.SQSMessage{{
			MessageId: "m", EventSource: "aws:sqs", Body: body, Attributes: map[string]string{"ApproximateReceiveCount": receives},
		}}})
	}
	with := func(event, field string) string { return strings.Replace(event, "{", "{"+field+",", 1) }
	envelope := string(functions["EventBridge"](goodRequest))
	for name, tt := range map[string]struct {
		payload   []byte
		code      problem.Code
		published int
	}{
		"a failure":                 {[]byte(goodRequest), problem.SendGridUnavailable, 1},
		"a broken rule":             {functions["EventBridge"](`{"name":""}`), problem.InvalidRequest, 1},
		"unauthenticated":           {gateways["HTTP API"](httpCall{body: goodRequest, unknown: true}), problem.Unauthenticated, 0},
		"wrong method":              {gateways["HTTP API"](httpCall{body: goodRequest, method: "DELETE"}), problem.MethodNotAllowed, 0},
		"not JSON":                  {gateways["HTTP API"](httpCall{body: goodRequest, header: form}), problem.UnsupportedMediaType, 0},
		"too large":                 {gateways["HTTP API"](httpCall{body: strings.Repeat(" ", request.MaxRequestBytes+1)}), problem.PayloadTooLarge, 0},
		"malformed event":           {[]byte(`{"version":"2.0","requestContext":{"http":{"method":5}}}`), problem.InvalidJSON, 0},
		"bad time":                  {[]byte(with(envelope, `"time":"x"`)), problem.InvalidJSON, 1},
		"bad time in a message":     {message(with(envelope, `"time":"x"`), "1"), problem.InvalidJSON, 1},
		"bad type in a message":     {message(strings.Replace(envelope, `"1"`, "5", 1), "1"), problem.InvalidJSON, 1},
		"schedule in a message":     {message(scheduled, "1"), problem.InvalidRequest, 1},
		"own event, bad time":       {message(with(own, `"time":"x"`), "1"), problem.InvalidRequest, 0},
		"own event, bad type":       {message(strings.Replace(own, `"e"`, "5", 1), "1"), problem.InvalidJSON, 0},
		"own event":                 {[]byte(own), problem.InvalidRequest, 0},
		"own event in a message":    {message(own, "1"), problem.InvalidRequest, 0},
		"rejected, first receive":   {message(`{}`, "1"), problem.InvalidRequest, 1},
		"rejected, second receive":  {message(`{}`, "2"), problem.InvalidRequest, 0},
		"rejected, unknown receive": {message(`{}`, ""), problem.InvalidRequest, 1},
		"failed, second receive":    {message(goodRequest, "2"), problem.SendGridUnavailable, 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := &recordingPublisher{}
			f := newFixture(fails(failure(problem.SendGridUnavailable)))
			f.Publisher = p
			_, _ = f.Invoke(traced(t), tt.payload) // The log has the code for every trigger.
			require.Equal(t, string(tt.code), f.log.line(t)["code"])
			require.Len(t, p.published, tt.published)
		})
	}
}

// A success that cannot be published is a failure in the response, the log and the metrics; a
// failure that cannot be published stays what it is.
func TestUnpublished(t *testing.T) {
	t.Parallel()
	for code, provisioner := range map[problem.Code]ensure{problem.EventBusUnavailable: created, problem.Conflict: fails(failure(problem.Conflict))} {
		metrics := &logBuffer{}
		f := newFixture(provisioner)
		f.Publisher, f.Observers = &recordingPublisher{err: errors.New("the bus is down")}, append(f.Observers, &telemetry.Metrics{Out: metrics})
		data, err := f.invoke(t, []byte(goodRequest))
		failure := functionError(t, data, err)
		require.Equal(t, string(code), failure.Type)
		require.NotContains(t, failure.Message, "the bus is down")
		require.Contains(t, f.log.String(), "the bus is down")
		require.EqualValues(t, 1, metrics.lines(t)[0][string(code)])
		require.NotContains(t, metrics.lines(t)[0], "Created")
	}
}

// Time is kept free for publishing and for the response, even if the provisioner takes all it
// gets; and an outcome is published even if the caller is gone.
func TestPublishingHasTime(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), 28*time.Second)
		defer cancel()
		start := time.Now()
		f := newFixture(func(ctx context.Context, r request.Resolved) (*provision.Result, error) {
			<-ctx.Done()
			require.Equal(t, 28*time.Second-2200*time.Millisecond, time.Since(start))
			cancel()
			return created(ctx, r)
		})
		f.Publisher = publisherFunc(func(ctx context.Context) error {
			deadline, ok := ctx.Deadline()
			require.True(t, ok)
			require.Equal(t, 28*time.Second-200*time.Millisecond, deadline.Sub(start))
			return ctx.Err()
		})
		_, err := f.Invoke(ctx, []byte(goodRequest))
		require.NoError(t, err)
	})
}

func TestColdStartIsTrueOnce(t *testing.T) {
	t.Parallel()
	const invocations = 20
	f := newFixture(created)
	var running sync.WaitGroup
	for range invocations {
		running.Go(func() { _, _ = f.Invoke(t.Context(), []byte(goodRequest)) })
	}
	running.Wait()
	lines := f.log.lines(t)
	require.Len(t, lines, invocations)
	require.Len(t, slices.DeleteFunc(lines, func(line map[string]any) bool { return line["cold_start"] == false }), 1)
}
