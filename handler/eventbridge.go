package handler

import (
	"context"
	"encoding/json"

	"sendgrid-sso-integration/internal/telemetry"
)

// answerEventBridge answers an event whose detail is the request. Nobody waits for the
// answer; an error makes Lambda or the queue before it deliver the event again.
func (h *Handler) answerEventBridge(ctx context.Context, origin telemetry.Origin, payload []byte) ([]byte, error) {
	return h.answerFunction(ctx, origin, func(context.Context) ([]byte, error) {
		var event struct {
			Detail json.RawMessage `json:"detail"`
		}
		err := json.Unmarshal(payload, &event)
		return event.Detail, err
	})
}
