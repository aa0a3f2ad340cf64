package telemetry

import (
	"context"
	"log/slog"

	"sendgrid-sso-integration/internal/delivery"
)

// The metrics that every audit reports. After a failed one, AuditsFailed is 1 and the others
// are missing. CertificateDaysLeft is missing where no enabled integration has a certificate.
const (
	MetricAuditsFailed                   = "AuditsFailed"
	MetricAuditedIntegrations            = "AuditedIntegrations"
	MetricFailedIntegrations             = "FailedIntegrations"
	MetricUnreachedIntegrations          = "UnreachedIntegrations"
	MetricIntegrationsWithoutCertificate = "IntegrationsWithoutCertificate"
	MetricDisabledIntegrations           = "DisabledIntegrations"
	MetricExpiringIntegrations           = "ExpiringIntegrations"
	MetricCertificateDaysLeft            = "CertificateDaysLeft"
)

// logAudit writes the one line of an audit.
func (l Log) logAudit(ctx context.Context, d *delivery.Delivery) {
	attrs := appendIDs([]slog.Attr{
		slog.String("trigger", d.Trigger),
		slog.Int64("duration_ms", d.Duration.Milliseconds()),
		slog.Int("upstream_calls", len(d.Effort.Calls())),
		slog.Bool("cold_start", d.ColdStart),
	}, d)
	if d.Failure != nil {
		// The outcome is that of a failed request, so that one search finds both.
		l.Logger.LogAttrs(ctx, slog.LevelError, "audit "+string(d.Outcome()), append(attrs,
			slog.String("outcome", string(d.Outcome())),
			slog.String("code", string(d.Failure.Code)),
			slog.String("error", d.Failure.Error()))...)
		return
	}
	report := d.Audit
	s := report.Summary
	attrs = append(attrs,
		slog.Int("integrations", s.Total),
		slog.Int("audited", s.Audited),
		slog.Int("failed", s.Failed),
		slog.Int("unreached", s.Unreached),
		slog.Int("without_certificate", s.WithoutCertificate),
		slog.Int("expiring", s.Expiring),
		slog.Int("disabled", s.Disabled))
	if s.DaysLeft != nil {
		attrs = append(attrs, slog.Int("days_left", *s.DaysLeft))
	}
	if report.Next != "" {
		attrs = append(attrs, slog.String("next", report.Next))
	}
	l.Logger.LogAttrs(ctx, slog.LevelInfo, "audit finished", attrs...)
}

// addAudit adds what an audit found.
func (m *invocationMetrics) addAudit(d *delivery.Delivery) {
	m.Counts[MetricAuditsFailed] = 0
	if d.Failure != nil {
		m.Counts[MetricAuditsFailed] = 1
		return
	}
	s := d.Audit.Summary
	m.Counts[MetricAuditedIntegrations] = s.Audited
	m.Counts[MetricFailedIntegrations] = s.Failed
	m.Counts[MetricUnreachedIntegrations] = s.Unreached
	m.Counts[MetricIntegrationsWithoutCertificate] = s.WithoutCertificate
	m.Counts[MetricDisabledIntegrations] = s.Disabled
	m.Counts[MetricExpiringIntegrations] = s.Expiring
	if s.DaysLeft != nil {
		m.Counts[MetricCertificateDaysLeft] = *s.DaysLeft
	}
}
