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
)

// The schema of a result has every code, in groups, and the recipe for Step Functions retries
// those with which a retry helps.
func TestCodesAreThoseOfTheContracts(t *testing.T) {
	t.Parallel()
	var schema map[string]any
	readJSON(t, "../../events/results/schema.json", &schema)
	var inSchema, codes []any
	walk(at(schema, "$defs", "error", "properties", "code"), func(o map[string]any) {
		if group, ok := o["enum"].([]any); ok {
			inSchema = append(inSchema, group...)
		}
	})
	recipe := string(read(t, "../../docs/step-functions.md"))
	for _, code := range problem.Codes() {
		codes = append(codes, string(code))
		if (&problem.Error{Code: code}).Retryable() {
			require.Contains(t, recipe, `"`+string(code)+`"`)
		}
	}
	require.ElementsMatch(t, codes, inSchema, "events/results/schema.json")
}

// TestTablesAreComplete compares the tables of the documentation with the template, the variables
// and the metrics, in both directions: the names in the first column of a table's rows, and what
// exists.
func TestTablesAreComplete(t *testing.T) {
	t.Parallel()
	tpl := rootTemplate(t)
	metrics := []string{string(problem.OutcomeUnknown)} // That is the code that the table names.
	for _, name := range reportedMetrics() {
		if !slices.Contains(problem.Codes(), problem.Code(name)) {
			metrics = append(metrics, name)
		}
	}
	for name, tt := range map[string]struct {
		file, heading string
		want          []string
	}{
		"variables":  {"reference", "| variable | parameter | meaning | default |", main.EnvironmentNames()},
		"parameters": {"reference", "| parameter | default | meaning |", keys(at(tpl, "Parameters"))},
		"outputs":    {"reference", "| output | what it is |", keys(at(tpl, "Outputs"))},
		"alarms":     {"operations", "| alarm | first command | then |", alarms(template{value: tpl})},
		"metrics":    {"operations", "| metric | is |", metrics},
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
	require.Contains(t, string(read(t, "../../CHANGELOG.md")), "\n## ["+version+"] - ")
	require.Equal(t, version, at(rootTemplate(t), "Metadata", "AWS::ServerlessRepo::Application", "SemanticVersion"))
	for file, id := range map[string]string{templateFile: "SSOIntegrationFunction", "../../idp-connector/template.yaml": "IdPConnectorFunction"} {
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
