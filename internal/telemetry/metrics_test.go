package telemetry_test

import (
	"bytes"
	"encoding/json"
	"log/slog"
	"slices"
	"sync"
	"testing"
	"time"

	"sendgrid-sso-integration/internal/problem"

	"github.com/stretchr/testify/require"

	"sendgrid-sso-integration/internal/provision"
	"sendgrid-sso-integration/internal/telemetry"
	"sendgrid-sso-integration/sendgrid"
)

// blob is an embedded metric format document, read strictly.
type blob struct {
	AWS struct {
		Timestamp         int64
		CloudWatchMetrics []struct {
			Namespace  string
			Dimensions [][]string
			Metrics    []struct{ Name, Unit string }
		}
	} `json:"_aws"`
	fields map[string]json.RawMessage
}

// readBlob reads a blob and checks it by the rules of the format.
func readBlob(t *testing.T, line []byte) blob {
	t.Helper()
	require.Equal(t, 1, bytes.Count(line, []byte("\n")), "one line: %s", line)
	var b blob
	require.NoError(t, json.Unmarshal(line, &b))
	require.NoError(t, json.Unmarshal(line, &b.fields))
	require.InDelta(t, time.Now().UnixMilli(), b.AWS.Timestamp, 60_000)
	require.Len(t, b.AWS.CloudWatchMetrics, 1)
	directive := b.AWS.CloudWatchMetrics[0]
	require.Equal(t, telemetry.Namespace, directive.Namespace)
	require.Equal(t, [][]string{{telemetry.Dimension}}, directive.Dimensions)
	require.Contains(t, b.fields, telemetry.Dimension)
	require.NotEmpty(t, directive.Metrics)
	require.LessOrEqual(t, len(directive.Metrics), 100)
	seen := map[string]bool{}
	for _, m := range directive.Metrics {
		require.False(t, seen[m.Name], "declared twice: %s", m.Name)
		seen[m.Name] = true
		require.True(t, slices.Contains([]string{"Count", "Milliseconds"}, m.Unit), m.Unit)
		var one float64
		var several []float64
		if json.Unmarshal(b.fields[m.Name], &one) != nil {
			require.NoError(t, json.Unmarshal(b.fields[m.Name], &several), m.Name)
			require.LessOrEqual(t, len(several), 100)
		}
	}
	return b
}

func (b blob) value(t *testing.T, name string) (value float64) {
	t.Helper()
	require.Contains(t, b.fields, name)
	require.NoError(t, json.Unmarshal(b.fields[name], &value))
	return value
}

func TestMetricsOfAnInvocation(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	metrics := &telemetry.Metrics{Out: &out, FunctionName: "sso"}
	ctx, tally := metrics.Begin(t.Context(), true)
	logger := slog.New(slog.DiscardHandler)

	for _, outcome := range []struct {
		result  *provision.Result
		failure *problem.Error
	}{
		{result: &provision.Result{Outcome: provision.OutcomeCreated, Integration: sendgrid.Integration{ID: "1"}}},
		{result: &provision.Result{Outcome: provision.OutcomeCreated, Adopted: true}},
		{result: &provision.Result{Outcome: provision.OutcomeUnchanged}},
		{failure: &problem.Error{Code: problem.Conflict}},
		{failure: &problem.Error{Code: problem.SendGridUnauthorized}},
		{failure: &problem.Error{Code: problem.OutcomeUnknown}},
		{failure: &problem.Error{Code: problem.RateLimited}},
	} {
		ctx, record := telemetry.Begin(ctx, telemetry.Origin{Trigger: "sqs", TraceID: "1-2-3"})
		record.EntityID = "urn:1"
		telemetry.CountCall(ctx, sendgrid.Call{Op: sendgrid.OpListIntegrations, Duration: 12 * time.Millisecond, RateLimit: sendgrid.RateLimit{Limit: 600, Remaining: 7}})
		telemetry.CountCall(ctx, sendgrid.Call{Op: sendgrid.OpCreateIntegration, Duration: 34 * time.Millisecond, RateLimit: sendgrid.RateLimit{Limit: 600, Remaining: 5}})
		telemetry.CountCall(ctx, sendgrid.Call{Op: sendgrid.OpGetIntegration})
		record.Log(ctx, logger, outcome.result, outcome.failure)
	}
	telemetry.CountFetch(ctx, nil)
	tally.End()

	b := readBlob(t, out.Bytes())
	for name, want := range map[string]float64{
		telemetry.MetricCreated: 2, telemetry.MetricUnchanged: 1, telemetry.MetricRejected: 2, telemetry.MetricFailed: 2,
		telemetry.MetricAdopted: 1, telemetry.MetricHeld: 1, telemetry.MetricColdStarts: 1, telemetry.MetricKeyRefreshes: 1,
		telemetry.MetricUpstreamCalls: 21, telemetry.MetricRateLimitRemaining: 5,
		"Conflict": 1, "SendGridUnauthorized": 1, "OutcomeUnknown": 1, "RateLimited": 1,
	} {
		require.InDelta(t, want, b.value(t, name), 0, name)
	}
	require.JSONEq(t, `[12,12,12,12,12,12,12]`, string(b.fields[sendgrid.OpListIntegrations.Metric()]))
	require.JSONEq(t, `[34,34,34,34,34,34,34]`, string(b.fields[sendgrid.OpCreateIntegration.Metric()]))
	require.JSONEq(t, `"sso"`, string(b.fields[telemetry.Dimension]))
	require.NotContains(t, b.fields, "entity_id", "of seven requests")
	require.JSONEq(t, `"1-2-3"`, string(b.fields["trace_id"]))
}

// A blob of one request names it; that of a batch must not name one of many.
func TestMetricsNameTheOneRequest(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	ctx, tally := (&telemetry.Metrics{Out: &out}).Begin(t.Context(), false)
	ctx, record := telemetry.Begin(ctx, telemetry.Origin{Trigger: "direct"})
	record.EntityID = "urn:1"
	record.Log(ctx, slog.New(slog.DiscardHandler), &provision.Result{Outcome: provision.OutcomeCreated, Integration: sendgrid.Integration{ID: "1"}}, nil)
	tally.End()
	b := readBlob(t, out.Bytes())
	require.JSONEq(t, `"urn:1"`, string(b.fields["entity_id"]))
	require.JSONEq(t, `"1"`, string(b.fields["integration_id"]))
}

// Alarms need the zeros, too.
func TestMetricsOfNothing(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	_, tally := (&telemetry.Metrics{Out: &out, FunctionName: "sso"}).Begin(t.Context(), false)
	tally.End()
	b := readBlob(t, out.Bytes())
	for _, name := range []string{
		telemetry.MetricCreated, telemetry.MetricUnchanged, telemetry.MetricRejected, telemetry.MetricFailed, telemetry.MetricAdopted,
		telemetry.MetricHeld, telemetry.MetricColdStarts, telemetry.MetricKeyRefreshes, telemetry.MetricUpstreamCalls,
	} {
		require.Zero(t, b.value(t, name), name)
	}
	require.NotContains(t, b.fields, telemetry.MetricRateLimitRemaining)
}

// A large batch with many retries stays within what one blob may hold.
func TestMetricsAreBounded(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	ctx, tally := (&telemetry.Metrics{Out: &out}).Begin(t.Context(), false)
	var all sync.WaitGroup
	for range 500 {
		all.Go(func() { telemetry.CountCall(ctx, sendgrid.Call{Op: sendgrid.OpListIntegrations}) })
	}
	all.Wait()
	tally.End()
	require.InDelta(t, 500, readBlob(t, out.Bytes()).value(t, telemetry.MetricUpstreamCalls), 0)
}

func TestNobodyWantsMetrics(t *testing.T) {
	t.Parallel()
	var none *telemetry.Metrics
	ctx, tally := none.Begin(t.Context(), true)
	telemetry.CountCall(ctx, sendgrid.Call{})
	telemetry.CountFetch(ctx, nil)
	tally.End()
}
