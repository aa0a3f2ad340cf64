package handler

import "sendgrid-sso-integration/internal/provision"

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
	Errors    []provision.FieldError `json:"errors,omitempty"`
}

func newProblem(e *provision.Error, requestID string) problem {
	return problem{
		Type:      problemType + string(e.Code),
		Title:     e.Code.Title(),
		Status:    e.Code.Status(),
		Detail:    e.Message,
		Code:      e.Code,
		RequestID: requestID,
		Errors:    e.Fields,
	}
}
