package deadletter_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/stretchr/testify/require"

	"sendgrid-sso-integration/internal/deadletter"
	"sendgrid-sso-integration/internal/delivery"
	"sendgrid-sso-integration/internal/problem"
)

const url = "https://sqs.eu-west-1.amazonaws.com/123456789012/dead-letters"

// fakeSQS is a queue made of a function.
type fakeSQS func(context.Context, *sqs.SendMessageInput) error

func (f fakeSQS) SendMessage(ctx context.Context, in *sqs.SendMessageInput, _ ...func(*sqs.Options)) (*sqs.SendMessageOutput, error) {
	return &sqs.SendMessageOutput{}, f(ctx, in)
}

// sent moves a message and returns what the queue gets.
func sent(t *testing.T, d *delivery.Delivery) (in *sqs.SendMessageInput, attributes map[string]string) {
	t.Helper()
	q := &deadletter.Queue{URL: url, API: func() deadletter.API {
		return fakeSQS(func(ctx context.Context, got *sqs.SendMessageInput) error {
			deadline, ok := ctx.Deadline()
			require.True(t, ok)
			require.Less(t, time.Until(deadline), 3*time.Second)
			in = got
			return nil
		})
	}}
	require.NoError(t, q.Send(t.Context(), d))
	attributes = map[string]string{}
	for name, value := range in.MessageAttributes {
		require.Equal(t, "String", aws.ToString(value.DataType))
		attributes[name] = aws.ToString(value.StringValue)
	}
	return in, attributes
}

func rejected(message string) *delivery.Delivery {
	return &delivery.Delivery{
		IDs: delivery.IDs{RequestID: "request-1"}, Message: ` {"name": "Okta"}`,
		Failure: &problem.Error{Code: problem.Conflict, Message: message, Err: errors.New("the cause")},
	}
}

// The message arrives as it was received, with what was wrong as attributes.
func TestSend(t *testing.T) {
	t.Parallel()
	d := rejected("It differs.")
	d.Failure.Fields = []problem.FieldError{{Field: "name", Message: "is another"}}
	in, attributes := sent(t, d)
	require.Equal(t, url, aws.ToString(in.QueueUrl))
	require.Equal(t, d.Message, aws.ToString(in.MessageBody))
	require.Equal(t, map[string]string{"code": "Conflict", "detail": "It differs. name: is another", "request_id": "request-1"}, attributes)

	d.RequestID = ""
	_, attributes = sent(t, d)
	require.NotContains(t, attributes, "request_id", "SQS refuses empty attributes")
}

// An attribute is bounded, and has no character that SQS refuses.
func TestDetailIsClipped(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct{ detail, want string }{
		"control characters": {"a\x00b\x1fc\td\n", "a b c\td\n"},
		"as long as allowed": {strings.Repeat("x", 1024), strings.Repeat("x", 1024)},
		"too long":           {strings.Repeat("x", 1025), strings.Repeat("x", 1021) + "…"},
		"cut in a character": {strings.Repeat("x", 1020) + "üüü", strings.Repeat("x", 1020) + "…"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, attributes := sent(t, rejected(tt.detail))
			require.Equal(t, tt.want, attributes["detail"])
			require.True(t, utf8.ValidString(attributes["detail"]))
		})
	}
}

func TestSendFails(t *testing.T) {
	t.Parallel()
	down := errors.New("down")
	q := &deadletter.Queue{URL: url, API: func() deadletter.API {
		return fakeSQS(func(context.Context, *sqs.SendMessageInput) error { return down })
	}}
	err := q.Send(t.Context(), rejected("It differs."))
	require.ErrorIs(t, err, down)
	require.ErrorContains(t, err, url)
}
