package main

import (
	"encoding/json"
	"log/slog"
	"os"
	"regexp"
	"testing"

	"github.com/stretchr/testify/require"

	"sendgrid-sso-integration/sendgrid"
)

// The recipes of docs/teammates.md do what the page says, one after the other and by the function itself.
func TestRecipesOfTeammates(t *testing.T) {
	atRoot(t)
	page, err := os.ReadFile("docs/teammates.md")
	require.NoError(t, err)
	secret, err := sampleSecret()
	require.NoError(t, err)
	sim, err := simulated(t.Context(), newSimulator, bundledMetadata{newFetcher()}, secret, slog.New(logTo(&output{}, false)))
	require.NoError(t, err)
	person := func(email string) *sendgrid.Teammate {
		for _, each := range sim.sendGrid.Teammates() {
			if each.Email == email {
				return &each
			}
		}
		return nil
	}
	recipes := regexp.MustCompile("(?s)```json\n(.*?)```").FindAllSubmatch(page, -1)
	steps := []struct {
		outcome string
		then    func()
	}{
		{"created", func() { require.NotEmpty(t, sim.sendGrid.Certificates(lastIntegration(sim))) }},
		{"created", func() { require.True(t, person("ada@example.com").IsAdmin) }},
		{"created", func() {
			require.True(t, person("grace@example.com").HasRestrictedSubuserAccess)
			require.Equal(t, "acme-emea", person("grace@example.com").SubuserAccess[0].Username)
		}},
		{"updated", func() {
			require.False(t, person("grace@example.com").HasRestrictedSubuserAccess)
			require.Contains(t, person("grace@example.com").Scopes, "api_keys.read")
		}},
		{"deleted", func() { require.Nil(t, person("grace@example.com")) }},
	}
	require.Len(t, recipes, len(steps))
	for i, step := range steps {
		var result struct{ Outcome string }
		a := invoke(t.Context(), sim.handler, recipes[i][1])
		require.NoError(t, a.err)
		require.NoError(t, json.Unmarshal(a.data, &result))
		require.Equal(t, step.outcome, result.Outcome, "%s", recipes[i][1])
		step.then()
	}
}

// lastIntegration returns the id of the integration that was created last.
func lastIntegration(sim *simulation) string {
	all := sim.sendGrid.Integrations()
	return all[len(all)-1].ID
}
