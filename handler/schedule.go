package handler

import (
	"context"
	"encoding/json"
	"time"

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

// Auditor starts audits, and audits connections. Its errors are of type *problem.Error.
type Auditor interface {
	Start(context.Context, audit.Publish) (*audit.Report, error)
	// Connection audits one connection. last reports whether a failure becomes a finding, because it is
	// not tried again.
	Connection(ctx context.Context, t audit.Task, maxWait time.Duration, last bool, publish audit.Publish) (*audit.Connection, error)
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

// audit starts an audit.
func (h *Handler) audit(ctx context.Context, d *delivery.Delivery) (err error) {
	d.Audit, err = h.Auditor.Start(ctx, h.publishAudit(d))
	return err
}

// auditConnection audits one connection.
func (h *Handler) auditConnection(ctx context.Context, d *delivery.Delivery) (err error) {
	d.Connection, err = h.Auditor.Connection(ctx, *d.Task, d.MaxWait, isLastAudit(d), h.publishAudit(d))
	return err
}

// isLastAudit reports whether the audit of a connection is not tried again. If it fails, it is dropped: nobody
// can do anything about a dead letter, because the next audit comes within a day.
func isLastAudit(d *delivery.Delivery) bool { return d.Task != nil && d.Receives >= audit.MaxTries }

// publishAudit returns what publishes the notices of an audit, nil without an event bus.
func (h *Handler) publishAudit(d *delivery.Delivery) audit.Publish {
	if h.Publisher == nil {
		return nil
	}
	return func(ctx context.Context, n audit.Notice) error { return h.Publisher.PublishAudit(ctx, d, n) }
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
