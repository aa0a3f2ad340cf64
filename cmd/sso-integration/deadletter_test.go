package main_test

import (
	"crypto/md5"
	"encoding/hex"
	"encoding/json"
	"net/http"
	"slices"
	"strconv"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"sendgrid-sso-integration/internal/lambdatest"
)

// sqsQueue is a queue of SQS that keeps the messages it takes, and refuses as many calls as told.
// https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_SendMessage.html
// https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_SendMessageBatch.html
// https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_GetQueueAttributes.html
type sqsQueue struct {
	mu       sync.Mutex
	refuse   int
	messages []sqsMessage
}

type sqsMessage struct {
	ID                string `json:"Id"` // in a batch
	QueueURL          string `json:"QueueUrl"`
	MessageBody       string
	MessageAttributes map[string]struct{ DataType, StringValue string }
	DelaySeconds      int
}

func (q *sqsQueue) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	q.mu.Lock()
	defer q.mu.Unlock()
	w.Header().Set("Content-Type", "application/x-amz-json-1.0")
	var in struct {
		sqsMessage
		Entries []sqsMessage
	}
	err := json.NewDecoder(r.Body).Decode(&in)
	target := r.Header.Get("X-Amz-Target")
	switch {
	case err != nil || !slices.Contains([]string{"AmazonSQS.SendMessage", "AmazonSQS.SendMessageBatch", "AmazonSQS.GetQueueAttributes"}, target):
		w.WriteHeader(http.StatusBadRequest)
	case q.refuse > 0:
		q.refuse--
		w.WriteHeader(http.StatusBadRequest)
		_, _ = w.Write([]byte(`{"__type":"com.amazonaws.sqs#QueueDoesNotExist","message":"The specified queue does not exist."}`))
	case target == "AmazonSQS.SendMessage":
		_ = json.NewEncoder(w).Encode(q.take(in.sqsMessage))
	case target == "AmazonSQS.GetQueueAttributes":
		_ = json.NewEncoder(w).Encode(map[string]any{"Attributes": q.attributes(in.QueueURL)})
	default:
		var results []any
		for _, message := range in.Entries {
			message.QueueURL = in.QueueURL
			results = append(results, q.take(message))
		}
		_ = json.NewEncoder(w).Encode(map[string]any{"Successful": results})
	}
}

// take keeps a message, and returns SQS's response.
func (q *sqsQueue) take(message sqsMessage) any {
	q.messages = append(q.messages, message)
	sum := md5.Sum([]byte(message.MessageBody))
	return map[string]string{"Id": message.ID, "MessageId": "m", "MD5OfMessageBody": hex.EncodeToString(sum[:])}
}

// attributes counts the messages that were sent to a queue.
func (q *sqsQueue) attributes(url string) map[string]string {
	visible, delayed := 0, 0
	for _, m := range q.messages {
		switch {
		case m.QueueURL != url:
		case m.DelaySeconds > 0:
			delayed++
		default:
			visible++
		}
	}
	return map[string]string{
		"ApproximateNumberOfMessages": strconv.Itoa(visible), "ApproximateNumberOfMessagesDelayed": strconv.Itoa(delayed), "ApproximateNumberOfMessagesNotVisible": "0",
	}
}

// taken returns the messages that the queue has taken so far.
func (q *sqsQueue) taken() []sqsMessage {
	q.mu.Lock()
	defer q.mu.Unlock()
	return slices.Clone(q.messages)
}

// withDeadLetters gives a world an event bus and a dead-letter queue.
func (w *world) withDeadLetters(t *testing.T) (*lambdatest.EventBus, *sqsQueue) {
	t.Helper()
	bus, queue := &lambdatest.EventBus{}, &sqsQueue{}
	w.env["EVENT_BUS_NAME"], w.env["AWS_ENDPOINT_URL_EVENTBRIDGE"] = "results", lambdatest.Serve(t, bus)
	w.env["AWS_ENDPOINT_URL_SQS"] = lambdatest.Serve(t, queue)
	w.env["DEAD_LETTER_QUEUE_URL"] = w.env["AWS_ENDPOINT_URL_SQS"] + "/123456789012/dead-letters"
	return bus, queue
}

// A rejected message is published and moved to the dead-letter queue, and then done; the
// others of its batch are not affected. If it cannot be moved it fails.
func TestRejectedMessageIsDeadLettered(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	bus, queue := w.withDeadLetters(t)
	f := w.start(t)
	rejected := string(encode(t, map[string]any{
		"name": "", "enabled": true, "signin_url": "http://idp.example", "signout_url": "", "entity_id": "urn:rejected",
	}))
	batch := func(receives string) []byte {
		return encode(t, map[string]any{"Records": []any{
			map[string]any{"messageId": "good", "eventSource": "aws:sqs", "body": string(requestFor("urn:good"))},
			map[string]any{"messageId": "bad", "eventSource": "aws:sqs", "body": rejected, "attributes": map[string]string{"ApproximateReceiveCount": receives}},
		}})
	}
	detailTypes := func(from int) (types []string) {
		for _, e := range bus.Taken()[from:] {
			types = append(types, e.DetailType)
		}
		return types
	}

	queue.refuse = 1
	require.JSONEq(t, `{"batchItemFailures":[{"itemIdentifier":"bad"}]}`, string(f.Invoke(batch("1"), timeout).Body))
	require.Empty(t, queue.taken())
	require.ElementsMatch(t, []string{"SSO Integration Created", "SSO Integration Rejected"}, detailTypes(0))

	require.JSONEq(t, `{"batchItemFailures":[]}`, string(f.Invoke(batch("2"), timeout).Body))
	require.ElementsMatch(t, []string{"SSO Integration Unchanged", "SSO Integration Rejected"}, detailTypes(2))
	messages := queue.taken()
	require.Len(t, messages, 1)
	require.Equal(t, rejected, messages[0].MessageBody, "as it was received")
	require.Equal(t, w.env["DEAD_LETTER_QUEUE_URL"], messages[0].QueueURL)
	attributes := map[string]string{}
	for name, attribute := range messages[0].MessageAttributes {
		require.Equal(t, "String", attribute.DataType, name)
		attributes[name] = attribute.StringValue
	}
	require.Len(t, attributes, 3)
	require.Equal(t, "InvalidRequest", attributes["code"])
	require.Contains(t, attributes["detail"], "signin_url")
	require.Equal(t, "8476a536-e9f4-11e8-9739-2dfe598c3fcd", attributes["request_id"])

	bus.Refuse("NotAuthorizedForDetailTypeException", "NotAuthorizedForDetailTypeException")
	require.JSONEq(t, `{"batchItemFailures":[{"itemIdentifier":"good"},{"itemIdentifier":"bad"}]}`, string(f.Invoke(batch("3"), timeout).Body))
	require.Len(t, queue.taken(), 1, "what is not published is not done")
	require.Len(t, w.sendGrid.Integrations(), 1)
}
