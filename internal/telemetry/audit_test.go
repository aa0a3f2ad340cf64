package telemetry_test

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"sendgrid-sso-integration/internal/audit"
	"sendgrid-sso-integration/internal/delivery"
	"sendgrid-sso-integration/internal/problem"
	"sendgrid-sso-integration/internal/provision"
	"sendgrid-sso-integration/internal/telemetry"
	"sendgrid-sso-integration/sendgrid"
)

// observed returns the log line of an audit, without its time, and its metrics.
func observed(t *testing.T, d *delivery.Delivery) (line map[string]any, metrics map[string]json.RawMessage) {
	t.Helper()
	return logged(t, d), written(t, d)
}

// found is a connection with findings.
func found(daysLeft *int, codes ...provision.WarningCode) audit.Connection {
	c := audit.Connection{Name: "not logged", IntegrationID: "1", Enabled: true, State: audit.Managed, DaysLeft: daysLeft}
	for _, code := range codes {
		c.Findings = append(c.Findings, audit.Finding{Code: code, Message: "not logged"})
	}
	return c
}

// The start of an audit with a queue is one line, and says nothing of connections.
func TestStartOfAnAuditIsObserved(t *testing.T) {
	t.Parallel()
	d := &delivery.Delivery{Trigger: "schedule", IsAudit: true, IDs: delivery.IDs{EventID: "3", TraceID: "1"}, Duration: 1500 * time.Millisecond, ColdStart: true}
	d.Effort = effort(sendgrid.Call{Op: sendgrid.OpListIntegrations, Duration: 12 * time.Millisecond, RateLimit: sendgrid.RateLimit{Limit: 600, Remaining: 7}})
	d.Audit = &audit.Report{Total: 10, Queued: 10, UnknownOutcomes: 2}
	line, metrics := observed(t, d)
	require.Equal(t, map[string]any{
		"level": "INFO", "msg": "audit started", "trigger": "schedule", "duration_ms": 1500.0, "upstream_calls": 1.0, "cold_start": true, "trace_id": "1",
		"event_id": "3", "connections": 10.0, "queued": 10.0, "audited": 0.0, "failed": 0.0, "unreached": 0.0, "unknown_outcomes": 2.0,
	}, line)
	requireMetrics(t, map[string]string{
		"AuditsCompleted": "1", "UnknownOutcomes": "2", "Findings": "0", "CertificateFindings": "0", "Failed": "0",
		"RateLimitRemaining": "7", "SendGridLatency": "[12]", "trigger": `"schedule"`, "trace_id": `"1"`,
	}, metrics)
	for _, name := range []string{telemetry.MetricAuditedIntegrations, telemetry.MetricCertificateDaysLeft} {
		require.NotContains(t, metrics, name)
	}
	d.Audit.UnknownOutcomes = 0
	_, metrics = observed(t, d)
	requireMetrics(t, map[string]string{"UnknownOutcomes": "0"}, metrics) // It ends the alarm.
}

// The teammates are counted, and nobody is named. An audit that could not read them is not complete.
func TestAuditOfTeammatesIsObserved(t *testing.T) {
	t.Parallel()
	of := func(code provision.WarningCode) audit.Finding {
		return audit.Finding{Code: code, Email: "jane@example.com", Message: "jane@example.com is not logged"}
	}
	for name, tt := range map[string]struct {
		teammates audit.TeammatesReport
		findings  []audit.Finding
		metrics   map[string]string
		line      map[string]any
	}{
		"none found": {audit.TeammatesReport{Total: 3}, nil, map[string]string{"AuditsCompleted": "1", "Findings": "0"},
			map[string]any{"teammates": 3.0, "teammate_findings": []any{}}},
		"three": {audit.TeammatesReport{Total: 3}, []audit.Finding{{Code: provision.IntegrationIncomplete}, of(provision.Missing), of(provision.Drifted), of(audit.PasswordTeammate)},
			map[string]string{"AuditsCompleted": "1", "Findings": "3"}, map[string]any{"teammates": 3.0, "teammate_findings": []any{"Missing", "Drifted", "PasswordTeammate"}}},
		"a failure": {audit.TeammatesReport{Failure: "SendGrid is down."}, []audit.Finding{of(provision.Missing)},
			map[string]string{"AuditsCompleted": "0", "Findings": "1"}, map[string]any{"teammates_failure": "SendGrid is down."}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := &delivery.Delivery{Trigger: "schedule", IsAudit: true, Audit: &audit.Report{Teammates: &tt.teammates, Findings: tt.findings}}
			line, metrics := observed(t, d)
			requireMetrics(t, tt.metrics, metrics)
			require.Subset(t, line, tt.line)
			text, err := json.Marshal(line)
			require.NoError(t, err)
			require.NotContains(t, string(text), "jane")
		})
	}
}

// Without a queue, the connections are part of it. It is complete if every connection was reached.
func TestAuditWithoutAQueueIsObserved(t *testing.T) {
	t.Parallel()
	ended := found(new(-9), audit.CertificatesExpired)
	ended.Enabled = false // Nobody logs in with it.
	unknown := found(nil, provision.Drifted, audit.CertificatesUnknown)
	unknown.Enabled = false // Nobody knows.
	gone := found(nil, provision.Missing)
	gone.IntegrationID, gone.Enabled = "", false
	d := &delivery.Delivery{Trigger: "schedule", IsAudit: true, Audit: &audit.Report{Total: 10, Failed: 1, Unreached: 1, Omitted: 1, Connections: []audit.Connection{
		found(new(90)), found(new(-3), audit.CertificatesExpired), found(new(29), provision.CertificateExpiresSoon, audit.UnknownCertificate, provision.Drifted),
		found(nil, provision.NoCertificate), ended, unknown, gone, found(new(90), audit.CertificateMissing),
	}}}
	line, metrics := observed(t, d)
	require.Equal(t, []any{10.0, 0.0, 8.0, 1.0, 1.0}, []any{line["connections"], line["queued"], line["audited"], line["failed"], line["unreached"]})
	requireMetrics(t, map[string]string{
		"AuditsCompleted": "0", "AuditedIntegrations": "7", "FailedIntegrations": "1", "CertificateDaysLeft": "-3", "Findings": "4", "CertificateFindings": "4",
	}, metrics)
}

// The audit of a connection is one line with what was found, and its metrics: also the zeros, which turn
// alarms off.
func TestAuditOfAConnectionIsObserved(t *testing.T) {
	t.Parallel()
	c := found(new(29), provision.CertificateExpiresSoon, provision.Drifted)
	c.By, c.Changes, c.Deleted = "operator", []problem.Change{{Field: "signin_url", From: "before", To: "now"}}, "2"
	d := &delivery.Delivery{Trigger: "sqs", Task: &audit.Task{EntityID: "urn:1"}, IDs: delivery.IDs{MessageID: "4"}, Connection: &c}
	line, metrics := observed(t, d)
	require.Equal(t, map[string]any{
		"level": "INFO", "msg": "connection audited", "trigger": "sqs", "duration_ms": 0.0, "upstream_calls": 0.0, "cold_start": false, "message_id": "4", "integration_id": "1",
		"entity_id": "urn:1", "state": "managed", "findings": []any{"CertificateExpiresSoon", "Drifted"}, "days_left": 29.0,
		"caller": "operator", "changes": []any{map[string]any{"field": "signin_url", "from": "before", "to": "now"}}, "deleted": "2",
	}, line)
	requireMetrics(t, map[string]string{
		"AuditedIntegrations": "1", "FailedIntegrations": "0", "CertificateDaysLeft": "29", "Findings": "1", "CertificateFindings": "1", "entity_id": `"urn:1"`, "integration_id": `"1"`,
	}, metrics)
	for _, name := range []string{telemetry.MetricAuditsCompleted, telemetry.MetricUnknownOutcomes} {
		require.NotContains(t, metrics, name, "it starts none")
	}

	d.Connection = nil
	line, metrics = observed(t, d)
	require.Equal(t, "connection audited before", line["msg"])
	require.NotContains(t, metrics, telemetry.MetricAuditedIntegrations)

	c = found(nil)
	d.Connection = &c
	line, metrics = observed(t, d)
	require.Equal(t, []any{}, line["findings"])
	require.NotContains(t, metrics, telemetry.MetricCertificateDaysLeft, "there is no certificate")
	requireMetrics(t, map[string]string{"Findings": "0", "CertificateFindings": "0"}, metrics)

	c = found(nil, provision.Drifted, audit.CertificatesExpired, audit.CertificatesUnknown)
	d.Connection = &c
	_, metrics = observed(t, d)
	requireMetrics(t, map[string]string{"Findings": "1", "CertificateFindings": ""}, metrics) // What was found before still stands.
}

// Each finding of which somebody has to know counts once: those that end the login for want of a certificate in one
// metric, and the others in another.
func TestFindingsThatAlarm(t *testing.T) {
	t.Parallel()
	var quiet, certificates []provision.WarningCode
	for _, code := range audit.Codes() {
		c := found(nil, code)
		_, metrics := observed(t, &delivery.Delivery{Trigger: "sqs", Task: &audit.Task{EntityID: "urn:1"}, Connection: &c})
		switch {
		case string(metrics["Findings"]) == "1":
			require.NotEqual(t, "1", string(metrics["CertificateFindings"]), code)
		case string(metrics["CertificateFindings"]) == "1":
			certificates = append(certificates, code)
		default:
			quiet = append(quiet, code)
		}
	}
	require.ElementsMatch(t, []provision.WarningCode{
		provision.NoCertificate, audit.CertificatesExpired, provision.CertificateExpiresSoon, audit.CertificateMissing,
	}, certificates)
	require.ElementsMatch(t, []provision.WarningCode{
		audit.CertificateUnreadable, audit.CertificateRetirable, audit.CertificatesUnknown, provision.IntegrationDisabled, provision.IntegrationIncomplete,
	}, quiet)
}

// A failed audit is no failed request, and reports nothing of connections.
func TestFailedAuditIsObserved(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		set    func(*delivery.Delivery)
		starts bool
	}{
		"its start":       {func(d *delivery.Delivery) { d.IsAudit = true }, true},
		"of a connection": {func(d *delivery.Delivery) { d.Task = &audit.Task{EntityID: "urn:1"} }, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := failed(problem.Error{Code: problem.SendGridUnauthorized, Message: "M."})
			tt.set(d)
			line, metrics := observed(t, d)
			want := map[string]any{
				"level": "ERROR", "msg": "audit rejected", "trigger": "sqs", "duration_ms": 0.0, "upstream_calls": 0.0, "cold_start": false,
				"outcome": "rejected", "code": "SendGridUnauthorized", "error": "SendGridUnauthorized: M.",
			}
			if !tt.starts {
				want["entity_id"] = "urn:1"
			}
			require.Equal(t, want, line)
			requireMetrics(t, map[string]string{"SendGridUnauthorized": "1", "Attempts": "0", "Failed": "0", "Rejected": ""}, metrics)
			require.Equal(t, tt.starts, string(metrics["AuditsCompleted"]) == "0")
			for _, name := range []string{telemetry.MetricAuditedIntegrations, telemetry.MetricFindings, telemetry.MetricUnknownOutcomes} {
				require.NotContains(t, metrics, name)
			}
		})
	}
}
