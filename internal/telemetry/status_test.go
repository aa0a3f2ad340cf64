package telemetry_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"sendgrid-sso-integration/internal/audit"
	"sendgrid-sso-integration/internal/delivery"
	"sendgrid-sso-integration/internal/problem"
	"sendgrid-sso-integration/internal/status"
	"sendgrid-sso-integration/internal/telemetry"
	"sendgrid-sso-integration/sendgrid"
)

// statusOf is a delivery that read the status, with what such checks found.
func statusOf(checks ...status.Result) *delivery.Delivery {
	d := &delivery.Delivery{
		Trigger: "direct", IsStatus: true, IDs: delivery.IDs{TraceID: "1", GatewayRequestID: "2"}, CallerID: "arn:aws:iam::123456789012:user/x",
		Duration: 1500 * time.Millisecond, ColdStart: true,
		Status: &status.Report{OK: true, Checks: checks, Connections: make([]audit.Connection, 3), Omitted: 2},
	}
	for _, c := range checks {
		d.Status.OK = d.Status.OK && c.OK
	}
	d.Effort = effort(sendgrid.Call{Op: sendgrid.OpListScopes, Status: 200, Duration: 12 * time.Millisecond}, sendgrid.Call{Op: sendgrid.OpListIntegrations, Status: 200})
	return d
}

// loggedStatus returns the lines of a status, without their times.
func loggedStatus(t *testing.T, d *delivery.Delivery) (lines []map[string]any) {
	t.Helper()
	var text bytes.Buffer
	telemetry.Log{Logger: slog.New(slog.NewJSONHandler(&text, nil))}.Observe(t.Context(), []*delivery.Delivery{d})
	for each := range strings.Lines(text.String()) {
		var line map[string]any
		require.NoError(t, json.Unmarshal([]byte(each), &line))
		delete(line, "time")
		lines = append(lines, line)
	}
	return lines
}

// A status is one line, and one more for each check that is not ok, with its cause if it has one.
func TestLogOfStatus(t *testing.T) {
	t.Parallel()
	sum := func(ok bool) map[string]any {
		return map[string]any{
			"level": "INFO", "msg": "status reported", "trigger": "direct", "duration_ms": 1500.0, "upstream_calls": 2.0, "cold_start": true, "trace_id": "1",
			"gateway_request_id": "2", "caller": "arn:aws:iam::123456789012:user/x", "ok": ok, "connections": 5.0,
		}
	}
	good := status.Result{Name: "ledger", OK: true, Message: "Fine."}
	require.Equal(t, []map[string]any{sum(true)}, loggedStatus(t, statusOf(good, good)))
	require.Equal(t, []map[string]any{
		{"level": "WARN", "msg": "a check of the status is not ok", "check": "api_key", "found": "No.", "error": "the cause"},
		{"level": "WARN", "msg": "a check of the status is not ok", "check": "scopes", "found": "None."},
		sum(false),
	}, loggedStatus(t, statusOf(status.Result{Name: "api_key", Message: "No.", Cause: errors.New("the cause")}, good, status.Result{Name: "scopes", Message: "None."})))
}

func TestLogOfRefusedStatus(t *testing.T) {
	t.Parallel()
	for code, want := range map[problem.Code][2]string{
		problem.Unauthenticated: {"WARN", "status rejected"}, problem.Internal: {"ERROR", "status failed"},
	} {
		d := statusOf()
		d.Effort, d.ColdStart, d.CallerID = nil, false, ""
		d.Fail(&problem.Error{Code: code, Message: "M.", Err: errors.New("the cause")})
		require.Equal(t, []map[string]any{{
			"level": want[0], "msg": want[1], "trigger": "direct", "duration_ms": 1500.0, "upstream_calls": 0.0, "cold_start": false, "trace_id": "1",
			"gateway_request_id": "2", "code": string(code), "error": string(code) + ": M.: the cause",
		}}, loggedStatus(t, d))
	}
}

// A status is no request: it has no outcome that alarms or graphs could count, but its calls are calls.
func TestMetricsOfStatus(t *testing.T) {
	t.Parallel()
	refused := statusOf()
	refused.Fail(&problem.Error{Code: problem.Unauthenticated})
	for name, tt := range map[string]struct {
		delivery *delivery.Delivery
		code     string
	}{
		"reported": {statusOf(status.Result{Name: "api_key", Message: "No."}), ""},
		"refused":  {refused, "1"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			fields := written(t, tt.delivery)
			requireMetrics(t, map[string]string{
				"Attempts": "0", "Failed": "0", "Rejected": "", "SendGridLatency": "[12,0]", "Unauthenticated": tt.code, "trigger": `"direct"`,
			}, fields)
			for _, name := range []string{telemetry.MetricAuditsCompleted, telemetry.MetricUnknownOutcomes, telemetry.MetricFindings} {
				require.NotContains(t, fields, name)
			}
		})
	}
}
