package main_test

import (
	"encoding/json"
	"regexp"
	"testing"

	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v3"

	"sendgrid-sso-integration/internal/connector"
)

// block returns the only block of code in a language on a page.
func block(t *testing.T, page, language string) []byte {
	t.Helper()
	blocks := regexp.MustCompile("(?s)\n```"+language+"\n(.*?)\n```\n").FindAllSubmatch(read(t, "../../docs/"+page), -1)
	require.Len(t, blocks, 1, page)
	return blocks[0][1]
}

// The state machine for Entra is JSON, and acts on the results after which there are URLs.
func TestEntraTemplate(t *testing.T) {
	t.Parallel()
	var template map[string]any
	require.NoError(t, yaml.Unmarshal(block(t, "entra.md", "yaml"), &template))
	text, ok := at(template, "Resources", "StateMachine", "Properties", "DefinitionString").(string)
	require.True(t, ok)
	var definition map[string]any
	require.NoError(t, json.Unmarshal([]byte(text), &definition))
	states, ok := at(definition, "States").(map[string]any)
	require.True(t, ok)
	require.Contains(t, states, definition["StartAt"])

	// The expressions are paths into a result event.
	var event map[string]any
	readJSON(t, "../../events/results/created.json", &event)
	body := at(states, "PutURLs", "Arguments", "RequestBody")
	for _, uris := range []any{at(body, "identifierUris"), at(body, "web", "redirectUris")} {
		path := regexp.MustCompile(`^{% \$states\.input\.detail\.integration\.(\w+) %}$`).FindStringSubmatch(uris.([]any)[0].(string))
		require.Len(t, path, 2)
		require.NotEmpty(t, at(event, "detail", "integration", path[1]))
	}

	pattern := at(template, "Resources", "ResultRule", "Properties", "EventPattern")
	var types []string
	for _, detailType := range at(pattern, "detail-type").([]any) {
		types = append(types, detailType.(string))
	}
	require.ElementsMatch(t, connector.ResultTypes(), types)
}
