package handler

import (
	"context"
	"encoding/json"
	"net/http"

	"sendgrid-sso-integration/internal/telemetry"
)

// restAPIEvent is what is read of an event of payload version 1.0.
type restAPIEvent struct {
	HTTPMethod        string              `json:"httpMethod"`
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

// answerRESTAPI answers an event of an API Gateway REST API.
func (h *Handler) answerRESTAPI(ctx context.Context, origin telemetry.Origin, payload []byte) ([]byte, error) {
	request, err := readRESTAPI(payload)
	return h.answerHTTP(ctx, origin, request, err)
}

func readRESTAPI(payload []byte) (httpRequest, error) {
	var event restAPIEvent
	if err := json.Unmarshal(payload, &event); err != nil {
		return httpRequest{}, malformed(err)
	}
	caller := event.RequestContext
	return httpRequest{
		id:      caller.RequestID,
		method:  event.HTTPMethod,
		header:  event.header(),
		body:    event.Body,
		encoded: event.IsBase64Encoded,
		verified: caller.Identity.UserARN != "" ||
			identifies(caller.Authorizer.Claims) || identifies(caller.Authorizer.PrincipalID),
	}, nil
}

// header returns the headers. API Gateway sends each twice: the last value of each name,
// and all values of each name, which is the one that hides nothing.
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
