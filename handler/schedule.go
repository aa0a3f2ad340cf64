package handler

import (
	"context"
	"encoding/json"

	"sendgrid-sso-integration/internal/audit"
	"sendgrid-sso-integration/internal/cut"
	"sendgrid-sso-integration/internal/delivery"
)

// TriggerSchedule is an EventBridge schedule. It starts an audit; nothing in its event matters.
// Whoever may invoke the function can start one by hand with the same event.
const TriggerSchedule = "schedule"

// scheduledEvent is the detail type of the events of a schedule. It distinguishes them from
// those that carry a request.
const scheduledEvent = "Scheduled Event"

// Auditor audits the integrations of the account. Its errors are of type *problem.Error.
type Auditor interface {
	Audit(context.Context, audit.Publish) (*audit.Report, error)
}

func schedule() trigger {
	return trigger{name: TriggerSchedule, recognises: isSchedule, decode: decodeSchedule, work: (*Handler).audit, encode: encodeAudit}
}

func isSchedule(event fields) bool {
	var detailType string
	return event.has("source") && json.Unmarshal(event["detail-type"], &detailType) == nil && detailType == scheduledEvent
}

func decodeSchedule(payload []byte) []*delivery.Delivery {
	var event struct {
		ID string `json:"id"`
	}
	d := &delivery.Delivery{Caller: delivery.AWS, IsAudit: true}
	if err := json.Unmarshal(payload, &event); err != nil {
		d.Fail(malformed(err))
	}
	d.EventID = cut.ID(event.ID)
	return []*delivery.Delivery{d}
}

// audit audits the account.
func (h *Handler) audit(ctx context.Context, d *delivery.Delivery) (err error) {
	var publish audit.Publish
	if h.Publisher != nil {
		publish = func(ctx context.Context, expiring []audit.Integration) error {
			return h.Publisher.PublishExpiring(ctx, d, expiring)
		}
	}
	d.Audit, err = h.Auditor.Audit(ctx, publish)
	return err
}

// encodeAudit responds with the report, or with a function error whose type is the code. Lambda
// then repeats the invocation of a schedule twice.
func encodeAudit(_ *Handler, deliveries []*delivery.Delivery) ([]byte, error) {
	d := deliveries[0]
	if d.Failure != nil {
		return nil, functionError(d)
	}
	return encode(d.Audit), nil
}
