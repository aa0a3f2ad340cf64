package main_test

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v3"

	main "sendgrid-sso-integration/cmd/sso-integration"
	"sendgrid-sso-integration/internal/problem"
	"sendgrid-sso-integration/internal/protocol"
	"sendgrid-sso-integration/internal/provision"
	"sendgrid-sso-integration/internal/request"
	"sendgrid-sso-integration/sendgrid"
)

// TestEveryCodeIsDocumented checks all contracts that list the codes against the one table.
func TestEveryCodeIsDocumented(t *testing.T) {
	t.Parallel()
	reference, operations := string(read(t, "../../docs/reference.md")), string(read(t, "../../docs/operations.md"))
	recipe := string(read(t, "../../docs/step-functions.md"))
	var codes, rejected, failed []any
	for _, code := range problem.Codes() {
		retryable := (&problem.Error{Code: code}).Retryable()
		codes = append(codes, string(code))
		if retryable {
			failed = append(failed, string(code))
			require.Positive(t, strings.Count(recipe, `"`+string(code)+`"`), "the Step Functions recipe retries %s", code)
		} else {
			rejected = append(rejected, string(code))
		}
		row := fmt.Sprintf("\n| `%s` | %d | %s | ", code, code.Status(), map[bool]string{true: "yes", false: "no"}[retryable])
		require.Equal(t, 1, strings.Count(reference, row), "docs/reference.md has the row %q", row)
		_, deadLetters, _ := strings.Cut(operations, "## Dead letters\n")
		if !slices.Contains([]problem.Code{problem.Unauthenticated, problem.MethodNotAllowed, problem.UnsupportedMediaType, problem.Forbidden}, code) {
			require.Contains(t, deadLetters, "`"+string(code)+"`", "docs/operations.md says what to do with a dead letter")
		}
	}

	var openAPI map[string]any
	require.NoError(t, yaml.Unmarshal(read(t, "../../openapi.yaml"), &openAPI))
	require.ElementsMatch(t, codes, at(openAPI, "components", "schemas", "Code", "enum"), "openapi.yaml")

	var schema map[string]any
	readJSON(t, "../../events/results/schema.json", &schema)
	var inSchema []any
	walk(at(schema, "$defs", "error", "properties", "code"), func(o map[string]any) {
		if group, ok := o["enum"].([]any); ok {
			inSchema = append(inSchema, group...)
		}
	})
	require.ElementsMatch(t, codes, inSchema, "events/results/schema.json")

	dashboard, ok := at(rootTemplate(t), "Resources", "Dashboard", "Properties", "DashboardBody").([]any)
	require.True(t, ok)
	quoted := func(name string) (codes []any) {
		for _, match := range regexp.MustCompile(`"(\w+)\\"`).FindAllStringSubmatch(fmt.Sprint(at(dashboard[1], name)), -1) {
			codes = append(codes, match[1])
		}
		return codes
	}
	require.ElementsMatch(t, rejected, quoted("RejectedCodes"), "RejectedCodes in template.yaml")
	require.ElementsMatch(t, failed, quoted("FailedCodes"), "FailedCodes in template.yaml")
}

// TestTablesAreComplete compares the tables of the documentation with the code, in both
// directions: the names in the first column of a table's rows, and what exists.
func TestTablesAreComplete(t *testing.T) {
	t.Parallel()
	tpl := rootTemplate(t)
	fields, _ := request.FieldNames()
	var outcomes, detailTypes, alarms []string
	for _, outcome := range protocol.Outcomes() {
		outcomes = append(outcomes, string(outcome))
		if outcome == protocol.OutcomePlanned { // What nothing came of is not published.
			continue
		}
		detailTypes = append(detailTypes, "SSO Integration "+strings.ToUpper(string(outcome[:1]))+string(outcome[1:]))
	}
	for _, id := range keys(at(tpl, "Resources")) {
		if at(tpl, "Resources", id, "Type") == "AWS::CloudWatch::Alarm" {
			alarms = append(alarms, id)
		}
	}
	var scopes []string
	for _, op := range sendgrid.Ops() {
		if !slices.Contains(scopes, op.Scope()) {
			scopes = append(scopes, op.Scope())
		}
	}
	warnings := []string{
		string(provision.NoCertificate), string(provision.CertificateExpiresSoon),
		string(provision.IntegrationDisabled), string(provision.IntegrationIncomplete),
	}
	for name, tt := range map[string]struct {
		file, heading string
		want          []string
	}{
		"fields of a request": {"reference", "| field | rule |", fields},
		"outcomes":            {"reference", "| `outcome` | HTTP | means |", outcomes},
		"warnings":            {"reference", "| warning | means |", warnings},
		"result events":       {"reference", "| detail type | means |", append(detailTypes, "SSO Certificate Expiring")},
		"variables":           {"reference", "| variable | parameter | meaning | default |", main.EnvironmentNames()},
		"scopes":              {"reference", "| scope | for |", scopes},
		"parameters":          {"reference", "| parameter | default | meaning |", keys(at(tpl, "Parameters"))},
		"outputs":             {"reference", "| output | what it is |", keys(at(tpl, "Outputs"))},
		"alarms":              {"operations", "| alarm | what it means | what to do |", alarms},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			require.ElementsMatch(t, tt.want, firstColumn(t, string(read(t, "../../docs/"+tt.file+".md")), tt.heading))
		})
	}
}

// firstColumn returns the names in the first column of the table with this heading.
func firstColumn(t *testing.T, page, heading string) (names []string) {
	t.Helper()
	_, table, found := strings.Cut(page, "\n"+heading+"\n")
	require.True(t, found, "the page has the table %s", heading)
	table, _, _ = strings.Cut(table, "\n\n")
	for row := range strings.Lines(table) {
		cell, _, _ := strings.Cut(strings.TrimPrefix(row, "|"), "|")
		for _, name := range regexp.MustCompile("`([^`]+)`").FindAllStringSubmatch(cell, -1) {
			names = append(names, name[1])
		}
	}
	return names
}

// TestTheVersionIsOne checks that everything that states the version states that of VERSION.
func TestTheVersionIsOne(t *testing.T) {
	t.Parallel()
	version := strings.TrimSpace(string(read(t, "../../VERSION")))
	require.Regexp(t, `^\d+\.\d+\.\d+$`, version)
	require.Contains(t, string(read(t, "../../Makefile")), "VERSION ?= $(shell cat VERSION)\n")
	require.Contains(t, string(read(t, "../../CHANGELOG.md")), "\n## ["+version+"] - ")
	require.Equal(t, version, at(rootTemplate(t), "Metadata", "AWS::ServerlessRepo::Application", "SemanticVersion"))
	for file, id := range map[string]string{templateFile: "SSOIntegrationFunction", "../../okta-connector/template.yaml": "OktaConnectorFunction"} {
		tpl := parseTemplate(t, string(read(t, file)), nil)
		require.Contains(t, at(tpl.value, "Resources", id, "Properties", "Description"), " "+version+" - ", file)
	}
	for _, zip := range regexp.MustCompile(`_(\d+\.\d+\.\d+)_linux`).FindAllStringSubmatch(string(read(t, "../../docs/terraform.md")), -1) {
		require.Equal(t, version, zip[1], "docs/terraform.md")
	}
}

func TestEveryRouteIsDocumented(t *testing.T) {
	t.Parallel()
	var openAPI struct{ Paths map[string]map[string]any }
	require.NoError(t, yaml.Unmarshal(read(t, "../../openapi.yaml"), &openAPI))
	var documented, routes []string
	for path, methods := range openAPI.Paths {
		for method := range methods {
			documented = append(documented, strings.ToUpper(method)+" "+path)
		}
	}
	walk(rootTemplate(t), func(o map[string]any) {
		if o["Type"] == "HttpApi" {
			routes = append(routes, fmt.Sprint(at(o, "Properties", "Method"), " ", at(o, "Properties", "Path")))
		}
	})
	require.ElementsMatch(t, documented, routes)
}

func rootTemplate(t *testing.T) map[string]any {
	t.Helper()
	return parseTemplate(t, string(read(t, templateFile)), nil).value
}


func codeNames() (names []string) {
	for _, code := range problem.Codes() {
		names = append(names, string(code))
	}
	return names
}
