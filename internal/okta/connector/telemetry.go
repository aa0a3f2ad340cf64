package connector

import (
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"maps"
	"slices"
	"sync"
	"time"

	"sendgrid-sso-integration/internal/okta"
)

// logLine writes the one line of a delivery. It has no payload and no header in it.
func logLine(ctx context.Context, logger *slog.Logger, d *delivery, coldStart bool) {
	attrs := []slog.Attr{
		slog.String("kind", string(d.event.kind())),
		slog.String("outcome", string(d.result())),
		slog.Int64("duration_ms", d.duration.Milliseconds()),
		slog.Int("okta_calls", len(d.calls)),
		slog.Bool("cold_start", coldStart),
	}
	for _, id := range []struct{ name, value string }{
		{"okta_app", d.app}, {"okta_event", d.oktaEvent}, {"event_id", d.event.ID}, {"message_id", d.messageID}, {"reason", d.reason},
	} {
		if id.value != "" {
			attrs = append(attrs, slog.String(id.name, bounded(id.value)))
		}
	}
	level := slog.LevelInfo
	switch {
	case d.failure != nil:
		level = slog.LevelError
		attrs = append(attrs, slog.String("code", string(d.failure.Code)), slog.String("error", d.failure.Error()))
	case d.outcome == Refused:
		level = slog.LevelWarn
	}
	logger.LogAttrs(ctx, level, "event processed", attrs...)
}

// bounded returns an id, empty if it is longer than any real one.
func bounded(id string) string {
	const maxID = 256
	if len(id) > maxID {
		return ""
	}
	return id
}

// The namespace of the metrics and their one dimension, as the SendGrid SSO integration
// function has them. Each outcome and each code is a metric.
const (
	Namespace = "SendGridSSO"
	Dimension = "FunctionName"

	MetricOktaCalls   = "OktaCalls"
	MetricOktaLatency = "OktaLatency"
	MetricColdStarts  = "ColdStarts"
)

// maxValues is how many values of one metric CloudWatch takes in one document.
const maxValues = 100

// Metrics writes the metrics of each invocation in CloudWatch's embedded metric format.
//
// https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html
type Metrics struct {
	// Out is the function's standard output.
	Out          io.Writer
	FunctionName string
}

// Write writes the metrics of an invocation: the outcomes also where they are zero, the codes
// that occurred. On nil it does nothing.
func (m *Metrics) Write(deliveries []*delivery, coldStart bool) {
	if m == nil {
		return
	}
	counts := map[string]int{MetricOktaCalls: 0, MetricColdStarts: 0}
	for _, outcome := range Outcomes() {
		counts[string(outcome)] = 0
	}
	if coldStart {
		counts[MetricColdStarts]++
	}
	var latencies []float64
	for _, d := range deliveries {
		counts[string(d.result())]++
		if d.failure != nil {
			counts[string(d.failure.Code)]++
		}
		counts[MetricOktaCalls] += len(d.calls)
		for _, call := range d.calls {
			latencies = append(latencies, float64(call.Duration.Microseconds())/1000)
		}
	}
	document, err := json.Marshal(m.document(counts, latencies[:min(maxValues, len(latencies))]))
	if err == nil {
		// If standard output is gone, there is nowhere left to report that.
		_, _ = m.Out.Write(append(document, '\n'))
	}
}

func (m *Metrics) document(counts map[string]int, latencies []float64) map[string]any {
	type metric struct{ Name, Unit string }
	document := map[string]any{Dimension: m.FunctionName}
	var declared []metric
	for _, name := range slices.Sorted(maps.Keys(counts)) {
		declared = append(declared, metric{name, "Count"})
		document[name] = counts[name]
	}
	if len(latencies) > 0 {
		declared = append(declared, metric{MetricOktaLatency, "Milliseconds"})
		document[MetricOktaLatency] = latencies
	}
	document["_aws"] = map[string]any{
		"Timestamp": time.Now().UnixMilli(),
		"CloudWatchMetrics": []any{map[string]any{
			"Namespace": Namespace, "Dimensions": [][]string{{Dimension}}, "Metrics": declared,
		}},
	}
	return document
}

// recorder collects the calls to Okta for one delivery.
type recorder struct {
	mu    sync.Mutex
	calls []okta.Call
}

type recorderKey struct{}

func withRecorder(ctx context.Context) (context.Context, *recorder) {
	r := &recorder{}
	return context.WithValue(ctx, recorderKey{}, r), r
}

// CountCall records a request to Okta for the delivery that ctx belongs to, if any. It is the
// OnCall of an okta.Client.
func CountCall(ctx context.Context, call okta.Call) {
	if r, ok := ctx.Value(recorderKey{}).(*recorder); ok {
		r.mu.Lock()
		defer r.mu.Unlock()
		r.calls = append(r.calls, call)
	}
}

func (r *recorder) list() []okta.Call {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.calls)
}
