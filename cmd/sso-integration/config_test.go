package main

import (
	"maps"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"sendgrid-sso-integration/internal/saml"
)

// environment is the least that the function needs, with some variables changed.
func environment(changes map[string]string) func(string) string {
	env := map[string]string{"SENDGRID_API_KEY_SECRET_ID": "sso/key"}
	maps.Copy(env, changes)
	return func(name string) string { return env[name] }
}

func TestConfigDefaults(t *testing.T) {
	t.Parallel()
	got, err := readConfig(environment(nil))
	require.NoError(t, err)
	require.Equal(t, config{apiKeySecretID: "sso/key", baseURL: "https://api.sendgrid.com", apiKeyTTL: 5 * time.Minute, samlMetadataHosts: saml.DefaultHosts(), auditMayWrite: true}, got)
}

func TestConfigOfEverything(t *testing.T) {
	t.Parallel()
	got, err := readConfig(environment(map[string]string{
		"SENDGRID_API_KEY_SECRET_ID": "arn:aws:secretsmanager:eu-west-1:123456789012:secret:sso/key-AbCdEf",
		"SENDGRID_REGION":            "eu", "SENDGRID_BASE_URL": "https://proxy.example.com/sendgrid/",
		"SENDGRID_ON_BEHALF_OF": "sub user", "WEBHOOK_SECRET_ID": "sso/webhook", "API_KEY_TTL": "1h30m",
		"WEBHOOK_MAY_UPDATE": "true", "SAML_METADATA_HOSTS": "IDP.example.com, *.example.org", "LEDGER_TABLE": "ledger", "EVENT_BUS_NAME": "default",
		"DEAD_LETTER_QUEUE_URL": "https://sqs.eu-west-1.amazonaws.com/123456789012/dead-letters",
		"EVENT_QUEUE_URL":       "https://sqs.eu-west-1.amazonaws.com/123456789012/events", "AUDIT_MODE": "report", "DELETE_AFTER": "14d",
		"TEAMMATES": "true", "BREAK_GLASS_TEAMMATES": "Owner@Example.com, b@example.com",
	}))
	require.NoError(t, err)
	require.Equal(t, config{
		apiKeySecretID:  "arn:aws:secretsmanager:eu-west-1:123456789012:secret:sso/key-AbCdEf",
		webhookSecretID: "sso/webhook", baseURL: "https://proxy.example.com/sendgrid", onBehalfOf: "sub user", apiKeyTTL: 90 * time.Minute,
		webhookMayUpdate: true, samlMetadataHosts: []string{"*.example.org", "idp.example.com"}, ledgerTable: "ledger", eventBusName: "default",
		deadLetterQueueURL: "https://sqs.eu-west-1.amazonaws.com/123456789012/dead-letters",
		eventQueueURL:      "https://sqs.eu-west-1.amazonaws.com/123456789012/events", deleteAfter: 14 * 24 * time.Hour, teammates: true, breakGlass: []string{"owner@example.com", "b@example.com"},
	}, got)
}

func TestConfigBaseURL(t *testing.T) {
	t.Parallel()
	for region, want := range map[string]string{"": "https://api.sendgrid.com", "global": "https://api.sendgrid.com", "eu": "https://api.eu.sendgrid.com"} {
		got, err := readConfig(environment(map[string]string{"SENDGRID_REGION": region}))
		require.NoError(t, err)
		require.Equal(t, want, got.baseURL)
	}
	for text, want := range map[string]string{
		"https://api.example.com": "https://api.example.com", "https://api.example.com/": "https://api.example.com",
		"https://192.0.2.1:8443/a//": "https://192.0.2.1:8443/a", "HTTPS://API.EXAMPLE.COM": "HTTPS://API.EXAMPLE.COM",
		"http://localhost:8089": "http://localhost:8089", "http://127.0.0.1:8089/": "http://127.0.0.1:8089", "http://[::1]:8089": "http://[::1]:8089",
		"http://host.docker.internal:8089": "http://host.docker.internal:8089", "http://10.1.2.3": "http://10.1.2.3",
		"http://172.17.0.1": "http://172.17.0.1", "http://192.168.1.1": "http://192.168.1.1", "http://[fd00::1]": "http://[fd00::1]",
	} {
		got, err := readConfig(environment(map[string]string{"SENDGRID_BASE_URL": text}))
		require.NoError(t, err, text)
		require.Equal(t, want, got.baseURL)
	}
}

func TestConfigRefuses(t *testing.T) {
	t.Parallel()
	tests := map[string]struct{ variable, value, want string }{
		"no secret":               {"SENDGRID_API_KEY_SECRET_ID", "", "is required"},
		"the secret itself":       {"WEBHOOK_SECRET_ID", `{"bearer":"not-for-here-either"}`, "must be a name or an ARN"},
		"a table with a space":    {"LEDGER_TABLE", "ledger ", "must be a name or an ARN"},
		"the key itself":          {"SENDGRID_API_KEY_SECRET_ID", "SG.not-for-here", "is an API key"},
		"unknown region":          {"SENDGRID_REGION", "EU", `must be global or eu, not "EU"`},
		"no URL":                  {"SENDGRID_BASE_URL", "api.sendgrid.com", "must be an absolute URL"},
		"no host":                 {"SENDGRID_BASE_URL", "https://", "must be an absolute URL"},
		"port alone":              {"SENDGRID_BASE_URL", "https://:443", "must be an absolute URL"},
		"no slashes":              {"SENDGRID_BASE_URL", "https:api.sendgrid.com", "must be an absolute URL"},
		"broken URL":              {"SENDGRID_BASE_URL", "https://%zz", "must be an absolute URL"},
		"space before":            {"SENDGRID_BASE_URL", " https://api.sendgrid.com", "must be an absolute URL"},
		"user":                    {"SENDGRID_BASE_URL", "https://user:S3CRET@example.com", "must not contain a user"},
		"query":                   {"SENDGRID_BASE_URL", "https://example.com?token=S3CRET", "must not contain a user, a query"},
		"empty query":             {"SENDGRID_BASE_URL", "https://example.com?", "must not contain a user, a query"},
		"fragment":                {"SENDGRID_BASE_URL", "https://example.com#S3CRET", "must not contain a user, a query or a fragment"},
		"empty fragment":          {"SENDGRID_BASE_URL", "https://example.com#", "must not contain a user, a query or a fragment"},
		"http":                    {"SENDGRID_BASE_URL", "http://api.sendgrid.com", "must begin with https://"},
		"http, public address":    {"SENDGRID_BASE_URL", "http://192.0.2.1", "must begin with https://"},
		"http, all addresses":     {"SENDGRID_BASE_URL", "http://0.0.0.0:8089", "must begin with https://"},
		"http, link local":        {"SENDGRID_BASE_URL", "http://169.254.169.254", "must begin with https://"},
		"http, looks like local":  {"SENDGRID_BASE_URL", "http://localhost.example.com", "must begin with https://"},
		"http, looks like 127":    {"SENDGRID_BASE_URL", "http://127.0.0.1.example.com", "must begin with https://"},
		"http, local is the user": {"SENDGRID_BASE_URL", "http://localhost@example.com", "must not contain a user"},
		"another scheme":          {"SENDGRID_BASE_URL", "ftp://localhost", "must begin with https://"},
		"control character":       {"SENDGRID_ON_BEHALF_OF", "sub\r\nX-Header: y", "control characters"},
		"space around":            {"SENDGRID_ON_BEHALF_OF", "subuser ", "white space around it"},
		"neither true nor false":  {"WEBHOOK_MAY_UPDATE", "True", `must be true or false, not "True"`},
		"every metadata host":     {"SAML_METADATA_HOSTS", "idp.example.com,*", `"*" may have a * only as its whole first label`},
		"metadata from an IP":     {"SAML_METADATA_HOSTS", "10.0.0.1", "must be a host name, not an IP address"},
		"a URL for a host":        {"SAML_METADATA_HOSTS", "https://idp.example.com", "must be a host name alone"},
		"no queue URL":            {"DEAD_LETTER_QUEUE_URL", "dead-letters", "must be an absolute URL"},
		"a queue by http":         {"DEAD_LETTER_QUEUE_URL", "http://sqs.example.com/q", "must begin with https://"},
		"no event queue URL":      {"EVENT_QUEUE_URL", "events", "must be an absolute URL"},
		"an event queue by http":  {"EVENT_QUEUE_URL", "http://sqs.example.com/q", "must begin with https://"},
		"no audit mode":           {"AUDIT_MODE", "Report", `must be renew or report, not "Report"`},
		"deletes at once":         {"DELETE_AFTER", "0d", `must be a positive duration such as 14d or 336h, not "0d"`},
		"deletes before":          {"DELETE_AFTER", "-1h", `not "-1h"`},
		"deletes at some time":    {"DELETE_AFTER", "14", "leave it empty if only people delete"},
		"days in hours":           {"DELETE_AFTER", "1d12h", `not "1d12h"`},
		"deletes in no year":      {"DELETE_AFTER", "40000d", `not "40000d"`},
		"teammates, or not":       {"TEAMMATES", "yes", `must be true or false, not "yes"`},
		"no email":                {"BREAK_GLASS_TEAMMATES", "a@example.com,owner", `"owner" is none`},
		"a name with an email":    {"BREAK_GLASS_TEAMMATES", "<a@example.com>", "must be email addresses"},
		"no duration":             {"API_KEY_TTL", "soon", `from 1s to 24h0m0s such as 5m or 1h30m, not "soon"`},
		"no unit":                 {"API_KEY_TTL", "300", `not "300"`},
		"too short":               {"API_KEY_TTL", "999ms", `not "999ms"`},
		"zero":                    {"API_KEY_TTL", "0", `not "0"`},
		"negative":                {"API_KEY_TTL", "-5m", `not "-5m"`},
		"too long":                {"API_KEY_TTL", "24h0m1s", `not "24h0m1s"`},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := readConfig(environment(map[string]string{test.variable: test.value}))
			require.ErrorContains(t, err, "the configuration has 1 problem(s):\n"+test.variable+" ")
			require.ErrorContains(t, err, test.want)
			require.NotContains(t, err.Error(), "S3CRET")
			require.Zero(t, got)
		})
	}
	for _, ttl := range []string{"1s", "24h"} {
		_, err := readConfig(environment(map[string]string{"API_KEY_TTL": ttl}))
		require.NoError(t, err)
	}
}

func TestConfigAuditMode(t *testing.T) {
	t.Parallel()
	for mode, mayWrite := range map[string]bool{"": true, "renew": true, "report": false} {
		got, err := readConfig(environment(map[string]string{"AUDIT_MODE": mode}))
		require.NoError(t, err)
		require.Equal(t, mayWrite, got.auditMayWrite, mode)
	}
}

func TestConfigDeleteAfter(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]time.Duration{"": 0, "1d": 24 * time.Hour, "336h": 14 * 24 * time.Hour, "1h30m": 90 * time.Minute, "36500d": 36500 * 24 * time.Hour} {
		got, err := readConfig(environment(map[string]string{"DELETE_AFTER": text}))
		require.NoError(t, err, text)
		require.Equal(t, want, got.deleteAfter, text)
	}
}

func TestConfigReportsEverythingAtOnce(t *testing.T) {
	t.Parallel()
	_, err := readConfig(environment(map[string]string{
		"SENDGRID_API_KEY_SECRET_ID": "", "SENDGRID_REGION": "mars", "SENDGRID_BASE_URL": "http://api.example.com",
		"SENDGRID_ON_BEHALF_OF": " x", "API_KEY_TTL": "soon", "WEBHOOK_SECRET_ID": "sso/webhook",
	}))
	require.Error(t, err)
	lines := strings.Split(err.Error(), "\n")
	require.Equal(t, "the configuration has 5 problem(s):", lines[0])
	var named []string
	for _, line := range lines[1:] {
		name, _, _ := strings.Cut(line, " ")
		named = append(named, name)
	}
	require.Equal(t, []string{"SENDGRID_API_KEY_SECRET_ID", "SENDGRID_ON_BEHALF_OF", "SENDGRID_REGION", "SENDGRID_BASE_URL", "API_KEY_TTL"}, named)
	require.NotContains(t, err.Error(), "sso/webhook")
}
