package handler

import (
	"context"
	"encoding/base64"
	"fmt"
	"mime"
	"net/http"
	"strings"

	"sendgrid-sso-integration/internal/problem"

	"sendgrid-sso-integration/internal/provision"
	"sendgrid-sso-integration/internal/telemetry"
)

// httpRequest is an HTTP request, whichever gateway brought it.
type httpRequest struct {
	// id is the gateway's.
	id     string
	method string
	header http.Header
	// body is as the gateway passed it on: in base64 where encoded is set.
	body    string
	encoded bool
	// verified tells that the gateway knows who is calling.
	verified bool
}

// httpAnswer is an HTTP answer in the form that both kinds of API Gateway and Function
// URLs take.
type httpAnswer struct {
	StatusCode      int               `json:"statusCode"`
	Headers         map[string]string `json:"headers"`
	Body            string            `json:"body"`
	IsBase64Encoded bool              `json:"isBase64Encoded"`
}

// answerHTTP answers an HTTP request. It never fails: what goes wrong is an answer too.
func (h *Handler) answerHTTP(ctx context.Context, origin telemetry.Origin, r httpRequest, malformed error) ([]byte, error) {
	ctx, cancel := endEarly(ctx, answerMargin)
	defer cancel()
	origin.GatewayRequestID = r.id
	ctx, record := telemetry.Begin(ctx, origin)
	result, failure := h.fulfil(ctx, record, func(ctx context.Context, _ *telemetry.Record) ([]byte, error) {
		if malformed != nil {
			return nil, malformed
		}
		return h.admit(ctx, r)
	})
	if failure != nil {
		return encodeProblem(ctx, record, failure), nil
	}
	answer := newHTTPAnswer(ctx, http.StatusOK, result)
	if result.Outcome == provision.OutcomeCreated {
		answer.StatusCode = http.StatusCreated
		answer.Headers["Location"] = h.IntegrationURL(result.Integration.ID)
	}
	return encode(answer), nil
}

// newHTTPAnswer returns an answer with a JSON body.
func newHTTPAnswer(ctx context.Context, status int, body any) httpAnswer {
	return httpAnswer{StatusCode: status, Body: string(encode(body)), Headers: map[string]string{
		"Content-Type":  "application/json",
		"Cache-Control": "no-store",
		"X-Request-Id":  requestID(ctx),
	}}
}

// admit decides whether an HTTP request may come in, and returns its body. What costs
// nothing to check comes first, so that a stranger cannot make the function work; and
// nothing of the body is looked at before the caller is known.
func (h *Handler) admit(ctx context.Context, r httpRequest) ([]byte, error) {
	if r.method != http.MethodPost {
		return nil, &problem.Error{Code: problem.MethodNotAllowed, Message: "Send the request with POST."}
	}
	body, err := r.content()
	if err != nil {
		return nil, err
	}
	if err := h.authenticate(ctx, r, body); err != nil {
		return nil, err
	}
	if !isJSON(r.header["Content-Type"]) {
		return nil, &problem.Error{Code: problem.UnsupportedMediaType, Message: "Send the request as JSON, with the header Content-Type: application/json."}
	}
	return body, nil
}

// content returns the raw body that the caller sent.
func (r httpRequest) content() ([]byte, error) {
	size := len(r.body)
	if r.encoded {
		size = base64.StdEncoding.DecodedLen(size) - 2 // The padding counts two bytes at most.
	}
	if size > provision.MaxRequestBytes {
		return nil, &problem.Error{Code: problem.PayloadTooLarge, Message: fmt.Sprintf("The request may have at most %d bytes.", provision.MaxRequestBytes)}
	}
	if !r.encoded {
		return []byte(r.body), nil
	}
	body, err := base64.StdEncoding.DecodeString(r.body)
	if err != nil {
		return nil, &problem.Error{Code: problem.InvalidJSON, Message: "The body is marked as base64 and cannot be decoded; send one JSON object.", Err: err}
	}
	return body, nil
}

// isJSON tells whether a request says that it is JSON, in UTF-8.
func isJSON(contentTypes []string) bool {
	if len(contentTypes) != 1 {
		return false
	}
	mediaType, params, err := mime.ParseMediaType(contentTypes[0])
	if err != nil {
		return false
	}
	charset, given := params["charset"]
	return (mediaType == "application/json" || strings.HasSuffix(mediaType, "+json")) &&
		(!given || strings.EqualFold(charset, "utf-8"))
}
