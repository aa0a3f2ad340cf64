package handler

import (
	"context"

	"sendgrid-sso-integration/internal/telemetry"
)

// answerDirect answers a request that comes without an envelope: from "sam local invoke",
// "aws lambda invoke" or Step Functions. IAM has decided who may send it.
func (h *Handler) answerDirect(ctx context.Context, record *telemetry.Record, payload []byte) ([]byte, error) {
	return h.answerFunction(ctx, record, func() ([]byte, error) { return payload, nil })
}
