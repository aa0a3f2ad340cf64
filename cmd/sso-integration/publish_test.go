package main_test

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
)

// eventBus is an EventBridge that keeps the entries it takes, and refuses as many as told.
type eventBus struct {
	mu      sync.Mutex
	refuse  int
	entries []entry
}

type entry struct{ EventBusName, Source, DetailType, Detail, TraceHeader string }

func (b *eventBus) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	b.mu.Lock()
	defer b.mu.Unlock()
	var in struct{ Entries []entry }
	if err := json.NewDecoder(r.Body).Decode(&in); err != nil || r.Header.Get("X-Amz-Target") != "AWSEvents.PutEvents" {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	w.Header().Set("Content-Type", "application/x-amz-json-1.1")
	if b.refuse > 0 {
		b.refuse--
		_, _ = w.Write([]byte(`{"FailedEntryCount":1,"Entries":[{"ErrorCode":"NotAuthorizedForDetailTypeException","ErrorMessage":"no"}]}`))
		return
	}
	b.entries = append(b.entries, in.Entries...)
	_, _ = w.Write([]byte(`{"FailedEntryCount":0,"Entries":[{"EventId":"e"}]}`))
}

// taken returns the entries that the bus has taken so far.
func (b *eventBus) taken() []entry {
	b.mu.Lock()
	defer b.mu.Unlock()
	return slices.Clone(b.entries)
}

// A success that the bus did not take is a failure; its repetition finds the integration
// and publishes it.
func TestOutcomesArePublished(t *testing.T) {
	t.Parallel()
	w, bus := newWorld(t), &eventBus{}
	w.env["EVENT_BUS_NAME"], w.env["AWS_ENDPOINT_URL_EVENTBRIDGE"] = "results", serve(t, bus)
	f := w.start(t)

	require.Equal(t, "created", resultOf(t, f.invoke(requestFor("urn:published"), timeout).body).Outcome)
	require.Equal(t, "InvalidRequest", f.invoke([]byte(`{"name":""}`), timeout).errorType(t))
	bus.mu.Lock()
	bus.refuse = 1
	bus.mu.Unlock()
	require.Equal(t, "EventBusUnavailable", f.invoke(requestFor("urn:unpublished"), timeout).errorType(t))
	require.Equal(t, "unchanged", resultOf(t, f.invoke(requestFor("urn:unpublished"), timeout).body).Outcome)
	require.Len(t, w.sendGrid.Integrations(), 2)

	require.Len(t, bus.entries, 3)
	for i, detailType := range []string{"SSO Integration Created", "SSO Integration Rejected", "SSO Integration Unchanged"} {
		e := bus.entries[i]
		require.Equal(t, "results", e.EventBusName)
		require.Equal(t, "sendgrid.sso", e.Source)
		require.Equal(t, detailType, e.DetailType)
		require.Equal(t, "Root=1-5759e988-bd862e3fe1be46a994272793;Sampled=1", e.TraceHeader)
		require.NotContains(t, e.Detail, apiKey)
		var detail struct {
			Origin struct {
				TraceID string `json:"trace_id"`
			}
		}
		require.NoError(t, json.Unmarshal([]byte(e.Detail), &detail))
		require.Equal(t, "1-5759e988-bd862e3fe1be46a994272793", detail.Origin.TraceID)
	}
	for _, sent := range w.sendGrid.Requests() {
		for name := range sent.Header {
			require.NotContains(t, strings.ToLower(name), "trace", "SendGrid learns nothing of our traces")
		}
	}

	blobs := 0
	for line := range strings.Lines(f.logs.String()) {
		if strings.Contains(line, `"CloudWatchMetrics"`) {
			blobs++
		}
	}
	require.Equal(t, 4, blobs, "one blob of metrics for each invocation")
}
