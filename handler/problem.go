package handler

import (
	"context"

	"sendgrid-sso-integration/internal/provision"
)

// problemType begins the URIs that name the types of problems.
const problemType = "urn:sendgrid-sso-integration:problem:"

// problem is the body of an HTTP answer that is no success (RFC 9457).
type problem struct {
	Type      string                 `json:"type"`
	Title     string                 `json:"title"`
	Status    int                    `json:"status"`
	Detail    string                 `json:"detail"`
	Code      provision.Code         `json:"code"`
	RequestID string                 `json:"request_id"`
	TraceID   string                 `json:"trace_id,omitempty"`
	Errors    []provision.FieldError `json:"errors,omitempty"`
}

func newProblem(ctx context.Context, e *provision.Error) problem {
	return problem{
		Type:      problemType + string(e.Code),
		Title:     e.Code.Title(),
		Status:    e.Code.Status(),
		Detail:    e.Message,
		Code:      e.Code,
		RequestID: requestID(ctx),
		TraceID:   traceID(ctx),
		Errors:    e.Fields,
	}
}
