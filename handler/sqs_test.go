package handler_test

import (
	"context"
	"encoding/json"
	"net/http"
	"strconv"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"sendgrid-sso-integration/internal/problem"

	"github.com/aws/aws-lambda-go/events"
	"github.com/stretchr/testify/require"

	"sendgrid-sso-integration/handler"
	"sendgrid-sso-integration/internal/provision"
)

// batch makes an event of messages, whose ids are their numbers from 1 on.
func batch(bodies ...string) []byte {
	var event events.SQSEvent
	for i, body := range bodies {
		event.Records = append(event.Records, events.SQSMessage{
			MessageId: strconv.Itoa(i + 1), ReceiptHandle: "x", Body: body, EventSource: "aws:sqs",
			Attributes: map[string]string{"ApproximateReceiveCount": "1"},
		})
	}
	return mustEncode(event)
}

// failed reads the ids of the messages that are to be delivered again.
func failed(t *testing.T, data []byte) (ids []string) {
	t.Helper()
	require.Contains(t, string(data), `"batchItemFailures":[`, "Lambda takes null for a failure of all")
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

// TestBatch: one message does not fail another, and each leaves its own line.
func TestBatch(t *testing.T) {
	t.Parallel()
	d := newDoor(func(ctx context.Context, r provision.Request) (*provision.Result, error) {
		switch r.EntityID {
		case "urn:idp:3":
			return nil, failure(problem.Conflict)
		case "urn:idp:4":
			return nil, failure(problem.RateLimited)
		case "urn:idp:5":
			panic("boom-5417")
		default:
			return created(ctx, r)
		}
	})
	data, err := d.invoke(t, batch(
		numbered(1), string(functions["EventBridge"](numbered(2))), numbered(3), numbered(4), numbered(5),
		"", "no JSON", "{}", string(functions["EventBridge"]("null")), string(gateways["HTTP API"](request{body: goodRequest})), string(batch(numbered(6))),
		numbered(12),
	))
	require.NoError(t, err)
	require.Equal(t, []string{"3", "4", "5", "6", "7", "8", "9", "10", "11"}, failed(t, data))

	codes := map[string]any{}
	for _, line := range d.log.lines(t) {
		require.Equal(t, "sqs", line["trigger"])
		require.Equal(t, true, line["cold_start"])
		id, _ := line["message_id"].(string)
		require.NotContains(t, codes, id)
		codes[id] = line["code"]
	}
	require.Equal(t, map[string]any{
		"1": nil, "2": nil, "3": "Conflict", "4": "RateLimited", "5": "Internal", "6": "InvalidJSON", "7": "InvalidJSON",
		"8": "InvalidRequest", "9": "InvalidJSON", "10": "InvalidRequest", "11": "InvalidRequest", "12": nil,
	}, codes)
}

func TestBatchWithoutFailures(t *testing.T) {
	t.Parallel()
	data, err := newDoor(unchanged).invoke(t, batch(numbered(1), numbered(2)))
	require.NoError(t, err)
	require.Empty(t, failed(t, data))
}

// A batch that is none of SQS's fails as a whole.
func TestMalformedBatch(t *testing.T) {
	t.Parallel()
	for name, payload := range map[string]string{
		"body an object":   `{"Records":[{"messageId":"1","eventSource":"aws:sqs","body":{}}]}`,
		"id a number":      `{"Records":[{"messageId":1,"eventSource":"aws:sqs","body":"{}"}]}`,
		"second is a text": `{"Records":[{"messageId":"1","eventSource":"aws:sqs","attributes":"x"}]}`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := newDoor(nil)
			data, err := d.invoke(t, []byte(payload))
			failure := functionError(t, data, err)
			require.Equal(t, "InvalidJSON", failure.Type)
			require.NotContains(t, failure.Message, "API Gateway")
			require.Equal(t, "InvalidJSON", d.log.line(t)["code"])
		})
	}
}

func TestBatchIsWorkedOnTenAtATime(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var mu sync.Mutex
		now, most := 0, 0
		count := func(change int) {
			mu.Lock()
			defer mu.Unlock()
			now += change
			most = max(most, now)
		}
		d := newDoor(func(ctx context.Context, r provision.Request) (*provision.Result, error) {
			count(1)
			time.Sleep(time.Second)
			count(-1)
			return created(ctx, r)
		})
		start := time.Now()
		data, err := d.invoke(t, batch(numberedTo(12)...))
		require.NoError(t, err)
		require.Empty(t, failed(t, data))
		require.Equal(t, 10, most)
		require.Equal(t, 2*time.Second, time.Since(start))
	})
}

// What there is no time for is not begun, and delivered again.
func TestBatchEndsInTime(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		d := newDoor(func(ctx context.Context, r provision.Request) (*provision.Result, error) {
			time.Sleep(10 * time.Second)
			return created(ctx, r)
		})
		ctx, cancel := context.WithTimeout(t.Context(), 15*time.Second)
		defer cancel()
		data, err := d.Invoke(ctx, batch(numberedTo(12)...))
		require.NoError(t, err)
		require.NoError(t, ctx.Err())
		require.Equal(t, []string{"11", "12"}, failed(t, data))
		for _, line := range d.log.lines(t) {
			if id := line["message_id"]; id == "11" || id == "12" {
				require.Equal(t, "DeadlineExceeded", line["code"])
			}
		}
	})
}

// requireBatchAnswer checks what is true of the answer to any batch.
func requireBatchAnswer(t *testing.T, payload, data []byte, lines []map[string]any) {
	t.Helper()
	var event events.SQSEvent
	require.NoError(t, json.Unmarshal(payload, &event))
	require.Len(t, lines, len(event.Records))
	var ids []string
	for _, message := range event.Records {
		ids = append(ids, message.MessageId)
	}
	require.Subset(t, ids, append([]string{}, failed(t, data)...))
}

// What a queue passes on was let in by IAM, so an HTTP event in it opens no door.
func TestHTTPEventInAMessageIsNone(t *testing.T) {
	t.Parallel()
	body := string(gateways["HTTP API"](request{body: goodRequest, unknown: true}))
	require.Equal(t, handler.TriggerHTTPAPI, handler.Recognise([]byte(body)))
	d := newDoor(nil)
	d.Verifier = verify(func(context.Context, http.Header, []byte) error { panic("asked") })
	data, err := d.invoke(t, batch(body))
	require.NoError(t, err)
	require.Equal(t, []string{"1"}, failed(t, data))
	require.Equal(t, "InvalidRequest", d.log.line(t)["code"])
}
