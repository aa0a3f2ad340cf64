package handler_test

import (
	"context"
	"net/http"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/stretchr/testify/require"

	"sendgrid-sso-integration/internal/problem"
	"sendgrid-sso-integration/internal/provision"
	"sendgrid-sso-integration/internal/request"
)

// batch makes an event of messages, whose ids are their numbers from 1 on.
func batch(bodies ...string) []byte {
	var event events.SQSEvent
	for i, body := range bodies {
		event.Records = append(event.Records, events.SQSMessage{MessageId: strconv.Itoa(i + 1), Body: body, EventSource: "aws:sqs"})
	}
	return mustEncode(event)
}

// failed reads the ids of the messages that are to be delivered again.
func failed(t *testing.T, data []byte) (ids []string) {
	t.Helper()
	require.Contains(t, string(data), `"batchItemFailures":[`, "for Lambda, null means that all failed")
	var response events.SQSEventResponse
	strictly(t, data, &response)
	for _, failure := range response.BatchItemFailures {
		ids = append(ids, failure.ItemIdentifier)
	}
	return ids
}

func numbered(n int) string {
	return `{"name":"Okta","enabled":true,"signin_url":"https://idp.example.com/sso","signout_url":"","entity_id":"urn:idp:` + strconv.Itoa(n) + `"}`
}

func numberedTo(last int) (bodies []string) {
	for n := range last {
		bodies = append(bodies, numbered(n+1))
	}
	return bodies
}

// One message does not fail another, and each leaves a line of its own. Who may send messages
// is decided by IAM, so an HTTP event in a message is no request, and nobody verifies it.
func TestBatch(t *testing.T) {
	t.Parallel()
	f := newFixture(func(ctx context.Context, r request.Resolved) (*provision.Result, error) {
		switch r.EntityID {
		case "urn:idp:3":
			return nil, failure(problem.Conflict)
		case "urn:idp:4":
			panic("boom-5417")
		default:
			return created(ctx, r)
		}
	})
	f.Verifier = verify(func(context.Context, http.Header, []byte) error { panic("asked") })
	data, err := f.invoke(t, batch(
		numbered(1), string(functions["EventBridge"](numbered(2))), numbered(3), numbered(4),
		"", "{}", string(functions["EventBridge"]("null")), string(gateways["HTTP API"](httpCall{body: goodRequest, unknown: true})), string(batch(numbered(6))),
		numbered(10),
	))
	require.NoError(t, err)
	require.Equal(t, []string{"3", "4", "5", "6", "7", "8", "9"}, failed(t, data))

	codes := map[string]any{}
	for _, line := range f.log.lines(t) {
		require.Equal(t, "sqs", line["trigger"])
		id, _ := line["message_id"].(string)
		require.NotContains(t, codes, id)
		codes[id] = line["code"]
	}
	require.Equal(t, map[string]any{
		"1": nil, "2": nil, "3": "Conflict", "4": "Internal", "5": "InvalidJSON",
		"6": "InvalidRequest", "7": "InvalidJSON", "8": "InvalidRequest", "9": "InvalidRequest", "10": nil,
	}, codes)

	data, err = newFixture(unchanged).invoke(t, batch(numbered(1), numbered(2)))
	require.NoError(t, err)
	require.Empty(t, failed(t, data))
}

// Ten messages are processed at once. One for which there is too little time is not begun, and
// is delivered again.
func TestBatchEndsInTime(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		each, limit, took time.Duration
		failed            []string
	}{
		"enough time": {time.Second, time.Minute, 2 * time.Second, nil},
		"little time": {10 * time.Second, 15 * time.Second, 10 * time.Second, []string{"11", "12"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				var now, most atomic.Int64
				f := newFixture(func(ctx context.Context, r request.Resolved) (*provision.Result, error) {
					most.Store(max(most.Load(), now.Add(1)))
					time.Sleep(tt.each)
					now.Add(-1)
					return created(ctx, r)
				})
				ctx, cancel := context.WithTimeout(t.Context(), tt.limit)
				defer cancel()
				start := time.Now()
				data, err := f.Invoke(ctx, batch(numberedTo(12)...))
				require.NoError(t, err)
				require.Equal(t, tt.took, time.Since(start))
				require.Equal(t, tt.failed, failed(t, data))
				require.EqualValues(t, 10, most.Load())
				for _, line := range f.log.lines(t) {
					if id := line["message_id"]; tt.failed != nil && (id == "11" || id == "12") {
						require.Equal(t, "DeadlineExceeded", line["code"])
					}
				}
			})
		})
	}
}

// A message that fails and has no id to report fails the batch.
func TestMessageWithoutID(t *testing.T) {
	t.Parallel()
	event := events.SQSEvent{Records: []events.SQSMessage{{MessageId: "1", EventSource: "aws:sqs", Body: goodRequest}, {Body: "{}"}}}
	data, err := newFixture(created).invoke(t, mustEncode(event))
	require.Equal(t, "InvalidRequest", functionError(t, data, err).Type)
}

// notification puts a message into the envelope of SNS.
func notification(message string) string {
	return string(mustEncode(map[string]any{
		"Type": "Notification", "MessageId": "n-1", "TopicArn": "arn:aws:sns:eu-west-1:111122223333:sso", "Message": message,
		"Timestamp": "2026-11-27T10:00:00.000Z", "SignatureVersion": "1", "Signature": "c2ln", "UnsubscribeURL": "https://sns.example.com/",
	}))
}

// pipe returns the messages of a batch as an EventBridge Pipe sends them.
func pipe(event string) []byte {
	return []byte(strings.TrimSuffix(strings.TrimPrefix(event, `{"Records":`), "}"))
}

// A message is unwrapped, whatever brought it.
func TestMessagesAreUnwrapped(t *testing.T) {
	t.Parallel()
	event := string(functions["EventBridge"](goodRequest))
	for name, tt := range map[string]struct{ body, id string }{
		"a request":                             {goodRequest, ""},
		"a byte order mark":                     {"\ufeff" + goodRequest, ""},
		"an event after a byte order mark":      {"\ufeff" + event, "1"},
		"a notification":                        {notification(goodRequest), ""},
		"a notification after a mark":           {"\ufeff" + notification("\ufeff"+goodRequest), ""},
		"an event in a notification":            {notification(event), "1"},
		"an event in a notification and a mark": {notification("\ufeff" + event), "1"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for _, payload := range [][]byte{batch(tt.body), pipe(string(batch(tt.body))), append([]byte(" \n"), pipe(string(batch(tt.body)))...)} {
				f := newFixture(created)
				bus := &recordingPublisher{}
				f.Publisher = bus
				data, err := f.invoke(t, payload)
				require.NoError(t, err)
				require.Empty(t, failed(t, data))
				require.Len(t, bus.published, 1)
				require.Equal(t, "urn:idp:1", bus.published[0].EntityID())
				require.Equal(t, tt.id, bus.published[0].EventID)
				require.Equal(t, "sqs", bus.published[0].Trigger)
				require.Equal(t, "1", bus.published[0].MessageID)
			}
		})
	}
}

// A pipe expects the ids of the messages that failed, like SQS.
func TestPipesGetTheMessagesThatFailed(t *testing.T) {
	t.Parallel()
	f := newFixture(func(ctx context.Context, r request.Resolved) (*provision.Result, error) {
		if r.EntityID == "urn:idp:2" {
			return nil, failure(problem.SendGridUnavailable)
		}
		return created(ctx, r)
	})
	data, err := f.invoke(t, pipe(string(batch(numberedTo(3)...))))
	require.NoError(t, err)
	require.Equal(t, []string{"2"}, failed(t, data))
}

// Any other array is no request, and the message says what a pipe needs.
func TestOtherArraysNamePipes(t *testing.T) {
	t.Parallel()
	for _, payload := range []string{"[]", "[" + goodRequest + "]", `[{"eventSource":"aws:kinesis"}]`, "[1]"} {
		_, err := newFixture(nil).invoke(t, []byte(payload))
		require.ErrorContains(t, err, "EventBridge Pipe")
		require.ErrorContains(t, err, "SQS queue as its source")
	}
}
