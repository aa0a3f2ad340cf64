package handler

import (
	"context"
	"strings"

	"sendgrid-sso-integration/internal/auth"
	"sendgrid-sso-integration/internal/delivery"
	"sendgrid-sso-integration/internal/problem"
	"sendgrid-sso-integration/internal/status"
)

// Reporter reports the status.
type Reporter interface {
	Report(context.Context) *status.Report
}

// statusPath ends the path of the route that reads the status.
const statusPath = "/sso/status"

// asksStatus reports whether a direct invocation asks for the status: {"status": {}}.
func asksStatus(payload []byte) bool {
	event := fieldsOf(payload)
	return len(event) == 1 && fieldsOf(event["status"]) != nil
}

// isStatus reports whether an HTTP request is for the status. Only the path decides, so that a permission for
// this route does not allow another one.
func (r httpRequest) isStatus() bool {
	return strings.HasSuffix(strings.TrimSuffix(r.path, "/"), statusPath)
}

// status reports the status. A webhook secret does not suffice, because the report names every connection of
// the account.
func (h *Handler) status(ctx context.Context, d *delivery.Delivery) error {
	if d.Caller == delivery.Unauthenticated {
		return &problem.Error{
			Code: problem.Unauthenticated, Err: &auth.CredentialsError{Reason: "the gateway did not authenticate the caller, and a webhook secret does not read the status"},
			Message: "Sign the request with IAM, or send a token that the API accepts. A webhook secret does not read the status.",
		}
	}
	d.Status = h.Reporter.Report(ctx)
	return nil
}

// perform carries out a delivery whose sender gets the response: a request, or the status.
func (h *Handler) perform(ctx context.Context, d *delivery.Delivery) error {
	if d.IsStatus {
		return h.status(ctx, d)
	}
	return h.provision(ctx, d)
}
