package telemetry

import (
	"context"
	"io"
	"time"

	"sendgrid-sso-integration/internal/delivery"
	"sendgrid-sso-integration/internal/problem"
	"sendgrid-sso-integration/internal/protocol"
	"sendgrid-sso-integration/internal/telemetry/emf"
	"sendgrid-sso-integration/sendgrid"
)

// The metrics of requests. Attempts and Failed are reported by every invocation, also where they are zero: their
// ratio is an alarm. Attempts counts the deliveries of requests that were not rejected. Each other outcome, and each
// code of a failure under its own name, is reported where it occurs, because CloudWatch charges for every hour in
// which a metric is.
const (
	MetricAttempts   = "Attempts"
	MetricCreated    = "Created"
	MetricUpdated    = "Updated"
	MetricUnchanged  = "Unchanged"
	MetricSuperseded = "Superseded"
	MetricDisabled   = "Disabled"
	MetricDeleted    = "Deleted"
	MetricRejected   = "Rejected"
	MetricFailed     = "Failed"
	// MetricUnknownOutcomes is 1 if a delivery ended without knowing the outcome of a write. An audit reports
	// how many there are, also zero.
	MetricUnknownOutcomes = "UnknownOutcomes"
)

// The metrics of SendGrid, reported where it responded: the milliseconds of each call, and the least rate limit that
// was left.
const (
	MetricSendGridLatency    = "SendGridLatency"
	MetricRateLimitRemaining = "RateLimitRemaining"
)

// Metrics writes the metrics of each invocation.
type Metrics struct {
	// Out is the function's standard output.
	Out          io.Writer
	FunctionName string
}

// Observe implements handler.Observer.
func (m *Metrics) Observe(_ context.Context, deliveries []*delivery.Delivery) {
	document := emf.Document(*newInvocationMetrics(deliveries))
	document.FunctionName = m.FunctionName
	document.Write(m.Out)
}

// invocationMetrics is what one invocation reports.
type invocationMetrics emf.Document

func newInvocationMetrics(deliveries []*delivery.Delivery) *invocationMetrics {
	first := deliveries[0]
	m := startMetrics(first)
	if len(deliveries) == 1 { // Of a batch, the log has the ids message by message.
		m.Properties["entity_id"], m.Properties["integration_id"], m.Properties["email"] = first.EntityID(), first.IntegrationID(), first.Email()
	}
	for _, d := range deliveries {
		switch {
		case d.Audits():
			m.addAudit(d)
		case d.HasRequest():
			m.addOutcome(d)
		}
		m.addEffort(d)
	}
	return m
}

// startMetrics returns the metrics of an invocation before its deliveries are added, of which
// first is one.
func startMetrics(first *delivery.Delivery) *invocationMetrics {
	return &invocationMetrics{
		Counts:     map[string]int{MetricAttempts: 0, MetricFailed: 0},
		Latencies:  map[string][]time.Duration{},
		Properties: map[string]string{"trigger": first.Trigger, "trace_id": first.TraceID},
	}
}

func (m *invocationMetrics) addOutcome(d *delivery.Delivery) {
	if d.Outcome() != protocol.OutcomeRejected && d.Outcome() != protocol.OutcomePlanned {
		m.Counts[MetricAttempts]++
	}
	switch d.Outcome() {
	case protocol.OutcomeCreated:
		m.Counts[MetricCreated]++
	case protocol.OutcomeUpdated:
		m.Counts[MetricUpdated]++
	case protocol.OutcomeUnchanged:
		m.Counts[MetricUnchanged]++
	case protocol.OutcomeSuperseded:
		m.Counts[MetricSuperseded]++
	case protocol.OutcomeDisabled:
		m.Counts[MetricDisabled]++
	case protocol.OutcomeDeleted:
		m.Counts[MetricDeleted]++
	case protocol.OutcomePlanned: // It is in the log; nothing happened that an alarm or a graph needs.
	case protocol.OutcomeRejected:
		m.Counts[MetricRejected]++
	case protocol.OutcomeFailed:
		m.Counts[MetricFailed]++
	}
}

// addEffort adds the code of a failure, and what was done for the delivery.
func (m *invocationMetrics) addEffort(d *delivery.Delivery) {
	if d.Failure != nil {
		m.Counts[string(d.Failure.Code)]++
		if d.Failure.Code == problem.OutcomeUnknown {
			m.Counts[MetricUnknownOutcomes]++
		}
	}
	for _, call := range d.Effort.Calls() {
		m.addCall(call)
	}
}

func (m *invocationMetrics) addCall(call sendgrid.Call) {
	m.Latencies[MetricSendGridLatency] = append(m.Latencies[MetricSendGridLatency], call.Duration)
	if limit := call.RateLimit; limit.Limit > 0 {
		least, reported := m.Counts[MetricRateLimitRemaining]
		if !reported || limit.Remaining < least {
			m.Counts[MetricRateLimitRemaining] = limit.Remaining
		}
	}
}
