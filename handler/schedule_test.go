package handler_test

import (
	"bytes"
	"cmp"
	"context"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/stretchr/testify/require"

	"sendgrid-sso-integration/internal/audit"
	"sendgrid-sso-integration/internal/delivery"
	"sendgrid-sso-integration/internal/problem"
	"sendgrid-sso-integration/internal/provision"
	"sendgrid-sso-integration/internal/request"
	"sendgrid-sso-integration/internal/telemetry"
	"sendgrid-sso-integration/sendgrid"
)

const scheduled = `{"id":"event-1","detail-type":"Scheduled Event","source":"aws.events","detail":{}}`

// The response is the report; the audit has the ids of its delivery, one line and its metrics.
func TestScheduleStartsAnAudit(t *testing.T) {
	t.Parallel()
	f, metrics := newFixture(nil), &bytes.Buffer{}
	published := &recordingPublisher{err: errUpstream}
	f.Publisher, f.Observers = published, append(f.Observers, &telemetry.Metrics{Out: metrics, FunctionName: "sso"})
	f.Auditor = auditor{start: func(ctx context.Context, publish audit.Publish) (*audit.Report, error) {
		require.ErrorIs(t, publish(ctx, audit.Notice{}), errUpstream)
		delivery.CountCall(ctx, sendgrid.Call{Op: sendgrid.OpListIntegrations})
		return &audit.Report{Total: 2, Queued: 2}, nil
	}}
	data, err := f.invoke(t, []byte(scheduled))
	require.NoError(t, err)
	var report audit.Report
	strictly(t, data, &report)
	require.Equal(t, 2, report.Queued)
	line := f.log.line(t)
	require.Equal(t, "audit started", line["msg"])
	require.Equal(t, "event-1", line["event_id"])
	require.InDelta(t, 1, line["upstream_calls"], 0)
	require.Contains(t, metrics.String(), `"AuditsCompleted":1`)
	require.Empty(t, published.published, "an audit is no request")
}

// A failure is a function error whose type is the code, also after a panic.
func TestAuditFails(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		audit auditor
		event string
		code  problem.Code
	}{
		"publish": {auditor{start: func(context.Context, audit.Publish) (*audit.Report, error) {
			return nil, &problem.Error{Code: problem.EventBusUnavailable, Message: "M.", Err: errUpstream}
		}}, scheduled, problem.EventBusUnavailable},
		"panic":     {auditor{}, scheduled, problem.Internal},
		"malformed": {auditor{}, `{"id":5,"detail-type":"Scheduled Event","source":"aws.events"}`, problem.InvalidJSON},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFixture(nil)
			f.Auditor = tt.audit
			data, err := f.invoke(t, []byte(tt.event))
			failure := functionError(t, data, err)
			require.Equal(t, string(tt.code), failure.Type)
			require.NotContains(t, failure.Message, errUpstream.Error())
			require.Equal(t, string(tt.code), f.log.line(t)["code"])
		})
	}
}

// The event of a schedule that comes through the queue, as a dead letter that is sent again
// does, is rejected and not taken for a request.
func TestScheduledEventInTheQueue(t *testing.T) {
	t.Parallel()
	f := newFixture(func(context.Context, request.Resolved) (*provision.Result, error) { return nil, errUpstream })
	require.Equal(t, batchFailure, f.code(t, mustEncode(map[string]any{"Records": []any{
		map[string]any{"messageId": "1", "eventSource": "aws:sqs", "body": scheduled},
	}})))
	line := f.log.line(t)
	require.Equal(t, string(problem.InvalidRequest), line["code"])
	require.Contains(t, line["error"], "starts the audit")
}

// task is the message of the audit of one connection.
const task = `{"audit":{"entity_id":"urn:idp:1","began":"2026-11-27T05:19:02.123456789Z"}}`

// received is an event with one message, and how often it was received; with more than one message, the others are
// requests.
func received(times, messages int, body string) []byte {
	event := events.SQSEvent{Records: []events.SQSMessage{{
		MessageId: "task", EventSource: "aws:sqs", Body: body, Attributes: map[string]string{"ApproximateReceiveCount": strconv.Itoa(times)},
	}}}
	for n := range messages - 1 {
		event.Records = append(event.Records, events.SQSMessage{MessageId: strconv.Itoa(n), EventSource: "aws:sqs", Body: numbered(n)})
	}
	return mustEncode(event)
}

// A message of the queue has one connection audited, beside requests. From the fifth time on it is the last one.
func TestQueueBringsTheAuditOfAConnection(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		receives, messages int
		body               string
		maxWait            time.Duration
		last               bool
	}{
		"the first time":      {receives: 1, messages: 1},
		"in a batch":          {receives: 4, messages: 3, maxWait: 5 * time.Second},
		"the fifth time":      {receives: 5, messages: 1, last: true},
		"after that":          {receives: 9, messages: 1, last: true},
		"a byte order mark":   {receives: 1, messages: 1, body: "\ufeff" + task},
		"an unknown receives": {messages: 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f, bus := newFixture(created), &recordingPublisher{err: errUpstream}
			f.Observers = append(f.Observers, observed(func(d *delivery.Delivery) {
				if d.MessageID == "task" {
					require.Equal(t, "urn:idp:1", d.Connection.EntityID)
				}
			}))
			calls := 0
			f.Auditor = auditor{connection: func(ctx context.Context, got audit.Task, maxWait time.Duration, last bool, publish audit.Publish) (*audit.Connection, error) {
				calls++
				require.Equal(t, audit.Task{EntityID: "urn:idp:1", Began: time.Date(2026, 11, 27, 5, 19, 2, 123456789, time.UTC)}, got)
				require.Equal(t, tt.maxWait, maxWait)
				require.Equal(t, tt.last, last)
				require.Equal(t, tt.messages > 1, publish == nil)
				if publish != nil {
					require.ErrorIs(t, publish(ctx, audit.Notice{}), errUpstream)
				}
				return &audit.Connection{EntityID: got.EntityID}, nil
			}}
			if tt.messages == 1 {
				f.Publisher = bus
			}
			data, err := f.invoke(t, received(tt.receives, tt.messages, cmp.Or(tt.body, task)))
			require.NoError(t, err)
			require.Empty(t, failed(t, data))
			require.Equal(t, 1, calls)
			require.Empty(t, bus.published, "what it found is published by the audit")
			require.Contains(t, f.log.String(), "connection audited")
		})
	}
}

// observed is an observer of each delivery.
type observed func(*delivery.Delivery)

func (f observed) Observe(_ context.Context, deliveries []*delivery.Delivery) {
	for _, d := range deliveries {
		f(d)
	}
}

// The audit of a connection that fails is tried again, whatever the code, and neither published as a
// request nor moved to the dead-letter queue: the next audit does it again. The last failure ends it.
func TestAuditOfAConnectionFails(t *testing.T) {
	t.Parallel()
	failing := func(code problem.Code) auditor {
		return auditor{connection: func(context.Context, audit.Task, time.Duration, bool, audit.Publish) (*audit.Connection, error) {
			return nil, failure(code)
		}}
	}
	for name, tt := range map[string]struct {
		auditor  auditor
		receives int
		code     problem.Code
		again    bool
	}{
		"a retry may help":               {failing(problem.SendGridUnavailable), 1, problem.SendGridUnavailable, true},
		"a retry cannot help":            {failing(problem.SendGridUnauthorized), 4, problem.SendGridUnauthorized, true},
		"a panic":                        {auditor{}, 1, problem.Internal, true},
		"the last time":                  {failing(problem.InProgress), 5, problem.InProgress, false},
		"the last time, without a retry": {failing(problem.SendGridUnauthorized), 6, problem.SendGridUnauthorized, false},
		"a panic the last time":          {auditor{}, 5, problem.Internal, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f, bus, dead := newFixture(nil), &recordingPublisher{}, &recordingQueue{}
			f.Auditor, f.Publisher, f.DeadLetters = tt.auditor, bus, dead
			data, err := f.invoke(t, received(tt.receives, 1, task))
			require.NoError(t, err)
			require.Equal(t, tt.again, slices.Equal([]string{"task"}, failed(t, data)))
			require.Empty(t, bus.published)
			require.Empty(t, dead.sent)
			line := f.log.line(t)
			require.Equal(t, "ERROR", line["level"])
			require.Equal(t, string(tt.code), line["code"])
			require.Equal(t, "urn:idp:1", line["entity_id"])
		})
	}
}

// Only the queue brings audits, and only as a message of its own: whoever may send requests may not tell the
// function when an audit began.
func TestOnlyTheQueueBringsAudits(t *testing.T) {
	t.Parallel()
	more := `{"name":"Okta",` + task[1:]
	for name, payload := range map[string][]byte{
		"HTTP API": gateways["HTTP API"](httpCall{body: task}), "REST API": gateways["REST API"](httpCall{body: task}),
		"EventBridge": functions["EventBridge"](task), "direct": []byte(task),
		"an event in a message": batch(string(functions["EventBridge"](task))), "a notification in a message": batch(notification(task)), "beside a field": batch(more),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFixture(nil)
			f.Auditor = auditor{}
			require.NotEmpty(t, f.code(t, payload))
			require.Equal(t, string(problem.InvalidRequest), f.log.line(t)["code"])
		})
	}
}
