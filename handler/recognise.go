package handler

import "encoding/json"

// trigger names the kind of an event.
type trigger string

// The triggers, as they appear in the log.
const (
	triggerHTTPAPI     trigger = "http-api" // API Gateway HTTP API, and Function URL
	triggerRESTAPI     trigger = "rest-api"
	triggerEventBridge trigger = "eventbridge"
	triggerDirect      trigger = "direct"
)

// recognise tells the kind of an event by the fields that only this kind has. What is
// none of the others is taken for a request itself, which says in its turn what is wrong
// with it.
func recognise(payload []byte) trigger {
	var event struct {
		Version        json.RawMessage `json:"version"`
		RequestContext json.RawMessage `json:"requestContext"`
		HTTPMethod     json.RawMessage `json:"httpMethod"`
		DetailType     json.RawMessage `json:"detail-type"`
		Source         json.RawMessage `json:"source"`
		Detail         json.RawMessage `json:"detail"`
	}
	if json.Unmarshal(payload, &event) != nil {
		return triggerDirect
	}
	switch {
	case string(event.Version) == `"2.0"` && hasHTTP(event.RequestContext):
		return triggerHTTPAPI
	case event.RequestContext != nil && event.HTTPMethod != nil:
		return triggerRESTAPI
	case event.DetailType != nil && event.Source != nil && event.Detail != nil:
		return triggerEventBridge
	default:
		return triggerDirect
	}
}

func hasHTTP(requestContext json.RawMessage) bool {
	var fields struct {
		HTTP json.RawMessage `json:"http"`
	}
	return json.Unmarshal(requestContext, &fields) == nil && fields.HTTP != nil
}
