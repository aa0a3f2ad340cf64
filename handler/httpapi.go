package handler

import (
	"context"
	"encoding/json"
	"net/http"

	"sendgrid-sso-integration/internal/telemetry"
)

// httpAPIEvent is what is read of an event of payload version 2.0. The identity is kept
// raw, because whether it is there at all is what counts.
type httpAPIEvent struct {
	Headers         map[string]string `json:"headers"`
	Body            string            `json:"body"`
	IsBase64Encoded bool              `json:"isBase64Encoded"`
	RequestContext  struct {
		RequestID string `json:"requestId"`
		HTTP      struct {
			Method string `json:"method"`
		} `json:"http"`
		Authorizer struct {
			IAM    json.RawMessage `json:"iam"`
			JWT    json.RawMessage `json:"jwt"`
			Lambda json.RawMessage `json:"lambda"`
		} `json:"authorizer"`
	} `json:"requestContext"`
}

// answerHTTPAPI answers an event of an API Gateway HTTP API, or of a Function URL.
func (h *Handler) answerHTTPAPI(ctx context.Context, origin telemetry.Origin, payload []byte) ([]byte, error) {
	request, err := readHTTPAPI(payload)
	return h.answerHTTP(ctx, origin, request, err)
}

func readHTTPAPI(payload []byte) (httpRequest, error) {
	var event httpAPIEvent
	if err := json.Unmarshal(payload, &event); err != nil {
		return httpRequest{}, malformed(err)
	}
	authorizer := event.RequestContext.Authorizer
	header := http.Header{}
	for name, value := range event.Headers {
		header.Add(name, value)
	}
	return httpRequest{
		id:       event.RequestContext.RequestID,
		method:   event.RequestContext.HTTP.Method,
		header:   header,
		body:     event.Body,
		encoded:  event.IsBase64Encoded,
		verified: identifies(authorizer.IAM) || identifies(authorizer.JWT) || identifies(authorizer.Lambda),
	}, nil
}
