package emf_test

import (
	"bytes"
	"encoding/json"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"sendgrid-sso-integration/internal/telemetry/emf"
)

// A document declares each metric once, in a fixed order, and no property.
func TestDocument(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	emf.Document{
		FunctionName: "sso",
		Counts:       map[string]int{"Failed": 0, "Created": 2},
		Latencies:    map[string][]time.Duration{"GetLatency": {1500 * time.Microsecond, time.Second}},
		Properties:   map[string]string{"trigger": "sqs", "trace_id": ""},
	}.Write(&out)
	require.Equal(t, 1, bytes.Count(out.Bytes(), []byte("\n")), "one line")
	var fields map[string]any
	require.NoError(t, json.Unmarshal(out.Bytes(), &fields))
	aws := fields["_aws"].(map[string]any)
	require.InDelta(t, time.Now().UnixMilli(), aws["Timestamp"], 60_000)
	delete(aws, "Timestamp")
	require.Equal(t, map[string]any{
		"FunctionName": "sso", "Created": 2.0, "Failed": 0.0, "GetLatency": []any{1.5, 1000.0}, "trigger": "sqs",
		"_aws": map[string]any{"CloudWatchMetrics": []any{map[string]any{
			"Namespace": emf.Namespace, "Dimensions": []any{[]any{emf.Dimension}},
			"Metrics": []any{
				map[string]any{"Name": "Created", "Unit": "Count"},
				map[string]any{"Name": "Failed", "Unit": "Count"},
				map[string]any{"Name": "GetLatency", "Unit": "Milliseconds"},
			},
		}}},
	}, fields)
}

// CloudWatch refuses a document with more values of one metric.
func TestDocumentBoundsTheValuesOfAMetric(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	emf.Document{Latencies: map[string][]time.Duration{"GetLatency": slices.Repeat([]time.Duration{time.Second}, 101)}}.Write(&out)
	var fields struct{ GetLatency []float64 }
	require.NoError(t, json.Unmarshal(out.Bytes(), &fields))
	require.Len(t, fields.GetLatency, 100)
}
