// Package emf writes metrics in CloudWatch's embedded metric format: one line of JSON, which
// CloudWatch Logs turns into metrics without an API call.
//
// https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html
package emf

import (
	"encoding/json"
	"io"
	"maps"
	"slices"
	"time"
)

// Namespace is the CloudWatch namespace of the metrics, and Dimension their one dimension.
const (
	Namespace = "SendGridSSO"
	Dimension = "FunctionName"
)

// maxValues is how many values of one metric CloudWatch takes in one document.
const maxValues = 100

// Document holds the metrics of one invocation. Of a latency the first values are written, as
// many as CloudWatch takes.
type Document struct {
	FunctionName string
	Counts       map[string]int
	Latencies    map[string][]time.Duration
	// Properties are searchable in the log and make no metrics, as dimensions would. Empty ones
	// are left out.
	Properties map[string]string
}

// Write writes the document as one line.
func (d Document) Write(out io.Writer) {
	line, err := json.Marshal(d.fields())
	if err == nil {
		// If standard output is gone, there is nowhere left to report that.
		_, _ = out.Write(append(line, '\n'))
	}
}

// metric declares a metric in a document.
type metric struct {
	Name string
	Unit string
}

func (d Document) fields() map[string]any {
	fields := map[string]any{Dimension: d.FunctionName}
	var declared []metric
	for _, name := range slices.Sorted(maps.Keys(d.Counts)) {
		declared = append(declared, metric{name, "Count"})
		fields[name] = d.Counts[name]
	}
	for _, name := range slices.Sorted(maps.Keys(d.Latencies)) {
		declared = append(declared, metric{name, "Milliseconds"})
		fields[name] = milliseconds(d.Latencies[name])
	}
	for name, value := range d.Properties {
		if value != "" {
			fields[name] = value
		}
	}
	fields["_aws"] = map[string]any{
		"Timestamp": time.Now().UnixMilli(),
		"CloudWatchMetrics": []any{map[string]any{
			"Namespace": Namespace, "Dimensions": [][]string{{Dimension}}, "Metrics": declared,
		}},
	}
	return fields
}

func milliseconds(durations []time.Duration) []float64 {
	values := make([]float64, min(maxValues, len(durations)))
	for i := range values {
		values[i] = float64(durations[i].Microseconds()) / 1000
	}
	return values
}
