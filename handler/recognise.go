package handler

import "encoding/json"

// Trigger names the kind of an event.
type Trigger string

// The triggers, as they appear in the log.
const (
	TriggerHTTPAPI     Trigger = "http-api" // API Gateway HTTP API, and Function URL
	TriggerRESTAPI     Trigger = "rest-api"
	TriggerEventBridge Trigger = "eventbridge"
	TriggerSQS         Trigger = "sqs"
	TriggerDirect      Trigger = "direct"
)

// Recognise tells the kind of an event by the fields that only this kind has. What is
// none of the others is taken for a request itself, which says in its turn what is wrong
// with it.
func Recognise(payload []byte) Trigger {
	var event struct {
		Version        json.RawMessage `json:"version"`
		RequestContext json.RawMessage `json:"requestContext"`
		HTTPMethod     json.RawMessage `json:"httpMethod"`
		DetailType     json.RawMessage `json:"detail-type"`
		Source         json.RawMessage `json:"source"`
		Detail         json.RawMessage `json:"detail"`
		Records        json.RawMessage `json:"Records"`
	}
	if json.Unmarshal(payload, &event) != nil {
		return TriggerDirect
	}
	switch {
	case string(event.Version) == `"2.0"` && hasHTTP(event.RequestContext):
		return TriggerHTTPAPI
	case event.RequestContext != nil && event.HTTPMethod != nil:
		return TriggerRESTAPI
	case event.DetailType != nil && event.Source != nil && event.Detail != nil:
		return TriggerEventBridge
	case areMessages(event.Records):
		return TriggerSQS
	default:
		return TriggerDirect
	}
}

func hasHTTP(requestContext json.RawMessage) bool {
	var fields struct {
		HTTP json.RawMessage `json:"http"`
	}
	return json.Unmarshal(requestContext, &fields) == nil && fields.HTTP != nil
}

// areMessages tells whether the records of an event are messages of SQS, rather than what
// S3, SNS and others send under the same name.
func areMessages(raw json.RawMessage) bool {
	var records []struct {
		EventSource string `json:"eventSource"`
	}
	return json.Unmarshal(raw, &records) == nil && len(records) > 0 && records[0].EventSource == "aws:sqs"
}
