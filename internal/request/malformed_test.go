package request_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"sendgrid-sso-integration/internal/problem"
	"sendgrid-sso-integration/internal/request"
)

// The message names the place and the likely cause of what people send in place of JSON.
func TestParseExplainsWhatIsNoJSON(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, json   string
		line, column int
		message      string
	}{
		{name: "curly quotes around a name", json: "{\u201cname\u201d: \u201cOkta\u201d}", line: 1, column: 2, message: "curly quotation mark"},
		{name: "a curly quote around a value", json: "{\"naïve\": \u201eOkta\u201c}", line: 1, column: 11, message: "curly quotation mark"},
		{name: "single quotes around a name", json: "{'name': 'Okta'}", line: 1, column: 2, message: "single quotation mark"},
		{name: "single quotes around a value", json: "{\n  \"name\": 'Okta'}", line: 2, column: 11, message: "single quotation mark"},
		{name: "a comma before a brace", json: "{\n\t\"name\": \"Okta\",\n}", line: 3, column: 1, message: "comma before a closing bracket"},
		{name: "a comma before a bracket", json: `{"name": ["Okta",]}`, line: 1, column: 18, message: "comma before a closing bracket"},
		{name: "two commas", json: `{"name": "Okta",,"enabled":true}`, line: 1, column: 17, message: "two commas"},
		{name: "a comment with slashes", json: "{\r\n// the name\r\n\"name\": \"Okta\"}", line: 2, column: 1, message: "comment"},
		{name: "a comment after a value", json: "{\"name\": \"Okta\", # the name\n\"enabled\": true}", line: 1, column: 18, message: "comment"},
		{name: "a comment between brackets", json: `{"name": /* */ "Okta"}`, line: 1, column: 10, message: "comment"},
		{name: "a comment at the start", json: "# request\n{}", line: 1, column: 1, message: "comment"},
		{name: "YAML", json: "name: Okta\nenabled: true\n", line: 1, column: 1, message: "YAML"},
		{name: "YAML with a document start", json: "---\nname: Okta", line: 1, column: 1, message: "YAML"},
		{name: "a form", json: "signin_url=https%3A%2F%2Fexample.com", line: 1, column: 1, message: "form"},
		{name: "a line break in a string", json: "{\"name\": \"Okta\nprod\"}", line: 1, column: 15, message: "raw line break"},
		{name: "a carriage return in a string", json: "{\"name\": \"Okta\r\nprod\"}", line: 1, column: 15, message: "raw line break"},
		{name: "a tab in a string", json: "{\"name\": \"Okta\tprod\"}", line: 1, column: 15, message: "raw tab"},
		{name: "NUL in a string", json: "{\"name\": \"\x00\"}", line: 1, column: 11, message: "raw control character"},
		{name: "a Windows path", json: `{"name": "C:\idp"}`, line: 1, column: 14, message: `as \\`},
		{name: "a broken escape", json: `{"name": "\u12g4"}`, line: 1, column: 15, message: `as \\`},
		{name: "Python's True", json: `{"enabled": True}`, line: 1, column: 13, message: "True, which JSON writes as true"},
		{name: "Python's None", json: `{"enabled": None}`, line: 1, column: 13, message: "None, which JSON writes as null"},
		{name: "Ruby's nil", json: `{"enabled": nil}`, line: 1, column: 13, message: "nil, which JSON writes as null"},
		{name: "JavaScript's undefined", json: `{"enabled": undefined}`, line: 1, column: 13, message: "undefined, which JSON writes as null"},
		{name: "YAML's yes", json: `{"enabled": yes}`, line: 1, column: 13, message: "yes, which JSON writes as true"},
		{name: "a text without quotes", json: `{"name": Okta}`, line: 1, column: 10, message: "a text is without quotation marks"},
		{name: "a text like a literal", json: `{"name": trust}`, line: 1, column: 10, message: "a text is without quotation marks"},
		{name: "a name without quotes", json: `{name: "Okta"}`, line: 1, column: 2, message: "a name is without quotation marks"},
		{name: "a quote in a string", json: `{"name": "Okta "prod" EU", "enabled": true}`, line: 1, column: 17, message: `as \"`},
		{name: "a string in quotes twice", json: `{"name": ""Okta""}`, line: 1, column: 12, message: `as \"`},
		{name: "two quotes after a value", json: `{"name": "5" pipe"}`, line: 1, column: 14, message: `as \"`},
		{name: "no comma", json: `{"name": "Okta" "enabled": true}`, line: 1, column: 17, message: "a comma is missing"},
		{name: "no comma and no space", json: `{"name": "Okta""enabled": true}`, line: 1, column: 16, message: "a comma is missing"},
		{name: "no colon", json: `{"name" "Okta"}`, line: 1, column: 9, message: "a colon is missing"},
		{name: "an equals sign", json: `{"name" = "Okta"}`, line: 1, column: 9, message: "a colon is missing"},
		{name: "a name alone", json: `{"name", "enabled": true}`, line: 1, column: 8, message: "a name has no value"},
		{name: "no value", json: `{"enabled": , "name": "Okta"}`, line: 1, column: 13, message: "a value is missing"},
		{name: "cut off in a string", json: "{\"name\":\n \"Ok", line: 2, column: 5, message: "in the middle of a string"},
		{name: "cut off after an escape", json: `{"name": "\`, line: 1, column: 12, message: "in the middle of a string"},
		{name: "cut off between fields", json: `{"name": "Okta",`, line: 1, column: 17, message: "cut off"},
		{name: "cut off in a literal", json: `{"enabled": tru`, line: 1, column: 16, message: "cut off"},
		{name: "two objects", json: `{"name": "Okta"} {"name": "Okta"}`, line: 1, column: 18, message: "another object follows"},
		{name: "objects with a comma between", json: `{"name": "Okta"}, {"name": "Okta"}`, line: 1, column: 17, message: "another object follows"},
		{name: "a brace too many", json: `{"name": "Okta"}}`, line: 1, column: 17, message: "closing bracket too many"},
		{name: "text after it", json: `{"name": "Okta"} thanks`, line: 1, column: 18, message: "something follows"},
		{name: "escaped twice", json: `{\"name\": \"Okta\"}`, line: 1, column: 2, message: "escaped once too often"},
		{name: "escaped for HTML", json: `{&quot;name&quot;: 1}`, line: 1, column: 2, message: "escaped once too often"},
		{name: "a template that was not filled in", json: `{{request}}`, line: 1, column: 2, message: "placeholder"},
		{name: "text before it", json: "Hello, {\"name\": 1}", line: 1, column: 1, message: "does not begin as JSON does"},
		{name: "NUL", json: "\x00", line: 1, column: 1, message: "does not begin as JSON does"},
		{name: "a number with a zero before it", json: `{"name": 01}`, line: 1, column: 11, message: "JSON does not have there"},
		{name: "too deep", json: `{"name":` + strings.Repeat("[", 20_000) + strings.Repeat("]", 20_000) + "}", line: 1, column: 10_008, message: "nested too deeply"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			_, err := request.Parse([]byte(tt.json), time.Now())
			e := requireCode(t, problem.InvalidJSON, err)
			require.Contains(t, e.Message, fmt.Sprintf("in line %d, column %d: ", tt.line, tt.column))
			require.Contains(t, e.Message, tt.message)
			require.Empty(t, e.Fields)
		})
	}
}
