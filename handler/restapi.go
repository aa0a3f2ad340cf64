package handler

import (
	"cmp"
	"encoding/json"
	"net/http"

	"sendgrid-sso-integration/internal/delivery"
)

// TriggerRESTAPI is an API Gateway REST API, or an HTTP API with payload version 1.0.
const TriggerRESTAPI = "rest-api"

func restAPI() trigger {
	return trigger{name: TriggerRESTAPI, recognises: isRESTAPI, decode: decodeRESTAPI, work: (*Handler).perform, encode: encodeHTTP, responds: true}
}

func isRESTAPI(event fields) bool { return event.has("requestContext", "httpMethod") }

// restAPIEvent has the fields that are read of an event of payload version 1.0.
//
// https://docs.aws.amazon.com/apigateway/latest/developerguide/set-up-lambda-proxy-integrations.html
type restAPIEvent struct {
	HTTPMethod        string              `json:"httpMethod"`
	Path              string              `json:"path"`
	Headers           map[string]string   `json:"headers"`
	MultiValueHeaders map[string][]string `json:"multiValueHeaders"`
	Body              string              `json:"body"`
	IsBase64Encoded   bool                `json:"isBase64Encoded"`
	RequestContext    struct {
		RequestID string `json:"requestId"`
		Identity  struct {
			UserARN string `json:"userArn"`
		} `json:"identity"`
		Authorizer struct {
			Claims      json.RawMessage `json:"claims"`
			PrincipalID json.RawMessage `json:"principalId"`
		} `json:"authorizer"`
	} `json:"requestContext"`
}

func decodeRESTAPI(payload []byte) []*delivery.Delivery {
	var event restAPIEvent
	if err := json.Unmarshal(payload, &event); err != nil {
		return []*delivery.Delivery{{Failure: malformed(err)}}
	}
	caller := event.RequestContext
	var claims struct {
		Subject string `json:"sub"`
	}
	var principal string
	_ = json.Unmarshal(caller.Authorizer.Claims, &claims) // Another form names nobody.
	_ = json.Unmarshal(caller.Authorizer.PrincipalID, &principal)
	return []*delivery.Delivery{httpRequest{
		id:       caller.RequestID,
		method:   event.HTTPMethod,
		path:     event.Path,
		header:   event.header(),
		body:     event.Body,
		base64:   event.IsBase64Encoded,
		callerID: cmp.Or(caller.Identity.UserARN, claims.Subject, principal),
		authenticated: caller.Identity.UserARN != "" ||
			hasIdentity(caller.Authorizer.Claims) || hasIdentity(caller.Authorizer.PrincipalID),
	}.delivery()}
}

// header returns the headers. API Gateway sends each twice: the last value of each name, and
// all values of each name; a duplicate shows only in the latter.
func (e restAPIEvent) header() http.Header {
	header := http.Header{}
	for name, values := range e.MultiValueHeaders {
		for _, value := range values {
			header.Add(name, value)
		}
	}
	for name, value := range e.Headers {
		if _, ok := e.MultiValueHeaders[name]; !ok {
			header.Add(name, value)
		}
	}
	return header
}
