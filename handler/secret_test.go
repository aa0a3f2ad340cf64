package handler_test

import (
	"strings"
	"testing"

	"github.com/aws/aws-lambda-go/events"
	"github.com/stretchr/testify/require"

	"sendgrid-sso-integration/internal/problem"
)

// Of a request with a private key nothing is echoed, logged, published or moved but its ids, and
// nothing delivers it again.
func TestAPrivateKeyIsDropped(t *testing.T) {
	t.Parallel()
	const key = `-----BEGIN PRIVATE KEY-----\nMIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcw`
	withKey := strings.Replace(goodRequest, "{", `{"metadata":{"ticket":"OPS-5417","note":"`+key+`"},`, 1)
	message := func(body string) []byte {
		return mustEncode(events.SQSEvent{Records: []events.SQSMessage{{MessageId: "message-1", EventSource: "aws:sqs", Body: body}}})
	}
	for name, tt := range map[string]struct {
		payload  []byte
		response string // Of the function; empty for an error or an HTTP response.
	}{
		"HTTP":                              {payload: gateways["HTTP API"](httpCall{body: withKey})},
		"direct":                            {payload: []byte(withKey)},
		"EventBridge":                       {functions["EventBridge"](withKey), "null"},
		"EventBridge, malformed":            {[]byte(strings.Replace(string(functions["EventBridge"](withKey)), `"version":"0"`, `"time":5417`, 1)), "null"},
		"a message":                         {message(withKey), `{"batchItemFailures":[]}`},
		"a message that is no JSON":         {message(withKey + "}"), `{"batchItemFailures":[]}`},
		"a message with an event":           {message(string(functions["EventBridge"](withKey))), `{"batchItemFailures":[]}`},
		"a message with a broken event":     {message(`{"detail-type":"x","source":"y","id":"e","detail":` + withKey + `,"time":"5417"}`), `{"batchItemFailures":[]}`},
		"a message with a notification":     {message(notification(withKey)), `{"batchItemFailures":[]}`},
		"a message that is too large":       {message(withKey + strings.Repeat(" ", 300_000)), `{"batchItemFailures":[]}`},
		"a message of an EventBridge Pipe":  {pipe(string(message(withKey))), `{"batchItemFailures":[]}`},
		"a message that is a key and alone": {message(strings.ReplaceAll(key, `\n`, "\n") + "OPS-5417"), `{"batchItemFailures":[]}`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFixture(nil)
			bus, queue := &recordingPublisher{}, &recordingQueue{}
			f.Publisher, f.DeadLetters = bus, queue
			data, err := f.invoke(t, tt.payload)
			text := string(data)
			if err != nil {
				text += err.Error()
			}
			require.Empty(t, queue.sent)
			require.Len(t, bus.published, 1)
			d := bus.published[0]
			require.Equal(t, problem.InvalidRequest, d.Failure.Code)
			require.Empty(t, d.Metadata())
			require.Empty(t, d.EntityID())
			require.Empty(t, d.Message)
			require.Empty(t, d.Body)
			line := f.log.line(t)
			require.Contains(t, line["error"], "private key")
			for _, kept := range []string{text, f.log.String()} {
				for _, part := range []string{"MIIE", "OPS-5417", "urn:idp"} {
					require.NotContains(t, kept, part)
				}
			}
			if tt.response == "" {
				require.Contains(t, text, "private key")
				return
			}
			require.NoError(t, err)
			require.JSONEq(t, tt.response, text)
		})
	}
}

// Until it is published, a message with a private key is delivered again.
func TestAPrivateKeyIsNotDroppedUnpublished(t *testing.T) {
	t.Parallel()
	f := newFixture(nil)
	f.Publisher, f.DeadLetters = &recordingPublisher{err: &problem.Error{Code: problem.EventBusUnavailable}}, &recordingQueue{}
	data, err := f.invoke(t, batch("-----BEGIN PRIVATE KEY-----"))
	require.NoError(t, err)
	require.Equal(t, []string{"1"}, failed(t, data))
}
