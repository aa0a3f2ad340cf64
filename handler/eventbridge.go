package handler

import (
	"context"
	"encoding/json"

	"sendgrid-sso-integration/internal/problem"

	"sendgrid-sso-integration/internal/publish"
	"sendgrid-sso-integration/internal/telemetry"
)

// answerEventBridge answers an event whose detail is the request. Nobody waits for the
// answer; an error makes Lambda or the queue before it deliver the event again.
func (h *Handler) answerEventBridge(ctx context.Context, origin telemetry.Origin, payload []byte) ([]byte, error) {
	return h.answerFunction(ctx, origin, func(_ context.Context, record *telemetry.Record) ([]byte, error) {
		return openEnvelope(payload, record)
	})
}

// openEnvelope returns the detail of an EventBridge event. An event that this function
// published itself is refused: it would publish another one about that.
func openEnvelope(payload []byte, record *telemetry.Record) ([]byte, error) {
	var event struct {
		ID     string          `json:"id"`
		Source string          `json:"source"`
		Detail json.RawMessage `json:"detail"`
	}
	if err := json.Unmarshal(payload, &event); err != nil {
		return nil, malformed(err)
	}
	record.EventID = event.ID
	if event.Source == publish.Source {
		return nil, &problem.Error{
			Code:    problem.InvalidRequest,
			Message: "This event was published by this function. Keep events with the source " + publish.Source + " away from it.",
		}
	}
	return event.Detail, nil
}
