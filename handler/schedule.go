package handler

import (
	"context"
	"encoding/json"
	"time"

	"sendgrid-sso-integration/internal/audit"
	"sendgrid-sso-integration/internal/delivery"
	"sendgrid-sso-integration/internal/provision"
	"sendgrid-sso-integration/internal/telemetry"
)

// TriggerSchedule is an EventBridge schedule. It starts an audit; nothing in its event matters.
// Whoever may invoke the function can start one by hand with the same event.
const TriggerSchedule = "schedule"

// scheduledEvent is the detail type of the events of a schedule. It distinguishes them from
// those that carry a request.
const scheduledEvent = "Scheduled Event"

// Auditor audits the integrations of the account. Its errors are of type *problem.Error. The
// delivery is what started the audit.
type Auditor interface {
	Audit(context.Context, *delivery.Delivery) (*audit.Report, error)
}

func schedule() trigger {
	return trigger{name: TriggerSchedule, recognises: isSchedule, decode: decodeSchedule, answer: (*Handler).audit}
}

func isSchedule(event fields) bool {
	var detailType string
	return event.has("source") && json.Unmarshal(event["detail-type"], &detailType) == nil && detailType == scheduledEvent
}

func decodeSchedule(payload []byte) []*delivery.Delivery {
	var event struct {
		ID string `json:"id"`
	}
	d := &delivery.Delivery{Caller: delivery.AWS}
	if err := json.Unmarshal(payload, &event); err != nil {
		d.Settle(nil, malformed(err))
	}
	d.EventID = delivery.ID(event.ID)
	return []*delivery.Delivery{d}
}

// audit has an audit made and observed, and answers with its report, or with a function error
// whose type is the code. Lambda then repeats the invocation of a schedule twice.
func (h *Handler) audit(ctx context.Context, deliveries []*delivery.Delivery) ([]byte, error) {
	ctx, recorder := telemetry.WithRecorder(ctx)
	d := deliveries[0]
	var report *audit.Report
	if d.Failure == nil {
		_, err := recovered(ctx, d, func(ctx context.Context, d *delivery.Delivery) (_ *provision.Result, err error) {
			report, err = h.Auditor.Audit(ctx, d)
			return nil, err
		})
		d.Settle(nil, err)
	}
	d.Duration = time.Since(d.Arrived)
	d.Calls, d.SecretReads = recorder.Calls(), recorder.SecretReads()
	telemetry.LogAudit(ctx, h.Logger, d, report)
	h.Metrics.WriteAudit(d, report)
	if d.Failure != nil {
		return nil, functionError(d)
	}
	return encode(report), nil
}
