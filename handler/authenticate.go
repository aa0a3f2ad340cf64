package handler

import (
	"context"
	"errors"
	"time"

	"sendgrid-sso-integration/internal/auth"
	"sendgrid-sso-integration/internal/delivery"
	"sendgrid-sso-integration/internal/problem"
	"sendgrid-sso-integration/internal/request"
)

// retrySecret is when to send a request again if the webhook secret could not be read.
const retrySecret = 30 * time.Second

// authenticate returns nil if the caller is authenticated: by AWS, by the gateway, or by a
// webhook secret. An error tells the caller nothing about what was wrong with a secret.
func (h *Handler) authenticate(ctx context.Context, d *delivery.Delivery) error {
	if d.Caller != delivery.Unauthenticated {
		return nil
	}
	err := error(&auth.CredentialsError{Reason: "the gateway did not authenticate the caller, and no webhook secret is configured"})
	if h.Verifier != nil {
		d.Scheme, err = h.Verifier.Authenticate(ctx, d.Header, d.Body)
	}
	var wrong *auth.CredentialsError
	switch {
	case err == nil:
		d.Caller = delivery.WebhookSecret
		return nil
	case errors.As(err, &wrong):
		return &problem.Error{
			Code: problem.Unauthenticated, Err: err,
			Message: "Sign the request with IAM, or send a token that the API accepts or a webhook secret of this function.",
		}
	default:
		return secretUnavailable(err)
	}
}

// authorize returns an error if an authenticated caller may not make this request. A caller who
// can add a signing certificate to an integration can log in as anyone, so a webhook secret
// alone is not enough for an update.
func (h *Handler) authorize(d *delivery.Delivery) error {
	if t := d.Request.Teammate; t != nil && d.Caller == delivery.WebhookSecret && t.Administers() {
		return &problem.Error{
			Code:    problem.Forbidden,
			Message: "A caller that is authenticated by a webhook secret alone may not make an administrator, neither of the account nor of a subuser, nor give a scope that changes SSO or teammates. Sign the request with IAM.",
		}
	}
	if h.mayUpdate(d) || !d.Request.NeedsRight() {
		return nil
	}
	if d.Request.Teammate != nil {
		return &problem.Error{
			Code:    problem.Forbidden,
			Message: "A caller that is authenticated by a webhook secret alone may create a teammate, and neither change nor remove one. Sign the request with IAM, or have the operator set the parameter WebhookMayUpdate (WEBHOOK_MAY_UPDATE) to true.",
		}
	}
	if d.Request.Kind != request.Present {
		return &problem.Error{
			Code:    problem.Forbidden,
			Message: "A caller that is authenticated by a webhook secret alone may not end a connection, nor have it forgotten. Sign the request with IAM, or have the operator set the parameter WebhookMayUpdate (WEBHOOK_MAY_UPDATE) to true.",
		}
	}
	message := "A caller that is authenticated by a webhook secret alone may not send if_exists: " + string(d.Request.IfExists) + ". "
	if d.Request.IfExists == request.Restore { // Without it, it is a Conflict or Gone, which asks for it.
		message += "Sign the request with IAM, or have the operator set the parameter WebhookMayUpdate (WEBHOOK_MAY_UPDATE) to true."
	} else {
		message += "Leave it out to create a connection, or to add the first certificates to one that was created in this way; for a change, sign the request with IAM, or have the operator set the parameter WebhookMayUpdate (WEBHOOK_MAY_UPDATE) to true."
	}
	return &problem.Error{Code: problem.Forbidden, Message: message}
}

// mayUpdate reports whether an authenticated caller may update integrations.
func (h *Handler) mayUpdate(d *delivery.Delivery) bool {
	return d.Caller != delivery.WebhookSecret || h.WebhookMayUpdate
}

func secretUnavailable(err error) error {
	if problem.IsPermanent(err) {
		return &problem.Error{
			Code: problem.SecretUnavailable, Err: err, Permanent: true,
			Message: "The webhook secret has no usable content, so no caller can be authenticated with it. The log says what to correct.",
		}
	}
	return &problem.Error{
		Code: problem.SecretUnavailable, Err: err, RetryAfter: retrySecret,
		Message: "The webhook secret could not be read from Secrets Manager, so no caller can be authenticated with it. Try again; if it persists, check that the secret exists and that the function's role may read it.",
	}
}
