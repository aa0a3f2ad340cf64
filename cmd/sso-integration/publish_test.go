package main_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"sendgrid-sso-integration/internal/lambdatest"
)

// A success that the bus did not take is a failure; its repetition finds the integration
// and publishes it.
func TestOutcomesArePublished(t *testing.T) {
	t.Parallel()
	w, bus := newWorld(t), &lambdatest.EventBus{}
	w.env["EVENT_BUS_NAME"], w.env["AWS_ENDPOINT_URL_EVENTBRIDGE"] = "results", lambdatest.Serve(t, bus)
	f := w.start(t)

	require.Equal(t, "created", resultOf(t, f.Invoke(requestFor("urn:published"), timeout).Body).Outcome)
	require.Equal(t, "InvalidRequest", f.Invoke([]byte(`{"name":""}`), timeout).ErrorType())
	bus.Refuse("NotAuthorizedForDetailTypeException")
	require.Equal(t, "EventBusUnavailable", f.Invoke(requestFor("urn:unpublished"), timeout).ErrorType())
	require.Equal(t, "unchanged", resultOf(t, f.Invoke(requestFor("urn:unpublished"), timeout).Body).Outcome)
	require.Len(t, w.sendGrid.Integrations(), 2)

	entries := bus.Taken()
	require.Len(t, entries, 3)
	for i, detailType := range []string{"SSO Integration Created", "SSO Integration Rejected", "SSO Integration Unchanged"} {
		e := entries[i]
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
	for line := range strings.Lines(f.Log()) {
		if strings.Contains(line, `"CloudWatchMetrics"`) {
			blobs++
		}
	}
	require.Equal(t, 4, blobs, "one blob of metrics for each invocation")
}
