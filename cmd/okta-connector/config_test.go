package main

import (
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// EnvironmentNames returns the names of the variables that the function reads.
func EnvironmentNames() []string {
	names := map[string]bool{}
	_, _ = readConfig(func(name string) string {
		names[name] = true
		return ""
	})
	return slices.Sorted(maps.Keys(names))
}

// environment is the least that the function needs, with some variables changed.
func environment(changes map[string]string) func(string) string {
	env := map[string]string{
		"OKTA_ORG_URL": "https://example.okta.com/", "OKTA_CREDENTIAL_SECRET_ID": "okta/credential", "EVENT_BUS_NAME": "default",
	}
	maps.Copy(env, changes)
	return func(name string) string { return env[name] }
}

func TestConfig(t *testing.T) {
	t.Parallel()
	got, err := readConfig(environment(nil))
	require.NoError(t, err)
	want := config{
		orgURL: "https://example.okta.com", credentialSecretID: "okta/credential", eventBusName: "default",
		eventSource: "com.example.idp", eventDetailType: "IdP Application Created",
	}
	require.Equal(t, want, got)

	got, err = readConfig(environment(map[string]string{
		"OKTA_ORG_URL": "http://10.0.0.1:8080", "EVENT_SOURCE": "okta.sso", "EVENT_DETAIL_TYPE": "Application", "APPLICATION_NAME_PREFIX": "Twilio SendGrid",
	}))
	require.NoError(t, err)
	want.orgURL, want.eventSource, want.eventDetailType, want.namePrefix = "http://10.0.0.1:8080", "okta.sso", "Application", "Twilio SendGrid"
	require.Equal(t, want, got)
}

func TestConfigRefuses(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct{ variable, value, want string }{
		"no org":             {"OKTA_ORG_URL", "", "is required"},
		"no scheme":          {"OKTA_ORG_URL", "example.okta.com", "is required"},
		"http":               {"OKTA_ORG_URL", "http://example.okta.com", "must begin with https://"},
		"http, link local":   {"OKTA_ORG_URL", "http://169.254.169.254", "must begin with https://"},
		"a path":             {"OKTA_ORG_URL", "https://example.okta.com/oauth2/default", "address of the org alone"},
		"a user":             {"OKTA_ORG_URL", "https://user:S3CRET@example.okta.com", "address of the org alone"},
		"a query":            {"OKTA_ORG_URL", "https://example.okta.com?S3CRET", "address of the org alone"},
		"no secret":          {"OKTA_CREDENTIAL_SECRET_ID", "", "is required"},
		"the secret itself":  {"OKTA_CREDENTIAL_SECRET_ID", `{"api_token":"S3CRET"}`, "a name or an ARN"},
		"no bus":             {"EVENT_BUS_NAME", "", "is required"},
		"the results' own":   {"EVENT_SOURCE", "sendgrid.sso", "a source of your own"},
		"a source of AWS":    {"EVENT_SOURCE", "aws.events", "a source of your own"},
		"a long detail type": {"EVENT_DETAIL_TYPE", strings.Repeat("x", 129), "at most 128 bytes"},
		"a line break":       {"APPLICATION_NAME_PREFIX", "Send\nGrid", "no control characters"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := readConfig(environment(map[string]string{tt.variable: tt.value}))
			require.ErrorContains(t, err, "the configuration has 1 problem(s):\n"+tt.variable+" ")
			require.ErrorContains(t, err, tt.want)
			require.NotContains(t, err.Error(), "S3CRET")
			require.Zero(t, got)
		})
	}
	_, err := readConfig(func(string) string { return "" })
	require.ErrorContains(t, err, "the configuration has 3 problem(s):")
}
