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

// The metrics that every invocation reports, also where they are zero. Each code of a failure
// is a metric too, named after the code; it is reported where it occurs, and OutcomeUnknown
// always.
const (
	MetricCreated       = "Created"
	MetricUpdated       = "Updated"
	MetricUnchanged     = "Unchanged"
	MetricSuperseded    = "Superseded"
	MetricDisabled      = "Disabled"
	MetricDeleted       = "Deleted"
	MetricRejected      = "Rejected"
	MetricFailed        = "Failed"
	MetricAdopted       = "Adopted"
	MetricColdStarts    = "ColdStarts"
	MetricKeyRefreshes  = "KeyRefreshes"
	MetricUpstreamCalls = "UpstreamCalls"
)

// MetricRateLimitRemaining is the least that SendGrid reported. It is reported where SendGrid
// answered, as is one metric for the latency of each operation, in milliseconds: sendgrid.Op
// names it.
const MetricRateLimitRemaining = "RateLimitRemaining"

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
	m := &invocationMetrics{
		Counts: map[string]int{
			MetricCreated: 0, MetricUpdated: 0, MetricUnchanged: 0, MetricSuperseded: 0, MetricDisabled: 0, MetricDeleted: 0, MetricRejected: 0, MetricFailed: 0, string(problem.OutcomeUnknown): 0,
			MetricAdopted: 0, MetricColdStarts: 0, MetricKeyRefreshes: 0, MetricUpstreamCalls: 0,
		},
		Latencies:  map[string][]time.Duration{},
		Properties: map[string]string{"trigger": first.Trigger, "trace_id": first.TraceID},
	}
	if first.ColdStart {
		m.Counts[MetricColdStarts]++
	}
	return m
}

func (m *invocationMetrics) addOutcome(d *delivery.Delivery) {
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
	if d.Result != nil && d.Result.Adopted {
		m.Counts[MetricAdopted]++
	}
}

// addEffort adds the code of a failure, and what was done for the delivery.
func (m *invocationMetrics) addEffort(d *delivery.Delivery) {
	if d.Failure != nil {
		m.Counts[string(d.Failure.Code)]++
	}
	m.Counts[MetricKeyRefreshes] += d.Effort.SecretReads()
	m.Counts[MetricUpstreamCalls] += len(d.Effort.Calls())
	for _, call := range d.Effort.Calls() {
		m.addCall(call)
	}
}

func (m *invocationMetrics) addCall(call sendgrid.Call) {
	if name := call.Op.Metric(); name != "" {
		m.Latencies[name] = append(m.Latencies[name], call.Duration)
	}
	if limit := call.RateLimit; limit.Limit > 0 {
		least, reported := m.Counts[MetricRateLimitRemaining]
		if !reported || limit.Remaining < least {
			m.Counts[MetricRateLimitRemaining] = limit.Remaining
		}
	}
}
