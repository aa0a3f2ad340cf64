package telemetry_test

import (
	"bytes"
	"encoding/json"
	"log/slog"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"sendgrid-sso-integration/internal/audit"
	"sendgrid-sso-integration/internal/delivery"
	"sendgrid-sso-integration/internal/problem"
	"sendgrid-sso-integration/internal/telemetry"
	"sendgrid-sso-integration/sendgrid"
)

// observed returns the log line of an audit, without its time, and its metrics.
func observed(t *testing.T, d *delivery.Delivery) (line map[string]any, metrics map[string]json.RawMessage) {
	t.Helper()
	var text bytes.Buffer
	d.IsAudit = true
	telemetry.Log{Logger: slog.New(slog.NewJSONHandler(&text, nil))}.Observe(t.Context(), []*delivery.Delivery{d})
	require.Equal(t, 1, bytes.Count(text.Bytes(), []byte("\n")))
	require.NoError(t, json.Unmarshal(text.Bytes(), &line))
	delete(line, "time")
	return line, written(t, d)
}

func TestAuditIsObserved(t *testing.T) {
	t.Parallel()
	d := &delivery.Delivery{Trigger: "schedule", IDs: delivery.IDs{EventID: "3", TraceID: "1"}, Duration: 1500 * time.Millisecond, ColdStart: true}
	d.Effort = effort(1, sendgrid.Call{Op: sendgrid.OpListCertificates, Duration: 12 * time.Millisecond, RateLimit: sendgrid.RateLimit{Limit: 600, Remaining: 7}})
	left := -3
	d.Audit = &audit.Report{Next: "id-9", Integrations: []audit.Integration{{Name: "not logged"}}, Summary: audit.Summary{
		Total: 10, Audited: 7, Failed: 1, Unreached: 2, WithoutCertificate: 3, Expiring: 4, Disabled: 5, DaysLeft: &left,
	}}
	line, metrics := observed(t, d)
	require.Equal(t, map[string]any{
		"level": "INFO", "msg": "audit finished", "trigger": "schedule", "duration_ms": 1500.0, "upstream_calls": 1.0, "cold_start": true, "trace_id": "1",
		"event_id": "3", "integrations": 10.0, "audited": 7.0, "failed": 1.0, "unreached": 2.0, "without_certificate": 3.0, "expiring": 4.0, "disabled": 5.0,
		"days_left": -3.0, "next": "id-9",
	}, line)
	requireMetrics(t, map[string]string{
		"AuditsFailed": "0", "AuditedIntegrations": "7", "FailedIntegrations": "1", "UnreachedIntegrations": "2", "IntegrationsWithoutCertificate": "3",
		"ExpiringIntegrations": "4", "DisabledIntegrations": "5", "CertificateDaysLeft": "-3", "Failed": "0", "ColdStarts": "1", "KeyRefreshes": "1",
		"UpstreamCalls": "1", "RateLimitRemaining": "7", "ListCertificatesLatency": "[12]", "trigger": `"schedule"`, "trace_id": `"1"`,
	}, metrics)

	d.Audit = &audit.Report{}
	_, metrics = observed(t, d)
	require.NotContains(t, metrics, telemetry.MetricCertificateDaysLeft, "there is no certificate")
}

// A failed audit is no failed request, and reports nothing of integrations.
func TestFailedAuditIsObserved(t *testing.T) {
	t.Parallel()
	d := failed(problem.Error{Code: problem.SendGridUnauthorized, Message: "M."})
	line, metrics := observed(t, d)
	require.Equal(t, map[string]any{
		"level": "ERROR", "msg": "audit rejected", "trigger": "sqs", "duration_ms": 0.0, "upstream_calls": 0.0, "cold_start": false,
		"outcome": "rejected", "code": "SendGridUnauthorized", "error": "SendGridUnauthorized: M.",
	}, line)
	requireMetrics(t, map[string]string{"AuditsFailed": "1", "SendGridUnauthorized": "1", "Failed": "0", "Rejected": "0"}, metrics)
	require.NotContains(t, metrics, telemetry.MetricAuditedIntegrations)
}
