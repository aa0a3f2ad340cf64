package handler_test

import (
	"context"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"sendgrid-sso-integration/internal/problem"
	"sendgrid-sso-integration/internal/protocol"
	"sendgrid-sso-integration/internal/provision"
	"sendgrid-sso-integration/internal/request"
)

// A dry run is carried out where its sender gets the response, and refused elsewhere. What comes of it
// is logged and not published.
func TestDryRun(t *testing.T) {
	t.Parallel()
	dry := strings.Replace(goodRequest, "{", `{"dry_run":true,`, 1)
	refused := map[string]bool{"EventBridge": true, "SQS": true}
	events := map[string][]byte{"SQS": batch(dry), "EventBridge": functions["EventBridge"](dry), "direct": []byte(dry)}
	for gateway, event := range gateways {
		events[gateway] = event(httpCall{body: dry})
	}
	for trigger, payload := range events {
		t.Run(trigger, func(t *testing.T) {
			t.Parallel()
			published := &recordingPublisher{}
			f := newFixture(func(_ context.Context, r request.Resolved) (*provision.Result, error) {
				require.True(t, r.DryRun)
				return &provision.Result{Outcome: protocol.OutcomePlanned, Steps: []provision.Step{}, Changes: []problem.Change{}}, nil
			})
			f.Publisher = published
			data, err := f.invoke(t, payload)
			line := f.log.line(t)
			if refused[trigger] {
				require.Equal(t, "InvalidRequest", line["code"])
				require.Contains(t, line["error"], "dry_run")
				require.Len(t, published.published, 1)
				return
			}
			require.NoError(t, err)
			require.Equal(t, "planned", line["outcome"])
			require.Empty(t, published.published)
			if gateways[trigger] != nil {
				a := readResponse(t, data)
				require.Equal(t, 200, a.StatusCode)
				data = []byte(a.Body)
			}
			require.JSONEq(t, `{"outcome":"planned","steps":[],"changes":[]}`, string(data))
		})
	}
}
