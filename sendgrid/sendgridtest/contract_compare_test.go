package sendgridtest_test

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v3"
)

// openapiVariable names the file with SendGrid's own OpenAPI document of the SSO API:
// tsg_sso_v3.yaml of https://github.com/twilio/sendgrid-oas, which is no part of this
// repository. That of the scopes API, tsg_scopes_v3.yaml, is expected beside it.
const openapiVariable = "SENDGRID_OPENAPI"

// deviation matches what is not compared: operations that are not used, and those of teammates, which have
// documents of their own; 404, which is not
// documented, though there has to be some response to an unknown id; the rate limit of the scopes; integration_id,
// which responses have in the wild; and error fields that may be null, which the document marks in the words
// of OpenAPI 3.0.
var deviation = regexp.MustCompile(`/teammates|/subusers|/scopes/| /v3/scopes 429| 404( |$)| response.*\.integration_id$| response(\.errors)?\[\]\.field$`)

// The contract has the same statuses, parameters, fields and types as SendGrid's document.
func TestContractAgreesWithSendGrid(t *testing.T) {
	t.Parallel()
	path := os.Getenv(openapiVariable)
	if path == "" {
		t.Skip("set " + openapiVariable + " to the path of SendGrid's tsg_sso_v3.yaml to compare the contract with it")
	}
	ours, theirs := facts(t, contract), map[string]string{}
	for _, file := range []string{path, filepath.Join(filepath.Dir(path), "tsg_scopes_v3.yaml")} {
		document, err := os.ReadFile(file)
		require.NoError(t, err)
		maps.Copy(theirs, facts(t, document))
	}
	for _, each := range []map[string]string{ours, theirs} {
		maps.DeleteFunc(each, func(name, _ string) bool { return deviation.MatchString(name) })
	}
	require.Equal(t, theirs, ours)
	require.Greater(t, len(ours), 100)
}

// facts lists each status, parameter and field of an OpenAPI document with its type.
func facts(t *testing.T, document []byte) map[string]string {
	t.Helper()
	var root map[string]any
	require.NoError(t, yaml.Unmarshal(document, &root))
	found := map[string]string{}
	d := openapi{root: root, facts: found}
	for path, item := range d.at(root, "paths") {
		for method, operation := range item.(map[string]any) {
			if method == "parameters" {
				continue
			}
			d.operation(strings.ToUpper(method)+" "+path, operation.(map[string]any))
		}
	}
	return found
}

// openapi is a document that is being read.
type openapi struct {
	root  map[string]any
	facts map[string]string
}

func (d openapi) operation(name string, operation map[string]any) {
	parameters, _ := operation["parameters"].([]any)
	for _, each := range parameters {
		parameter := d.resolve(each)
		d.schema(fmt.Sprintf("%s %v %v", name, parameter["in"], parameter["name"]), parameter, false)
	}
	if body := d.at(operation, "requestBody"); body != nil {
		d.schema(name+" request", d.at(body, "content", "application/json"), false)
	}
	for status, response := range d.at(operation, "responses") {
		d.facts[name+" "+status] = "documented"
		if content := d.at(d.resolve(response), "content", "application/json"); content != nil {
			d.schema(name+" "+status+" response", content, false)
		}
	}
}

// schema lists the type of a value and of its members, and whether they are required.
func (d openapi) schema(name string, holder map[string]any, required bool) {
	schema := d.at(holder, "schema")
	d.facts[name] = fmt.Sprintf("%v, required %t", schema["type"], required)
	needed, _ := schema["required"].([]any)
	for field, each := range d.at(schema, "properties") {
		d.schema(name+"."+field, map[string]any{"schema": each}, slices.Contains(needed, any(field)))
	}
	if items := d.at(schema, "items"); items != nil {
		d.schema(name+"[]", map[string]any{"schema": items}, false)
	}
}

func (d openapi) at(value map[string]any, path ...string) map[string]any {
	for _, step := range path {
		value = d.resolve(value[step])
	}
	return value
}

// resolve follows a reference.
func (d openapi) resolve(value any) map[string]any {
	object, _ := value.(map[string]any)
	reference, ok := object["$ref"].(string)
	if !ok {
		return object
	}
	return d.at(d.root, strings.Split(strings.TrimPrefix(reference, "#/"), "/")...)
}
