package handler_test

import (
	"strings"
	"testing"

	"github.com/aws/aws-lambda-go/events"
	"github.com/stretchr/testify/require"
)

// The log and the event name the caller as AWS does, or by the scheme of the webhook secret; never
// by more than an id.
func TestCallerIsNamed(t *testing.T) {
	t.Parallel()
	httpAPI := func(authorizer string) []byte {
		return []byte(`{"version":"2.0","headers":{"content-type":"application/json"},"body":` + quoted(goodRequest) +
			`,"requestContext":{"http":{"method":"POST"},"authorizer":` + authorizer + `}}`)
	}
	restAPI := func(context string) []byte {
		return []byte(`{"version":"1.0","httpMethod":"POST","resource":"/","headers":{"Content-Type":"application/json"},"body":` + quoted(goodRequest) +
			`,"requestContext":` + context + `}`)
	}
	const arn = "arn:aws:sts::123456789012:assumed-role/deployer/session"
	for name, tt := range map[string]struct {
		payload []byte
		want    any // nil where nobody is named
	}{
		"HTTP API, IAM":      {httpAPI(`{"iam":{"userArn":"` + arn + `","accountId":"123456789012"}}`), arn},
		"HTTP API, JWT":      {httpAPI(`{"jwt":{"claims":{"sub":"248289761001","email":"ada@example.com"},"scopes":null}}`), "248289761001"},
		"HTTP API, Lambda":   {httpAPI(`{"lambda":{"key":"secret"}}`), nil},
		"HTTP API, long":     {httpAPI(`{"jwt":{"claims":{"sub":"` + strings.Repeat("x", 257) + `"}}}`), nil},
		"REST API, IAM":      {restAPI(`{"identity":{"userArn":"` + arn + `"}}`), arn},
		"REST API, Cognito":  {restAPI(`{"authorizer":{"claims":{"sub":"a1b2","email":"ada@example.com"}}}`), "a1b2"},
		"REST API, Lambda":   {restAPI(`{"authorizer":{"principalId":"user-1"}}`), "user-1"},
		"REST API, a number": {restAPI(`{"authorizer":{"principalId":17}}`), nil},
		"EventBridge":        {[]byte(`{"id":"1","source":"com.example.idp","account":"123456789012","detail-type":"x","detail":` + goodRequest + `}`), "com.example.idp 123456789012"},
		"EventBridge, bare":  {[]byte(`{"id":"1","source":"com.example.idp","detail-type":"x","detail":` + goodRequest + `}`), "com.example.idp"},
		"SQS":                {fromQueue(goodRequest), "AROAEXAMPLE:sender"},
		"EventBridge in SQS": {fromQueue(`{"id":"1","source":"com.example.idp","account":"123456789012","detail-type":"x","detail":` + goodRequest + `}`), "com.example.idp 123456789012"},
		"direct":             {[]byte(goodRequest), nil},
		"a webhook secret":   {gateways["HTTP API"](httpCall{body: goodRequest, unknown: true}), "bearer"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			published := &recordingPublisher{}
			f := newFixture(created)
			f.Publisher, f.Verifier = published, verify(accept)
			_, err := f.invoke(t, tt.payload)
			require.NoError(t, err)
			require.Equal(t, tt.want, f.log.line(t)["caller"])
			require.NotContains(t, f.log.String(), "ada@example.com")
			if tt.want != nil {
				require.Equal(t, tt.want, published.published[0].Who())
			}
		})
	}
}

// fromQueue makes an event of a message that somebody sent.
func fromQueue(body string) []byte {
	return mustEncode(events.SQSEvent{Records: []events.SQSMessage{{
		MessageId: "1", Body: body, EventSource: "aws:sqs", Attributes: map[string]string{"SenderId": "AROAEXAMPLE:sender"},
	}}})
}
