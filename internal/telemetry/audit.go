package telemetry

import (
	"context"
	"log/slog"

	"sendgrid-sso-integration/internal/audit"
	"sendgrid-sso-integration/internal/delivery"
)

// The metrics of audits. Whoever starts one reports AuditsCompleted, 1 if every connection is audited or has a
// message in the queue, and the teammates are audited where they are switched on, else 0; and UnknownOutcomes. The
// others are reported for each connection, and CertificateDaysLeft only for one that is enabled and has a
// certificate. Those of findings are reported by both, so that alarms get zeros from an account without connections,
// too.
const (
	MetricAuditsCompleted     = "AuditsCompleted"
	MetricAuditedIntegrations = "AuditedIntegrations"
	MetricFailedIntegrations  = "FailedIntegrations"
	MetricCertificateDaysLeft = "CertificateDaysLeft"
	// MetricFindings counts the findings that mean that what was declared is not true, or not kept so.
	MetricFindings = "Findings"
	// MetricCertificateFindings counts those that keep people from logging in to an enabled integration, or
	// soon will.
	MetricCertificateFindings = "CertificateFindings"
)

// logAudit writes the one line of an audit, or of that of one connection.
func (l Log) logAudit(ctx context.Context, d *delivery.Delivery) {
	attrs := appendIDs([]slog.Attr{
		slog.String("trigger", d.Trigger),
		slog.Int64("duration_ms", d.Duration.Milliseconds()),
		slog.Int("upstream_calls", len(d.Effort.Calls())),
		slog.Bool("cold_start", d.ColdStart),
	}, d)
	if d.Task != nil {
		attrs = append(attrs, slog.String("entity_id", d.Task.EntityID))
	}
	switch {
	case d.Failure != nil:
		// The outcome is that of a failed request, so that one search finds both.
		l.Logger.LogAttrs(ctx, slog.LevelError, "audit "+string(d.Outcome()), append(attrs,
			slog.String("outcome", string(d.Outcome())),
			slog.String("code", string(d.Failure.Code)),
			slog.String("error", d.Failure.Error()))...)
	case d.Audit != nil:
		l.Logger.LogAttrs(ctx, slog.LevelInfo, "audit started", append(append(attrs,
			slog.Int("connections", d.Audit.Total),
			slog.Int("queued", d.Audit.Queued),
			slog.Int("audited", len(d.Audit.Connections)+d.Audit.Omitted-d.Audit.Failed),
			slog.Int("failed", d.Audit.Failed),
			slog.Int("unreached", d.Audit.Unreached),
			slog.Int("unknown_outcomes", d.Audit.UnknownOutcomes)), teammatesOf(d.Audit)...)...)
	case d.Connection != nil:
		l.Logger.LogAttrs(ctx, slog.LevelInfo, "connection audited", append(attrs, foundBy(d.Connection)...)...)
	default:
		l.Logger.LogAttrs(ctx, slog.LevelInfo, "connection audited before", attrs...)
	}
}

// teammatesOf returns how the audit of the teammates went, without their names.
func teammatesOf(r *audit.Report) []slog.Attr {
	switch {
	case r.Teammates == nil:
		return nil
	case r.Teammates.Failure != "":
		return []slog.Attr{slog.String("teammates_failure", r.Teammates.Failure)}
	}
	codes := []string{}
	for _, f := range r.Findings {
		if f.Email != "" {
			codes = append(codes, string(f.Code))
		}
	}
	return []slog.Attr{slog.Int("teammates", r.Teammates.Total), slog.Any("teammate_findings", codes)}
}

func foundBy(c *audit.Connection) []slog.Attr {
	codes := []string{}
	for _, f := range c.Findings {
		codes = append(codes, string(f.Code))
	}
	attrs := []slog.Attr{slog.String("state", string(c.State)), slog.Any("findings", codes)}
	if c.DaysLeft != nil {
		attrs = append(attrs, slog.Int("days_left", *c.DaysLeft))
	}
	if c.By != "" {
		attrs = append(attrs, slog.String("caller", c.By))
	}
	if len(c.Changes) > 0 {
		attrs = append(attrs, slog.Any("changes", c.Changes))
	}
	if c.Deleted != "" {
		attrs = append(attrs, slog.String("deleted", c.Deleted))
	}
	return attrs
}

// addAudit adds what an audit found.
func (m *invocationMetrics) addAudit(d *delivery.Delivery) {
	if d.IsAudit {
		m.addStart(d)
	}
	if d.Connection != nil {
		m.addConnection(d.Connection)
	}
}

func (m *invocationMetrics) addStart(d *delivery.Delivery) {
	m.Counts[MetricAuditsCompleted] = 0
	if d.Failure != nil {
		return
	}
	teammates := d.Audit.Teammates
	if d.Audit.Unreached == 0 && (teammates == nil || teammates.Failure == "") {
		m.Counts[MetricAuditsCompleted] = 1
	}
	m.Counts[MetricUnknownOutcomes] = d.Audit.UnknownOutcomes
	m.Counts[MetricFindings], m.Counts[MetricCertificateFindings] = 0, 0
	for _, f := range d.Audit.Findings {
		if f.Email != "" && f.Alarms() {
			m.Counts[MetricFindings]++
		}
	}
	for _, c := range d.Audit.Connections {
		m.addConnection(&c)
	}
}

func (m *invocationMetrics) addConnection(c *audit.Connection) {
	count := func(name string, counts bool) {
		n := 0
		if counts {
			n = 1
		}
		m.Counts[name] += n
	}
	failed := c.Has(audit.CertificatesUnknown)
	count(MetricAuditedIntegrations, !failed)
	count(MetricFailedIntegrations, failed)
	count(MetricFindings, false)
	for _, f := range c.Findings {
		count(MetricFindings, f.Alarms())
	}
	if !failed { // Else nobody knows whether it is enabled, and a zero would end the alarm.
		count(MetricCertificateFindings, false)
		for _, f := range c.Findings {
			count(MetricCertificateFindings, c.Enabled && f.EndsLogin())
		}
	}
	if least, reported := m.Counts[MetricCertificateDaysLeft]; c.Enabled && c.DaysLeft != nil && (!reported || *c.DaysLeft < least) {
		m.Counts[MetricCertificateDaysLeft] = *c.DaysLeft
	}
}
