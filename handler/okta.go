package handler

import (
	"context"
	"log/slog"
	"net/http"

	"sendgrid-sso-integration/handler/webhook"
	"sendgrid-sso-integration/internal/provision"
	"sendgrid-sso-integration/internal/telemetry"
)

// isChallenge tells whether a request is the one with which Okta sees, once, whether an
// event hook's address belongs to the hook's owner.
func (r httpRequest) isChallenge() bool {
	return r.method == http.MethodGet && len(r.header[webhook.ChallengeHeader]) > 0
}

// answerChallenge answers such a request by repeating its value, if the hook's secret is
// configured here: or else anyone's hook could be pointed at this function.
//
// https://developer.okta.com/docs/concepts/event-hooks/#one-time-verification-request
func (h *Handler) answerChallenge(ctx context.Context, record *telemetry.Record, r httpRequest) (answer []byte) {
	refuse := func(failure *provision.Error) []byte {
		record.Log(ctx, h.Logger, nil, failure)
		return encodeProblem(ctx, record, failure)
	}
	defer func() {
		if cause := recover(); cause != nil {
			answer = refuse(panicked(cause))
		}
	}()
	if err := refused(h.Verifier.VerifyChallenge(ctx, r.header)); err != nil {
		return refuse(provision.AsError(err))
	}
	h.Logger.InfoContext(ctx, "the address of an Okta event hook was verified", slog.String("trigger", record.Trigger))
	return encode(newHTTPAnswer(ctx, http.StatusOK, map[string]string{
		"verification": r.header.Get(webhook.ChallengeHeader),
	}))
}
