package auth

// apiKey is a secret in the X-Api-Key header, for systems that can send one but not sign:
// Jira Automation, ServiceNow and Freshservice.
func apiKey() scheme {
	return scheme{
		name: "api_key", header: "X-Api-Key", parseKey: plainKey,
		readProof: func(value string, _ request) (proof, error) { return staticProof(value), nil },
	}
}
