package telemetry

import (
	"context"
	"encoding/json"
	"io"
	"maps"
	"slices"
	"sync"
	"time"

	"sendgrid-sso-integration/internal/problem"

	"sendgrid-sso-integration/internal/provision"
	"sendgrid-sso-integration/sendgrid"
)

// Namespace is the CloudWatch namespace of the metrics, and Dimension their one dimension.
const (
	Namespace = "SendGridSSO"
	Dimension = "FunctionName"
)

// The metrics that every invocation reports, also where they are zero. Besides them there
// is one metric for each code of a failure, named after it.
const (
	MetricCreated       = "Created"
	MetricUnchanged     = "Unchanged"
	MetricRejected      = "Rejected"
	MetricFailed        = "Failed"
	MetricAdopted       = "Adopted"
	MetricHeld          = "Held"
	MetricColdStarts    = "ColdStarts"
	MetricKeyRefreshes  = "KeyRefreshes"
	MetricUpstreamCalls = "UpstreamCalls"
)

// MetricRateLimitRemaining is reported where SendGrid answered, as is one metric for the
// latency of each operation: sendgrid.Op names it.
const MetricRateLimitRemaining = "RateLimitRemaining"

// maxValues is how many values of one metric CloudWatch takes in one blob.
const maxValues = 100

// Metrics writes what each invocation came to, in CloudWatch's embedded metric format:
// one line of JSON that CloudWatch Logs turns into metrics, without a call to anyone.
//
// https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html
type Metrics struct {
	// Out is the function's standard output.
	Out          io.Writer
	FunctionName string
}

// Tally adds up one invocation. Its methods may be called concurrently, and on nil.
type Tally struct {
	metrics *Metrics

	mu         sync.Mutex
	counts     map[string]int
	latencies  map[string][]float64
	remaining  *int
	requests   int
	properties map[string]string
}

type tallyKey struct{}

// Begin begins an invocation, and returns a context that carries its tally. Without
// Metrics there is no tally.
func (m *Metrics) Begin(ctx context.Context, coldStart bool) (context.Context, *Tally) {
	if m == nil {
		return ctx, nil
	}
	t := &Tally{metrics: m, latencies: map[string][]float64{}, counts: map[string]int{
		MetricCreated: 0, MetricUnchanged: 0, MetricRejected: 0, MetricFailed: 0, MetricAdopted: 0,
		MetricHeld: 0, MetricColdStarts: 0, MetricKeyRefreshes: 0, MetricUpstreamCalls: 0,
	}}
	if coldStart {
		t.counts[MetricColdStarts] = 1
	}
	return context.WithValue(ctx, tallyKey{}, t), t
}

func tallyOf(ctx context.Context) *Tally {
	t, _ := ctx.Value(tallyKey{}).(*Tally)
	return t
}

// CountFetch notes that a secret was read, in the tally that ctx carries; it is made to be
// a cache's OnFetch.
func CountFetch(ctx context.Context, _ error) {
	if t := tallyOf(ctx); t != nil {
		t.mu.Lock()
		defer t.mu.Unlock()
		t.counts[MetricKeyRefreshes]++
	}
}

func (t *Tally) call(call sendgrid.Call) {
	if t == nil {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.counts[MetricUpstreamCalls]++
	name := call.Op.Metric()
	if len(t.latencies[name]) < maxValues {
		t.latencies[name] = append(t.latencies[name], float64(call.Duration.Microseconds())/1000)
	}
	if limit := call.RateLimit; limit.Limit > 0 && (t.remaining == nil || limit.Remaining < *t.remaining) {
		t.remaining = &limit.Remaining
	}
}

// outcome counts what a request came to. The ids of the request go along as properties,
// which can be searched and cost nothing; as dimensions they would each make a metric.
func (t *Tally) outcome(r *Record, result *provision.Result, failure *problem.Error) {
	if t == nil {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.requests++
	t.properties = map[string]string{"trigger": r.Trigger, "trace_id": r.TraceID}
	if t.requests == 1 { // Of a batch, the log has the ids message by message.
		t.properties["entity_id"] = r.EntityID
		if result != nil {
			t.properties["integration_id"] = result.Integration.ID
		}
	}
	if failure == nil {
		if result.Outcome == provision.OutcomeCreated {
			t.counts[MetricCreated]++
		} else {
			t.counts[MetricUnchanged]++
		}
		if result.Adopted {
			t.counts[MetricAdopted]++
		}
		return
	}
	t.counts[string(failure.Code)]++
	switch {
	case failure.Code == problem.OutcomeUnknown:
		t.counts[MetricHeld]++
		t.counts[MetricFailed]++
	case failure.Retryable():
		t.counts[MetricFailed]++
	default:
		t.counts[MetricRejected]++
	}
}

// End writes the tally. The log has the requests one by one, so if standard output is gone
// there is nobody to tell.
func (t *Tally) End() {
	if t == nil {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	blob, err := json.Marshal(t.blob())
	if err == nil {
		_, _ = t.metrics.Out.Write(append(blob, '\n'))
	}
}

// metric declares a metric in a blob.
type metric struct {
	Name string
	Unit string
}

func (t *Tally) blob() map[string]any {
	blob := map[string]any{Dimension: t.metrics.FunctionName}
	var declared []metric
	report := func(name, unit string, value any) {
		declared = append(declared, metric{name, unit})
		blob[name] = value
	}
	for _, name := range slices.Sorted(maps.Keys(t.counts)) {
		report(name, "Count", t.counts[name])
	}
	for _, name := range slices.Sorted(maps.Keys(t.latencies)) {
		report(name, "Milliseconds", t.latencies[name])
	}
	if t.remaining != nil {
		report(MetricRateLimitRemaining, "Count", *t.remaining)
	}
	for name, value := range t.properties {
		if value != "" {
			blob[name] = value
		}
	}
	blob["_aws"] = map[string]any{
		"Timestamp": time.Now().UnixMilli(),
		"CloudWatchMetrics": []any{map[string]any{
			"Namespace":  Namespace,
			"Dimensions": [][]string{{Dimension}},
			"Metrics":    declared,
		}},
	}
	return blob
}
