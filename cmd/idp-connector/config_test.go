package main

import (
	"fmt"
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
		okta: &oktaConfig{orgURL: "https://example.okta.com", credentialSecretID: "okta/credential"}, eventBusName: "default",
		eventSource: "com.example.idp", eventDetailType: "IdP Application Created",
		sendGridRoots: []string{"https://api.sendgrid.com", "https://api.eu.sendgrid.com"},
	}
	require.Equal(t, want, got)

	got, err = readConfig(environment(map[string]string{
		"OKTA_ORG_URL": "http://10.0.0.1:8080", "EVENT_SOURCE": "okta.sso", "EVENT_DETAIL_TYPE": "Application", "APPLICATION_NAME_PREFIX": "Twilio SendGrid",
	}))
	require.NoError(t, err)
	want.okta.orgURL, want.okta.namePrefix = "http://10.0.0.1:8080", "Twilio SendGrid"
	want.eventSource, want.eventDetailType = "okta.sso", "Application"
	require.Equal(t, want, got)

	for teammates, persona := range map[string]string{"false": "", "true": "observer"} {
		got, err = readConfig(environment(map[string]string{"TEAMMATES": teammates}))
		require.NoError(t, err)
		require.Equal(t, persona, got.okta.persona)
	}
	got, err = readConfig(environment(map[string]string{"TEAMMATES": "true", "TEAMMATE_PERSONA": "developer"}))
	require.NoError(t, err)
	require.Equal(t, "developer", got.okta.persona)

	// Only in Okta's own domains an address with this ending is that of the Admin Console.
	for _, org := range []string{"https://sso-admin.example.com", "https://admin.okta.com", "https://example.admin.okta.com"} {
		got, err = readConfig(environment(map[string]string{"OKTA_ORG_URL": org}))
		require.NoError(t, err, org)
		require.Equal(t, org, got.okta.orgURL)
	}

	for _, simulator := range []string{"http://127.0.0.1:8089", "http://localhost:8089/", "https://host.docker.internal", "http://[::1]:80"} {
		got, err = readConfig(environment(map[string]string{"SENDGRID_BASE_URL": simulator}))
		require.NoError(t, err)
		require.Equal(t, []string{strings.TrimSuffix(simulator, "/")}, got.sendGridRoots, "a simulator's URLs, and no others, get into its application")
	}
}

func TestConfigRefuses(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct{ variable, value, want string }{
		"no provider":               {"OKTA_ORG_URL", "", "or ENTRA_TENANT_ID is required: at least one identity provider has to be on"},
		"no scheme":                 {"OKTA_ORG_URL", "example.okta.com", "must be the absolute URL"},
		"http":                      {"OKTA_ORG_URL", "http://example.okta.com", "must begin with https://"},
		"http, link local":          {"OKTA_ORG_URL", "http://169.254.169.254", "must begin with https://"},
		"a path":                    {"OKTA_ORG_URL", "https://example.okta.com/oauth2/default", "address of the org alone"},
		"a user":                    {"OKTA_ORG_URL", "https://user:S3CRET@example.okta.com", "address of the org alone"},
		"a query":                   {"OKTA_ORG_URL", "https://example.okta.com?S3CRET", "address of the org alone"},
		"admin console":             {"OKTA_ORG_URL", "https://example-admin.okta.com", "is that of the Admin Console; the org itself is at https://example.okta.com"},
		"admin console, preview":    {"OKTA_ORG_URL", "https://Example-Admin.oktapreview.com/", "the org itself is at https://example.oktapreview.com"},
		"admin console, EMEA":       {"OKTA_ORG_URL", "https://my-org-admin.okta-emea.com", "the org itself is at https://my-org.okta-emea.com"},
		"admin console, government": {"OKTA_ORG_URL", "https://example-admin.okta-gov.com", "the org itself is at https://example.okta-gov.com"},
		"admin console, a port":     {"OKTA_ORG_URL", "https://example-admin.okta.com:443", "the org itself is at https://example.okta.com"},
		"no secret":                 {"OKTA_CREDENTIAL_SECRET_ID", "", "is required"},
		"the secret itself":         {"OKTA_CREDENTIAL_SECRET_ID", `{"api_token":"S3CRET"}`, "a name or an ARN"},
		"no bus":                    {"EVENT_BUS_NAME", "", "is required"},
		"the results' own":          {"EVENT_SOURCE", "sendgrid.sso", "a source of your own"},
		"a source of AWS":           {"EVENT_SOURCE", "aws.events", "a source of your own"},
		"a long detail type":        {"EVENT_DETAIL_TYPE", strings.Repeat("x", 129), "at most 128 bytes"},
		"SendGrid in the internet":  {"SENDGRID_BASE_URL", "https://example.com", "is for a simulator"},
		"SendGrid itself":           {"SENDGRID_BASE_URL", "https://api.sendgrid.com", "is for a simulator"},
		"SendGrid, link local":      {"SENDGRID_BASE_URL", "http://169.254.169.254", "is for a simulator"},
		"SendGrid without scheme":   {"SENDGRID_BASE_URL", "localhost:8089", "is for a simulator"},
		"SendGrid's scheme":         {"SENDGRID_BASE_URL", "ftp://localhost", "is for a simulator"},
		"SendGrid with a path":      {"SENDGRID_BASE_URL", "http://localhost/v3", "is for a simulator"},
		"SendGrid with a user":      {"SENDGRID_BASE_URL", "http://user:S3CRET@localhost", "is for a simulator"},
		"teammates by a word":       {"TEAMMATES", "S3CRET", "must be one of true, false"},
		"an administrator":          {"TEAMMATE_PERSONA", "admin", "must be one of accountant, developer, marketer, observer"},
		"a line break":              {"APPLICATION_NAME_PREFIX", "Send\nGrid", "no control characters"},
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
	require.ErrorContains(t, err, "the configuration has 2 problem(s):")
	_, err = readConfig(environment(map[string]string{"OKTA_CREDENTIAL_SECRET_ID": "", "ENTRA_TENANT_ID": "contoso.onmicrosoft.com", "EVENT_BUS_NAME": ""}))
	require.ErrorContains(t, err, "the configuration has 5 problem(s):", "of both providers at once")
}

const (
	tenantID = "7d2f4a10-3c5e-4b8a-9f61-0e8d5c2b7a34"
	entraApp = "1f0c6c0e-2b53-4c7d-9a86-6a1f5d9e3b20"
	clientID = "c1a2b3c4-0000-4000-8000-000000000001"
)

func entraEnvironment(changes map[string]string) func(string) string {
	env := map[string]string{
		"OKTA_ORG_URL": "", "OKTA_CREDENTIAL_SECRET_ID": "", "ENTRA_TENANT_ID": tenantID, "ENTRA_CLIENT_ID": clientID,
		"ENTRA_APPLICATION_IDS": entraApp,
	}
	maps.Copy(env, changes)
	return environment(env)
}

func TestConfigOfEntra(t *testing.T) {
	t.Parallel()
	got, err := readConfig(entraEnvironment(nil))
	require.NoError(t, err)
	require.Nil(t, got.okta)
	require.Equal(t, &entraConfig{
		tenantID: tenantID, clientID: clientID, applicationIDs: []string{entraApp},
		loginURL: "https://login.microsoftonline.com", graphURL: "https://graph.microsoft.com",
	}, got.entra)

	got, err = readConfig(entraEnvironment(map[string]string{
		"OKTA_ORG_URL": "https://example.okta.com", "OKTA_CREDENTIAL_SECRET_ID": "okta", "ENTRA_CREDENTIAL_SECRET_ID": "entra",
		"ENTRA_APPLICATION_IDS": "\n" + clientID + " , " + strings.ToUpper(entraApp) + "," + entraApp, "GRAPH_URL": "http://127.0.0.1:1/",
	}))
	require.NoError(t, err)
	require.NotNil(t, got.okta)
	require.Equal(t, []string{entraApp, clientID}, got.entra.applicationIDs)
	require.Equal(t, "http://127.0.0.1:1", got.entra.graphURL)

	for name, tt := range map[string]struct{ variable, value, want string }{
		"a tenant's domain":   {"ENTRA_TENANT_ID", "contoso.onmicrosoft.com", "a GUID"},
		"no client":           {"ENTRA_CLIENT_ID", "", "a GUID"},
		"no application":      {"ENTRA_APPLICATION_IDS", " ,", "is required"},
		"no GUID":             {"ENTRA_APPLICATION_IDS", entraApp + ",S3CRET", "a GUID"},
		"too many":            {"ENTRA_APPLICATION_IDS", manyApplications(), "at most 50"},
		"the secret itself":   {"ENTRA_CREDENTIAL_SECRET_ID", `{"client_secret":"S3CRET"}`, "a name or an ARN"},
		"http":                {"ENTRA_LOGIN_URL", "http://login.microsoftonline.com", "https://"},
		"http, link local":    {"GRAPH_URL", "http://169.254.169.254", "https://"},
		"Graph with its path": {"GRAPH_URL", "https://graph.microsoft.com/v1.0", "without a path"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := readConfig(entraEnvironment(map[string]string{tt.variable: tt.value}))
			require.ErrorContains(t, err, "the configuration has 1 problem(s):\n"+tt.variable+" ")
			require.ErrorContains(t, err, tt.want)
			require.NotContains(t, err.Error(), "S3CRET")
		})
	}
}

func manyApplications() string {
	var ids []string
	for i := range maxApplications + 1 {
		ids = append(ids, fmt.Sprintf("00000000-0000-4000-8000-%012d", i))
	}
	return strings.Join(ids, ",")
}
