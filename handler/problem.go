package handler

import (
	"math"
	"net/http"
	"strconv"

	"sendgrid-sso-integration/internal/delivery"
	"sendgrid-sso-integration/internal/problem"
)

// problemType begins the URIs that name the types of problems.
const problemType = "urn:sendgrid-sso-integration:problem:"

// problemBody is the body of an HTTP response to a request that failed (RFC 9457).
type problemBody struct {
	Type             string               `json:"type"`
	Title            string               `json:"title"`
	Status           int                  `json:"status"`
	Detail           string               `json:"detail"`
	Code             problem.Code         `json:"code"`
	RequestID        string               `json:"request_id"`
	TraceID          string               `json:"trace_id,omitempty"`
	GatewayRequestID string               `json:"gateway_request_id,omitempty"`
	IntegrationID    string               `json:"integration_id,omitempty"`
	EntityID         string               `json:"entity_id,omitempty"`
	Email            string               `json:"email,omitempty"`
	Metadata         map[string]string    `json:"metadata,omitempty"`
	Errors           []problem.FieldError `json:"errors,omitempty"`
	Changes          []problem.Change     `json:"changes,omitempty"`
}

// problemResponse returns the HTTP response to a delivery that failed.
func problemResponse(d *delivery.Delivery) httpResponse {
	e := d.Failure
	response := newHTTPResponse(d, e.Code.Status(), problemBody{
		Type:             problemType + string(e.Code),
		Title:            e.Code.Title(),
		Status:           e.Code.Status(),
		Detail:           e.Message,
		Code:             e.Code,
		RequestID:        d.RequestID,
		TraceID:          d.TraceID,
		GatewayRequestID: d.GatewayRequestID,
		IntegrationID:    d.IntegrationID(),
		EntityID:         d.EntityID(),
		Email:            d.Email(),
		Metadata:         d.Metadata(),
		Errors:           e.Fields,
		Changes:          e.Changes,
	})
	response.Headers["Content-Type"] = "application/problem+json"
	if e.Retryable() && e.RetryAfter > 0 {
		response.Headers["Retry-After"] = strconv.FormatInt(int64(math.Ceil(e.RetryAfter.Seconds())), 10)
	}
	if header, ok := problemHeaders[e.Code]; ok {
		response.Headers[header.name] = header.value
	}
	if d.IsStatus && e.Code == problem.MethodNotAllowed {
		response.Headers["Allow"] = http.MethodGet
	}
	return response
}

// problemHeaders are the headers that HTTP requires or recommends with a status.
var problemHeaders = map[problem.Code]struct{ name, value string }{
	problem.MethodNotAllowed:     {"Allow", http.MethodPost},
	problem.Unauthenticated:      {"WWW-Authenticate", "Bearer"},
	problem.UnsupportedMediaType: {"Accept-Post", "application/json"},
}
