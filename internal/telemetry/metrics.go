package telemetry

import (
	"context"
	"encoding/json"
	"io"
	"maps"
	"slices"
	"time"

	"sendgrid-sso-integration/internal/delivery"
	"sendgrid-sso-integration/internal/problem"
	"sendgrid-sso-integration/internal/protocol"
	"sendgrid-sso-integration/sendgrid"
)

// Namespace is the CloudWatch namespace of the metrics, and Dimension their one dimension.
const (
	Namespace = "SendGridSSO"
	Dimension = "FunctionName"
)

// The metrics that every invocation reports, also where they are zero. Each code of a failure
// is a metric too, named after the code; it is reported where it occurs, and OutcomeUnknown
// always.
const (
	MetricCreated       = "Created"
	MetricUpdated       = "Updated"
	MetricUnchanged     = "Unchanged"
	MetricSuperseded    = "Superseded"
	MetricRejected      = "Rejected"
	MetricFailed        = "Failed"
	MetricAdopted       = "Adopted"
	MetricColdStarts    = "ColdStarts"
	MetricKeyRefreshes  = "KeyRefreshes"
	MetricUpstreamCalls = "UpstreamCalls"
)

// MetricRateLimitRemaining is reported where SendGrid answered, as is one metric for the
// latency of each operation, in milliseconds: sendgrid.Op names it.
const MetricRateLimitRemaining = "RateLimitRemaining"

// maxValues is how many values of one metric CloudWatch takes in one document.
const maxValues = 100

// Metrics writes the metrics of each invocation in CloudWatch's embedded metric format: one
// line of JSON, which CloudWatch Logs turns into metrics without an API call.
//
// https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html
type Metrics struct {
	// Out is the function's standard output.
	Out          io.Writer
	FunctionName string
}

// Observe implements handler.Observer.
func (m *Metrics) Observe(_ context.Context, deliveries []*delivery.Delivery) {
	document, err := json.Marshal(m.document(newInvocationMetrics(deliveries)))
	if err == nil {
		// If standard output is gone, there is nowhere left to report that.
		_, _ = m.Out.Write(append(document, '\n'))
	}
}

// invocationMetrics is what one invocation reports.
type invocationMetrics struct {
	counts    map[string]int
	latencies map[string][]float64
	// remaining is the least remaining rate limit that SendGrid reported, nil if it reported none.
	remaining *int
	// properties are searchable in the log and make no metrics, as dimensions would.
	properties map[string]string
}

func newInvocationMetrics(deliveries []*delivery.Delivery) *invocationMetrics {
	first := deliveries[0]
	m := startMetrics(first)
	if len(deliveries) == 1 { // Of a batch, the log has the ids message by message.
		m.properties["entity_id"], m.properties["integration_id"] = first.EntityID(), first.IntegrationID()
	}
	for _, d := range deliveries {
		if d.IsAudit {
			m.addAudit(d)
		} else {
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
		counts: map[string]int{
			MetricCreated: 0, MetricUpdated: 0, MetricUnchanged: 0, MetricSuperseded: 0, MetricRejected: 0, MetricFailed: 0, string(problem.OutcomeUnknown): 0,
			MetricAdopted: 0, MetricColdStarts: 0, MetricKeyRefreshes: 0, MetricUpstreamCalls: 0,
		},
		latencies:  map[string][]float64{},
		properties: map[string]string{"trigger": first.Trigger, "trace_id": first.TraceID},
	}
	if first.ColdStart {
		m.counts[MetricColdStarts]++
	}
	return m
}

func (m *invocationMetrics) addOutcome(d *delivery.Delivery) {
	switch d.Outcome() {
	case protocol.OutcomeCreated:
		m.counts[MetricCreated]++
	case protocol.OutcomeUpdated:
		m.counts[MetricUpdated]++
	case protocol.OutcomeUnchanged:
		m.counts[MetricUnchanged]++
	case protocol.OutcomeSuperseded:
		m.counts[MetricSuperseded]++
	case protocol.OutcomePlanned: // It is in the log; nothing happened that an alarm or a graph needs.
	case protocol.OutcomeRejected:
		m.counts[MetricRejected]++
	case protocol.OutcomeFailed:
		m.counts[MetricFailed]++
	}
	if d.Result != nil && d.Result.Adopted {
		m.counts[MetricAdopted]++
	}
}

// addEffort adds the code of a failure, and what was done for the delivery.
func (m *invocationMetrics) addEffort(d *delivery.Delivery) {
	if d.Failure != nil {
		m.counts[string(d.Failure.Code)]++
	}
	m.counts[MetricKeyRefreshes] += d.Effort.SecretReads()
	m.counts[MetricUpstreamCalls] += len(d.Effort.Calls())
	for _, call := range d.Effort.Calls() {
		m.addCall(call)
	}
}

func (m *invocationMetrics) addCall(call sendgrid.Call) {
	if name := call.Op.Metric(); name != "" && len(m.latencies[name]) < maxValues {
		m.latencies[name] = append(m.latencies[name], float64(call.Duration.Microseconds())/1000)
	}
	if limit := call.RateLimit; limit.Limit > 0 && (m.remaining == nil || limit.Remaining < *m.remaining) {
		m.remaining = &limit.Remaining
	}
}

// metric declares a metric in a document.
type metric struct {
	Name string
	Unit string
}

// document returns the metrics in the embedded metric format.
func (m *Metrics) document(of *invocationMetrics) map[string]any {
	document := map[string]any{Dimension: m.FunctionName}
	var declared []metric
	report := func(name, unit string, value any) {
		declared = append(declared, metric{name, unit})
		document[name] = value
	}
	for _, name := range slices.Sorted(maps.Keys(of.counts)) {
		report(name, "Count", of.counts[name])
	}
	for _, name := range slices.Sorted(maps.Keys(of.latencies)) {
		report(name, "Milliseconds", of.latencies[name])
	}
	if of.remaining != nil {
		report(MetricRateLimitRemaining, "Count", *of.remaining)
	}
	for name, value := range of.properties {
		if value != "" {
			document[name] = value
		}
	}
	document["_aws"] = map[string]any{
		"Timestamp": time.Now().UnixMilli(),
		"CloudWatchMetrics": []any{map[string]any{
			"Namespace":  Namespace,
			"Dimensions": [][]string{{Dimension}},
			"Metrics":    declared,
		}},
	}
	return document
}
