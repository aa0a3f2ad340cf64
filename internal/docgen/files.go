package main

import (
	"fmt"
	"slices"
	"time"

	"sendgrid-sso-integration/internal/audit"
	"sendgrid-sso-integration/internal/connector"
	"sendgrid-sso-integration/internal/invocation"
	"sendgrid-sso-integration/internal/problem"
	"sendgrid-sso-integration/internal/protocol"
	"sendgrid-sso-integration/internal/provision"
	"sendgrid-sso-integration/internal/publish"
	"sendgrid-sso-integration/internal/refusal"
	"sendgrid-sso-integration/internal/request"
	"sendgrid-sso-integration/internal/status"
	"sendgrid-sso-integration/internal/telemetry"
	"sendgrid-sso-integration/sendgrid"
)

// files returns what rewrites each file.
func files() map[string]rewriter {
	fields, _ := request.FieldNames()
	return map[string]rewriter{
		"docs/architecture.md": sections(map[string]section{"parts": table(parts()), "times": table(times())}),
		"docs/reference.md": sections(map[string]section{
			"fields":   table(keyed(fields)),
			"teammate": table(keyed(request.TeammateFields())),
			"outcomes": table(keyed(protocol.Outcomes())),
			"warnings": table(keyed(provision.WarningCodes())),
			"codes":    table(codes()),
			"events":   table(keyed(publish.DetailTypes())),
			"scopes":   table(scopes()),
			"checks":   table(keyed(status.Names())),
		}),
		"docs/audit.md":           sections(map[string]section{"findings": table(findings())}),
		"docs/troubleshooting.md": sections(map[string]section{"refusals": table(keyed(refusal.Codes()))}),
		"docs/okta.md":            sections(map[string]section{"codes": table(keyed(connector.Codes()))}),
		"openapi.yaml": sections(map[string]section{
			"codes":    enum(6, problem.Codes()),
			"outcomes": enumLine(10, successes()),
			"warnings": enumLine(10, provision.WarningCodes()),
			"checks":   enum(10, status.Names()),
			"findings": enum(6, audit.Codes()),
		}),
		"dashboard.yaml": sections(map[string]section{"codes": codesOfDashboard}),
		"events/results/schema.json": schema(map[string]string{
			"outcome": join(published(), ", ", `"`),
			"code":    join(provision.WarningCodes(), ", ", `"`), // That of a warning; those of failures are in groups.
		}),
		"events/results/finding.schema.json": schema(map[string]string{"code": join(audit.Codes(), ", ", `"`)}),
	}
}

// codes are the rows of the codes of failures.
func codes() (rows [][]string) {
	for _, c := range problem.Codes() {
		helps := "no"
		if (&problem.Error{Code: c}).Retryable() {
			helps = "yes"
		}
		rows = append(rows, []string{code(c), fmt.Sprint(c.Status()), helps})
	}
	return rows
}

// findings are the rows of the findings of an audit, with the metric that counts them and has an alarm.
func findings() (rows [][]string) {
	for _, c := range audit.Codes() {
		counted := "none"
		switch f := (audit.Finding{Code: c}); {
		case f.Alarms():
			counted = code(telemetry.MetricFindings)
		case f.EndsLogin():
			counted = code(telemetry.MetricCertificateFindings)
		}
		rows = append(rows, []string{code(c), counted})
	}
	return rows
}

// scopes are the rows of the operations of the client, with the scope that each needs, and when the check of
// the status asks for that.
func scopes() (rows [][]string) {
	asks := func(scope string, u status.Uses) bool {
		return slices.ContainsFunc(status.Needs(u), func(n status.Need) bool { return n.Scope == scope })
	}
	for _, op := range sendgrid.Ops() {
		switch scope := op.Scope(); {
		case scope == "": // Every key may read its own scopes.
			rows = append(rows, []string{code(op), "none", "no"})
		case asks(scope, status.Uses{}):
			rows = append(rows, []string{code(op), code(scope), "always"})
		case asks(scope, status.Uses{Deletes: true}):
			rows = append(rows, []string{code(op), code(scope), "with `DELETE_AFTER`"})
		case asks(scope, status.Uses{Teammates: true}):
			rows = append(rows, []string{code(op), code(scope), "with `TEAMMATES`"})
		default:
			rows = append(rows, []string{code(op), code(scope), "no"})
		}
	}
	return rows
}

// published returns the outcomes that are published. That of a dry run is not.
func published() []protocol.Outcome {
	return slices.DeleteFunc(protocol.Outcomes(), func(o protocol.Outcome) bool { return o == protocol.OutcomePlanned })
}

// successes returns the outcomes of a request that did not fail.
func successes() []protocol.Outcome {
	return slices.DeleteFunc(protocol.Outcomes(), func(o protocol.Outcome) bool {
		return slices.Contains([]protocol.Outcome{protocol.OutcomeRejected, protocol.OutcomeFailed}, o)
	})
}

// parts are the rows of what is kept free at the end of an invocation.
func parts() (rows [][]string) {
	for _, part := range invocation.Parts() {
		rows = append(rows, []string{code(part.String()), duration(part.Length()), fmt.Sprintf("1/%d", part.Share())})
	}
	return rows
}

// times are the rows of the other lengths that the division of an invocation has.
func times() [][]string {
	return [][]string{
		{"`Timeout`", duration(invocation.Timeout)},
		{"`ConnectorTimeout`", duration(invocation.ConnectorTimeout)},
		{"`WithoutDeadline`", duration(invocation.WithoutDeadline)},
		{"`MinMessage`", duration(invocation.MinMessage)},
		{"`MinConnectorMessage`", duration(invocation.MinConnectorMessage)},
		{"`MinWrite`", duration(invocation.MinWrite)},
	}
}

// duration returns a length of time as people read it.
func duration(d time.Duration) string {
	if d%time.Second != 0 {
		return fmt.Sprintf("%d ms", d.Milliseconds())
	}
	return fmt.Sprintf("%d s", int(d.Seconds()))
}
