package handler

import (
	"context"
	"log/slog"

	"sendgrid-sso-integration/internal/delivery"
	"sendgrid-sso-integration/internal/protocol"
)

// deadLetter moves a rejected SQS message to the dead-letter queue: a retry cannot help, so
// nobody has to wait for SQS to give up. Its outcome has to be published before. If either
// fails, SQS delivers the message again, so that nothing is lost.
func (h *Handler) deadLetter(ctx context.Context, d *delivery.Delivery) {
	rejected := d.Trigger == TriggerSQS && d.Task == nil && d.MessageID != "" && d.Outcome() == protocol.OutcomeRejected
	if h.DeadLetters == nil || !rejected || h.unpublished(d) || d.Dropped {
		return
	}
	sending, cancel := uncancelled(ctx)
	defer cancel()
	if err := h.DeadLetters.Send(sending, d); err != nil {
		h.Logger.WarnContext(ctx, "a rejected message could not be moved to the dead-letter queue; it will be delivered again",
			slog.String("message_id", d.MessageID), slog.Any("error", err))
		return
	}
	d.DeadLettered = true
}
