package handler

import (
	"context"
	"math"
	"net/http"
	"strconv"

	"sendgrid-sso-integration/internal/problem"
	"sendgrid-sso-integration/internal/telemetry"
)

// problemType begins the URIs that name the types of problems.
const problemType = "urn:sendgrid-sso-integration:problem:"

// problemBody is the body of an HTTP answer that is no success (RFC 9457).
type problemBody struct {
	Type             string               `json:"type"`
	Title            string               `json:"title"`
	Status           int                  `json:"status"`
	Detail           string               `json:"detail"`
	Code             problem.Code         `json:"code"`
	RequestID        string               `json:"request_id"`
	TraceID          string               `json:"trace_id,omitempty"`
	GatewayRequestID string               `json:"gateway_request_id,omitempty"`
	Metadata         map[string]string    `json:"metadata,omitempty"`
	Errors           []problem.FieldError `json:"errors,omitempty"`
}

func newProblemBody(ctx context.Context, record *telemetry.Record, e *problem.Error) problemBody {
	return problemBody{
		Type:             problemType + string(e.Code),
		Title:            e.Code.Title(),
		Status:           e.Code.Status(),
		Detail:           e.Message,
		Code:             e.Code,
		RequestID:        requestID(ctx),
		TraceID:          record.TraceID,
		GatewayRequestID: record.GatewayRequestID,
		Metadata:         record.Metadata,
		Errors:           e.Fields,
	}
}

// encodeProblem encodes an HTTP answer that is no success.
func encodeProblem(ctx context.Context, record *telemetry.Record, e *problem.Error) []byte {
	answer := newHTTPAnswer(ctx, e.Code.Status(), newProblemBody(ctx, record, e))
	answer.Headers["Content-Type"] = "application/problem+json"
	failureHeaders(answer.Headers, e)
	return encode(answer)
}

// failureHeaders adds the headers that tell a client what to do.
func failureHeaders(headers map[string]string, failure *problem.Error) {
	switch failure.Code {
	case problem.MethodNotAllowed:
		headers["Allow"] = http.MethodPost
	case problem.Unauthenticated:
		headers["WWW-Authenticate"] = "Bearer"
	case problem.UnsupportedMediaType:
		headers["Accept-Post"] = "application/json"
	}
	if failure.Retryable() && failure.RetryAfter > 0 {
		headers["Retry-After"] = strconv.FormatInt(int64(math.Ceil(failure.RetryAfter.Seconds())), 10)
	}
}
