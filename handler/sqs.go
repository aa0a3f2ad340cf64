package handler

import (
	"context"
	"encoding/json"
	"strconv"
	"time"

	"github.com/aws/aws-lambda-go/events"

	"sendgrid-sso-integration/internal/audit"
	"sendgrid-sso-integration/internal/cut"
	"sendgrid-sso-integration/internal/delivery"
	"sendgrid-sso-integration/internal/invocation"
	"sendgrid-sso-integration/internal/saml"
)

// TriggerSQS is an SQS queue, or an EventBridge Pipe that reads one. A message is a request, or the
// EventBridge event or the SNS notification of one; or the audit of one connection, which this function
// sent.
const TriggerSQS = "sqs"

// batchMaxWait is the maximum wait of a message of a batch: for another attempt, a write that
// settles, a rate limit. After that the message returns to the queue, so that the rest of the
// batch and the next one do not wait for it. Attempts take a second or two, and short rate limits reset
// within seconds; what takes longer mostly takes minutes.
const batchMaxWait = 5 * time.Second

func sqs() trigger {
	return trigger{name: TriggerSQS, recognises: isSQS, decode: decodeSQS, work: (*Handler).message, encode: encodeSQS, minTime: invocation.MinMessage}
}

// isSQS reports whether an event holds SQS messages, rather than the records that S3, SNS
// and others send under the same name.
func isSQS(event fields) bool {
	var records []struct {
		EventSource string `json:"eventSource"`
	}
	return json.Unmarshal(event["Records"], &records) == nil && len(records) > 0 && records[0].EventSource == "aws:sqs"
}

// decodeSQS returns a delivery for each message.
//
// https://docs.aws.amazon.com/lambda/latest/dg/with-sqs.html
func decodeSQS(payload []byte) []*delivery.Delivery {
	var batch events.SQSEvent
	if err := json.Unmarshal(payload, &batch); err != nil {
		return []*delivery.Delivery{{Caller: delivery.AWS, Failure: malformed(err)}}
	}
	deliveries := make([]*delivery.Delivery, len(batch.Records))
	for i, message := range batch.Records {
		d := &delivery.Delivery{Caller: delivery.AWS, Body: saml.CutMark([]byte(message.Body)), Message: message.Body}
		d.MessageID, d.CallerID = cut.ID(message.MessageId), cut.ID(message.Attributes["SenderId"])
		if len(batch.Records) > 1 {
			d.MaxWait = batchMaxWait
		}
		if receives, err := strconv.Atoi(message.Attributes["ApproximateReceiveCount"]); err == nil {
			d.Receives = receives
		}
		if sent, err := strconv.ParseInt(message.Attributes["SentTimestamp"], 10, 64); err == nil {
			d.Queued = time.UnixMilli(sent)
		}
		if task, ok := audit.ParseTask(d.Body); ok {
			d.Task, deliveries[i] = &task, d
			continue
		}
		openNotification(d)
		if isEventBridge(fieldsOf(d.Body)) {
			openEnvelope(d, d.Body)
		}
		refusePrivateKey(d, message.Body)
		deliveries[i] = d
	}
	return deliveries
}

// message carries out a message: a request, or the audit of one connection.
func (h *Handler) message(ctx context.Context, d *delivery.Delivery) error {
	if d.Task != nil {
		return h.auditConnection(ctx, d)
	}
	return h.provision(ctx, d)
}

// openNotification takes the message out of the envelope in which SNS puts it, unless the
// subscription has raw message delivery.
//
// https://docs.aws.amazon.com/sns/latest/dg/sns-message-and-json-formats.html
func openNotification(d *delivery.Delivery) {
	var notification struct{ Type, TopicArn, Message string }
	if !fieldsOf(d.Body).has("Type", "TopicArn", "Message") || json.Unmarshal(d.Body, &notification) != nil || notification.Type != "Notification" {
		return
	}
	d.Body = saml.CutMark([]byte(notification.Message))
}

// encodeSQS returns the ids of the messages that failed and were neither moved to the
// dead-letter queue nor dropped. SQS delivers them again. If a delivery that failed has no message
// id, as when the batch is malformed, the whole batch fails.
//
// https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-errorhandling.html
func encodeSQS(h *Handler, deliveries []*delivery.Delivery) ([]byte, error) {
	response := events.SQSEventResponse{BatchItemFailures: []events.SQSBatchItemFailure{}}
	for _, d := range deliveries {
		if d.Failure == nil || d.DeadLettered || d.Dropped {
			continue
		}
		if d.MessageID == "" {
			return encodeFunction(h, []*delivery.Delivery{d})
		}
		response.BatchItemFailures = append(response.BatchItemFailures, events.SQSBatchItemFailure{ItemIdentifier: d.MessageID})
	}
	return encode(response), nil
}
