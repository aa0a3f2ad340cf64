package handler

import (
	"context"

	"sendgrid-sso-integration/internal/telemetry"
)

// answerDirect answers a request that comes without an envelope: from "sam local invoke",
// "aws lambda invoke" or Step Functions. IAM has decided who may send it.
func (h *Handler) answerDirect(ctx context.Context, origin telemetry.Origin, payload []byte) ([]byte, error) {
	return h.answerFunction(ctx, origin, func(context.Context, *telemetry.Record) ([]byte, error) { return payload, nil })
}
