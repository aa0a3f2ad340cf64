package auth

import "sendgrid-sso-integration/internal/secret"

// apiKey is a secret in a header of its own, for systems that can send one but not sign:
// Jira Automation, ServiceNow and Freshservice.
type apiKey struct{}

func (apiKey) name() string                   { return "api_key" }
func (apiKey) header() string                 { return "X-Api-Key" }
func (apiKey) keys(s Secrets) []secret.String { return s.APIKey }

func (apiKey) read(value string, _ request) (proof, error) { return itself(value), nil }
