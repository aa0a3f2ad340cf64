package main_test

import (
	"fmt"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v3"

	"sendgrid-sso-integration/internal/problem"
)

// TestEveryCodeIsDocumented checks all contracts that list the codes against the one table.
func TestEveryCodeIsDocumented(t *testing.T) {
	t.Parallel()
	readme := string(read(t, "../../README.md"))
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
		require.Equal(t, 1, strings.Count(readme, row), "the README has the row %q", row)
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

	tpl := parseTemplate(t, string(read(t, templateFile)), nil)
	dashboard, ok := at(tpl.value, "Resources", "Dashboard", "Properties", "DashboardBody").([]any)
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
	walk(parseTemplate(t, string(read(t, templateFile)), nil).value, func(o map[string]any) {
		if o["Type"] == "HttpApi" {
			routes = append(routes, fmt.Sprint(at(o, "Properties", "Method"), " ", at(o, "Properties", "Path")))
		}
	})
	require.ElementsMatch(t, documented, routes)
}
