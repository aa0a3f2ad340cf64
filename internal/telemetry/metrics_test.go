package telemetry_test

import (
	"bytes"
	"context"
	"encoding/json"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"sendgrid-sso-integration/internal/delivery"
	"sendgrid-sso-integration/internal/problem"
	"sendgrid-sso-integration/internal/protocol"
	"sendgrid-sso-integration/internal/provision"
	"sendgrid-sso-integration/internal/request"
	"sendgrid-sso-integration/internal/telemetry"
	"sendgrid-sso-integration/internal/telemetry/emf"
	"sendgrid-sso-integration/sendgrid"
)

// written has the metrics of an invocation written, checks them by the rules of the embedded metric
// format, and returns the fields.
func written(t *testing.T, deliveries ...*delivery.Delivery) map[string]json.RawMessage {
	t.Helper()
	var out bytes.Buffer
	(&telemetry.Metrics{Out: &out, FunctionName: "sso"}).Observe(t.Context(), deliveries)
	require.Equal(t, 1, bytes.Count(out.Bytes(), []byte("\n")), "one line: %s", &out)
	var fields map[string]json.RawMessage
	require.NoError(t, json.Unmarshal(out.Bytes(), &fields))
	var format struct {
		Timestamp         int64
		CloudWatchMetrics []struct {
			Namespace  string
			Dimensions [][]string
			Metrics    []struct{ Name, Unit string }
		}
	}
	require.NoError(t, json.Unmarshal(fields["_aws"], &format))
	require.InDelta(t, time.Now().UnixMilli(), format.Timestamp, 60_000)
	require.Len(t, format.CloudWatchMetrics, 1)
	directive := format.CloudWatchMetrics[0]
	require.Equal(t, emf.Namespace, directive.Namespace)
	require.Equal(t, [][]string{{emf.Dimension}}, directive.Dimensions)
	require.JSONEq(t, `"sso"`, string(fields[emf.Dimension]))
	require.LessOrEqual(t, len(directive.Metrics), 100)
	seen := map[string]bool{}
	for _, m := range directive.Metrics {
		require.False(t, seen[m.Name], "declared twice: %s", m.Name)
		seen[m.Name] = true
		require.Contains(t, []string{"Count", "Milliseconds"}, m.Unit)
		var one float64
		var several []float64
		if json.Unmarshal(fields[m.Name], &one) != nil {
			require.NoError(t, json.Unmarshal(fields[m.Name], &several), m.Name)
			require.LessOrEqual(t, len(several), 100)
		}
	}
	return fields
}

func requireMetrics(t *testing.T, want map[string]string, got map[string]json.RawMessage) {
	t.Helper()
	for name, value := range want {
		require.Equal(t, value, string(got[name]), name)
	}
}

// effort returns what was done for a delivery.
func effort(calls ...sendgrid.Call) *delivery.Effort {
	e := &delivery.Effort{}
	ctx := e.Count(context.Background())
	for _, call := range calls {
		delivery.CountCall(ctx, call)
	}
	return e
}

func succeeded(result provision.Result) *delivery.Delivery {
	return &delivery.Delivery{Trigger: "sqs", Result: &result, Request: &request.Request{EntityID: "urn:1"}}
}

func failed(failure problem.Error) *delivery.Delivery {
	return &delivery.Delivery{Trigger: "sqs", Failure: &failure}
}

func TestMetricsOfABatch(t *testing.T) {
	t.Parallel()
	deliveries := []*delivery.Delivery{
		succeeded(provision.Result{Outcome: protocol.OutcomeCreated}),
		succeeded(provision.Result{Outcome: protocol.OutcomeCreated, Adopted: true}),
		succeeded(provision.Result{Outcome: protocol.OutcomeUnchanged}),
		succeeded(provision.Result{Outcome: protocol.OutcomeDisabled}),
		succeeded(provision.Result{Outcome: protocol.OutcomeDeleted}),
		failed(problem.Error{Code: problem.Conflict}),
		failed(problem.Error{Code: problem.SendGridUnauthorized}),
		failed(problem.Error{Code: problem.OutcomeUnknown}),
		failed(problem.Error{Code: problem.RateLimited}),
	}
	for _, d := range deliveries {
		d.ColdStart = true
		d.Effort = effort([]sendgrid.Call{
			{Op: sendgrid.OpListIntegrations, Duration: 12 * time.Millisecond, RateLimit: sendgrid.RateLimit{Limit: 600, Remaining: 7}},
			{Op: sendgrid.OpCreateIntegration, Duration: 34 * time.Millisecond, RateLimit: sendgrid.RateLimit{Limit: 600, Remaining: 5}},
			{Op: sendgrid.OpGetIntegration},
		}...)
	}
	fields := written(t, deliveries...)
	requireMetrics(t, map[string]string{
		"Created": "2", "Unchanged": "1", "Disabled": "1", "Deleted": "1", "Rejected": "2", "Failed": "2", "Attempts": "7",
		"RateLimitRemaining": "5", "Conflict": "1", "SendGridUnauthorized": "1", "OutcomeUnknown": "1", "UnknownOutcomes": "1", "RateLimited": "1",
		"SendGridLatency": "[12,34,0,12,34,0,12,34,0,12,34,0,12,34,0,12,34,0,12,34,0,12,34,0,12,34,0]",
	}, fields)
	require.NotContains(t, fields, "entity_id", "it would be that of one of nine requests")
}

// The metrics of one delivery name it. Of the zeros, only those are reported that an alarm needs.
func TestMetricsOfOneDelivery(t *testing.T) {
	t.Parallel()
	d := succeeded(provision.Result{Outcome: protocol.OutcomeCreated, Integration: sendgrid.Integration{ID: "1"}})
	d.TraceID = "1-2-3"
	d.Effort = effort(slices.Repeat([]sendgrid.Call{{Op: sendgrid.OpListIntegrations}}, 500)...)
	fields := written(t, d)
	requireMetrics(t, map[string]string{
		"Created": "1", "Attempts": "1", "Failed": "0", "trigger": `"sqs"`, "trace_id": `"1-2-3"`, "entity_id": `"urn:1"`, "integration_id": `"1"`,
	}, fields)
	require.Len(t, fields, 4+3+2+1, "the properties, these metrics, the format and the dimension, and the latency")
}

// Those of a teammate have the email in its place.
func TestMetricsOfATeammate(t *testing.T) {
	t.Parallel()
	d := succeeded(provision.Result{Outcome: protocol.OutcomeDeleted})
	d.Request = &request.Request{Kind: request.Absent, Teammate: &request.Teammate{Email: "ada@example.com"}}
	fields := written(t, d)
	requireMetrics(t, map[string]string{"Deleted": "1", "email": `"ada@example.com"`}, fields)
	require.NotContains(t, fields, "entity_id")
}

// Every code of a failure is a metric.
func TestMetricsOfEveryCode(t *testing.T) {
	t.Parallel()
	for _, code := range problem.Codes() {
		fields := written(t, failed(problem.Error{Code: code}))
		requireMetrics(t, map[string]string{string(code): "1"}, fields)
		require.Equal(t, code == problem.OutcomeUnknown, fields[telemetry.MetricUnknownOutcomes] != nil)
	}
}
