package handler_test

import (
	"bytes"
	"context"
	"testing"

	"github.com/stretchr/testify/require"

	"sendgrid-sso-integration/internal/audit"
	"sendgrid-sso-integration/internal/delivery"
	"sendgrid-sso-integration/internal/problem"
	"sendgrid-sso-integration/internal/provision"
	"sendgrid-sso-integration/internal/request"
	"sendgrid-sso-integration/internal/telemetry"
	"sendgrid-sso-integration/sendgrid"
)

const scheduled = `{"id":"event-1","detail-type":"Scheduled Event","source":"aws.events","detail":{}}`

// The answer is the report; the audit has the ids of its delivery, one line and its metrics.
func TestScheduleStartsAnAudit(t *testing.T) {
	t.Parallel()
	f, metrics := newFixture(nil), &bytes.Buffer{}
	published := &recordingPublisher{err: errUpstream}
	f.Publisher, f.Observers = published, append(f.Observers, &telemetry.Metrics{Out: metrics, FunctionName: "sso"})
	f.Auditor = auditor(func(ctx context.Context, publish audit.Publish) (*audit.Report, error) {
		require.ErrorIs(t, publish(ctx, nil), errUpstream)
		delivery.CountCall(ctx, sendgrid.Call{Op: sendgrid.OpListCertificates})
		return &audit.Report{Summary: audit.Summary{Total: 2, Audited: 1, Unreached: 1}, Next: "id-2"}, nil
	})
	data, err := f.invoke(t, []byte(scheduled))
	require.NoError(t, err)
	var report audit.Report
	strictly(t, data, &report)
	require.Equal(t, "id-2", report.Next)
	line := f.log.line(t)
	require.Equal(t, "audit finished", line["msg"])
	require.InDelta(t, 1, line["upstream_calls"], 0)
	require.Contains(t, metrics.String(), `"UnreachedIntegrations":1`)
}

// A failure is a function error whose type is the code, also after a panic.
func TestAuditFails(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		audit auditor
		event string
		code  problem.Code
	}{
		"publish": {func(context.Context, audit.Publish) (*audit.Report, error) {
			return nil, &problem.Error{Code: problem.EventBusUnavailable, Message: "M.", Err: errUpstream}
		}, scheduled, problem.EventBusUnavailable},
		"panic":     {nil, scheduled, problem.Internal},
		"malformed": {nil, `{"id":5,"detail-type":"Scheduled Event","source":"aws.events"}`, problem.InvalidJSON},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFixture(nil)
			f.Auditor = tt.audit
			data, err := f.invoke(t, []byte(tt.event))
			failure := functionError(t, data, err)
			require.Equal(t, string(tt.code), failure.Type)
			require.NotContains(t, failure.Message, errUpstream.Error())
			require.Equal(t, string(tt.code), f.log.line(t)["code"])
		})
	}
}

// The event of a schedule that comes through the queue, as a dead letter that is sent again
// does, is rejected and not taken for a request.
func TestScheduledEventInTheQueue(t *testing.T) {
	t.Parallel()
	f := newFixture(func(context.Context, request.Resolved) (*provision.Result, error) { return nil, errUpstream })
	require.Equal(t, batchFailure, f.code(t, mustEncode(map[string]any{"Records": []any{
		map[string]any{"messageId": "1", "eventSource": "aws:sqs", "body": scheduled},
	}})))
	line := f.log.line(t)
	require.Equal(t, string(problem.InvalidRequest), line["code"])
	require.Contains(t, line["error"], "starts the audit")
}
