package handler

import (
	"context"
	"errors"
	"time"

	"sendgrid-sso-integration/internal/problem"

	"sendgrid-sso-integration/internal/auth"
)

// authenticate returns nil if the gateway knows the caller, or the caller knows a secret.
func (h *Handler) authenticate(ctx context.Context, r httpRequest, body []byte) error {
	if r.verified {
		return nil
	}
	err := error(&auth.CredentialsError{Reason: "the gateway does not know the caller, and no webhook secret is configured"})
	if h.Verifier != nil {
		err = h.Verifier.Verify(ctx, r.header, body)
	}
	return refused(err)
}

// refused turns a verifier's error into what the caller is told: no more than that.
func refused(err error) error {
	var credentials *auth.CredentialsError
	switch {
	case err == nil:
		return nil
	case errors.As(err, &credentials):
		return &problem.Error{
			Code: problem.Unauthenticated, Err: err,
			Message: "Sign the request with IAM or a token that the API accepts, or send a secret that this function knows.",
		}
	default:
		return secretUnavailable(err)
	}
}

func secretUnavailable(err error) error {
	e := &problem.Error{
		Code: problem.SecretUnavailable, Err: err, RetryAfter: 30 * time.Second,
		Message: "The webhook secret could not be read from Secrets Manager, so nobody can be let in by it. Try again; if it persists, check that the secret exists and that the function's role may read it.",
	}
	var content interface{ Permanent() bool }
	if errors.As(err, &content) && content.Permanent() {
		e.Permanent, e.RetryAfter = true, 0
		e.Message = "The webhook secret has no usable content, so nobody can be let in by it. The log says what is wrong with it."
	}
	return e
}
