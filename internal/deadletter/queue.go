// Package deadletter moves rejected SQS messages to a dead-letter queue.
package deadletter

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"sendgrid-sso-integration/internal/cut"
	"sendgrid-sso-integration/internal/delivery"
)

const (
	// sendTimeout bounds one send with all the SDK's retries, inside the invocation.
	sendTimeout = 2 * time.Second
	// maxDetail bounds the attribute "detail" in bytes: attributes count towards the size of a
	// message.
	maxDetail = 1024
)

// API is the part of sqs.Client that a Queue uses.
type API interface {
	SendMessage(context.Context, *sqs.SendMessageInput, ...func(*sqs.Options)) (*sqs.SendMessageOutput, error)
}

// Queue is a dead-letter queue.
type Queue struct {
	// API returns the client. It is called when the first message is moved, which most
	// processes never do.
	API func() API
	URL string
}

// Send moves the message of a rejected delivery to the queue, with the attributes code,
// detail and request_id. It returns an error if the queue did not take it.
//
// https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_SendMessage.html
func (q *Queue) Send(ctx context.Context, d *delivery.Delivery) error {
	ctx, cancel := context.WithTimeout(ctx, sendTimeout)
	defer cancel()
	attributes := map[string]types.MessageAttributeValue{}
	for name, value := range map[string]string{
		"code": string(d.Failure.Code), "detail": clip(d.Failure.Public()), "request_id": d.RequestID,
	} {
		if value != "" { // SQS refuses empty attributes.
			attributes[name] = types.MessageAttributeValue{DataType: aws.String("String"), StringValue: aws.String(value)}
		}
	}
	_, err := q.API().SendMessage(ctx, &sqs.SendMessageInput{
		QueueUrl:          aws.String(q.URL),
		MessageBody:       aws.String(d.Message),
		MessageAttributes: attributes,
	})
	if err != nil {
		return fmt.Errorf("send to the dead-letter queue %s: %w", q.URL, err)
	}
	return nil
}

// clip shortens a text to what an attribute may hold. SQS refuses control characters.
func clip(detail string) string {
	detail = strings.Map(func(r rune) rune {
		if r < ' ' && r != '\t' && r != '\n' && r != '\r' {
			return ' '
		}
		return r
	}, detail)
	return cut.Bytes(detail, maxDetail)
}
