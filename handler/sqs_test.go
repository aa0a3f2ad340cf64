package handler_test

import (
	"context"
	"net/http"
	"strconv"
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
	var answer events.SQSEventResponse
	strictly(t, data, &answer)
	for _, failure := range answer.BatchItemFailures {
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
