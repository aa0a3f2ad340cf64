package telemetry

import (
	"context"
	"log/slog"

	"sendgrid-sso-integration/internal/audit"
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

// LogAudit writes the one line of an audit. The report is nil if the audit failed; then the
// delivery has the failure.
func LogAudit(ctx context.Context, logger *slog.Logger, d *delivery.Delivery, report *audit.Report) {
	attrs := appendIDs([]slog.Attr{
		slog.String("trigger", d.Trigger),
		slog.Int64("duration_ms", d.Duration.Milliseconds()),
		slog.Int("upstream_calls", len(d.Calls)),
		slog.Bool("cold_start", d.ColdStart),
	}, d)
	if d.Failure != nil {
		// The outcome is that of a failed request, so that one search finds both.
		logger.LogAttrs(ctx, slog.LevelError, "audit "+string(d.Outcome()), append(attrs,
			slog.String("outcome", string(d.Outcome())),
			slog.String("code", string(d.Failure.Code)),
			slog.String("error", d.Failure.Error()))...)
		return
	}
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
	logger.LogAttrs(ctx, slog.LevelInfo, "audit finished", attrs...)
}

// WriteAudit writes the metrics of an invocation that is an audit. The report is nil if it
// failed. On nil it does nothing.
func (m *Metrics) WriteAudit(d *delivery.Delivery, report *audit.Report) {
	if m == nil {
		return
	}
	of := startMetrics(d)
	of.addEffort(d)
	of.counts[MetricAuditsFailed] = 0
	if d.Failure != nil {
		of.counts[MetricAuditsFailed] = 1
	} else {
		s := report.Summary
		of.counts[MetricAuditedIntegrations] = s.Audited
		of.counts[MetricFailedIntegrations] = s.Failed
		of.counts[MetricUnreachedIntegrations] = s.Unreached
		of.counts[MetricIntegrationsWithoutCertificate] = s.WithoutCertificate
		of.counts[MetricDisabledIntegrations] = s.Disabled
		of.counts[MetricExpiringIntegrations] = s.Expiring
		if s.DaysLeft != nil {
			of.counts[MetricCertificateDaysLeft] = *s.DaysLeft
		}
	}
	m.write(of)
}
