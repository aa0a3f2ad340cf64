package handler

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"math"
	"mime"
	"net/http"
	"strconv"
	"strings"
	"time"

	"sendgrid-sso-integration/handler/webhook"
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
func (h *Handler) answerHTTP(ctx context.Context, origin telemetry.Origin, find func() (httpRequest, error)) ([]byte, error) {
	result, failure := h.fulfil(ctx, origin, func(ctx context.Context, record *telemetry.Record) ([]byte, error) {
		request, err := find()
		if err != nil {
			return nil, err
		}
		record.GatewayRequestID = request.id
		return h.admit(ctx, request)
	})
	answer := httpAnswer{Headers: map[string]string{
		"Content-Type":  "application/json",
		"Cache-Control": "no-store",
		"X-Request-Id":  requestID(ctx),
	}}
	if failure != nil {
		answer.StatusCode = failure.Code.Status()
		answer.Headers["Content-Type"] = "application/problem+json"
		failureHeaders(answer.Headers, failure)
		answer.Body = string(encode(newProblem(ctx, failure)))
		return encode(answer), nil
	}
	answer.StatusCode = http.StatusOK
	if result.Outcome == provision.OutcomeCreated {
		answer.StatusCode = http.StatusCreated
		answer.Headers["Location"] = h.IntegrationURL(result.Integration.ID)
	}
	answer.Body = string(encode(result))
	return encode(answer), nil
}

// admit decides whether an HTTP request may come in, and returns its body. What costs
// nothing to check comes first, so that a stranger cannot make the function work; and
// nothing of the body is looked at before the caller is known.
func (h *Handler) admit(ctx context.Context, r httpRequest) ([]byte, error) {
	if r.method != http.MethodPost {
		return nil, &provision.Error{Code: provision.MethodNotAllowed, Message: "Send the request with POST."}
	}
	body, err := r.content()
	if err != nil {
		return nil, err
	}
	if err := h.authenticate(ctx, r, body); err != nil {
		return nil, err
	}
	if !isJSON(r.header["Content-Type"]) {
		return nil, &provision.Error{Code: provision.UnsupportedMediaType, Message: "Send the request as JSON, with the header Content-Type: application/json."}
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
		return nil, &provision.Error{Code: provision.PayloadTooLarge, Message: fmt.Sprintf("The request may have at most %d bytes.", provision.MaxRequestBytes)}
	}
	if !r.encoded {
		return []byte(r.body), nil
	}
	body, err := base64.StdEncoding.DecodeString(r.body)
	if err != nil {
		return nil, &provision.Error{Code: provision.InvalidJSON, Message: "The body is marked as base64 and cannot be decoded; send one JSON object.", Err: err}
	}
	return body, nil
}

// authenticate returns nil if the gateway knows the caller, or the caller knows a secret.
func (h *Handler) authenticate(ctx context.Context, r httpRequest, body []byte) error {
	if r.verified {
		return nil
	}
	err := error(&webhook.Refusal{Reason: "the gateway does not know the caller, and no webhook secret is configured"})
	if h.Verifier != nil {
		err = h.Verifier.Verify(ctx, r.header, body)
	}
	var refusal *webhook.Refusal
	switch {
	case err == nil:
		return nil
	case errors.As(err, &refusal):
		return &provision.Error{
			Code: provision.Unauthenticated, Err: err,
			Message: "Sign the request with IAM or a token that the API accepts, or send a secret that this function knows.",
		}
	default:
		return secretUnavailable(err)
	}
}

func secretUnavailable(err error) error {
	e := &provision.Error{
		Code: provision.SecretUnavailable, Err: err, RetryAfter: 30 * time.Second,
		Message: "The webhook secret could not be read from Secrets Manager, so nobody can be let in by it. Try again; if it persists, check that the secret exists and that the function's role may read it.",
	}
	var content interface{ Permanent() bool }
	if errors.As(err, &content) && content.Permanent() {
		e.Permanent, e.RetryAfter = true, 0
		e.Message = "The webhook secret has no usable content, so nobody can be let in by it. The log says what is wrong with it."
	}
	return e
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

// failureHeaders adds the headers that tell a client what to do.
func failureHeaders(headers map[string]string, failure *provision.Error) {
	switch failure.Code {
	case provision.MethodNotAllowed:
		headers["Allow"] = http.MethodPost
	case provision.Unauthenticated:
		headers["WWW-Authenticate"] = "Bearer"
	case provision.UnsupportedMediaType:
		headers["Accept-Post"] = "application/json"
	}
	if failure.Retryable() && failure.RetryAfter > 0 {
		headers["Retry-After"] = strconv.FormatInt(int64(math.Ceil(failure.RetryAfter.Seconds())), 10)
	}
}
