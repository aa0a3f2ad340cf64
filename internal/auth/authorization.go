package auth

import (
	"strings"

	"sendgrid-sso-integration/internal/secret"
)

// authorization is a fixed value of the Authorization header, whatever its form: Okta's
// event hooks and Freshservice send the text that they were given and nothing else, and
// some systems can send nothing but Basic with a name and a password.
type authorization struct{}

func (authorization) name() string                   { return "authorization" }
func (authorization) header() string                 { return "Authorization" }
func (authorization) keys(s Secrets) []secret.String { return s.Authorization }

func (authorization) read(value string, _ request) (proof, error) { return itself(value), nil }

// authorizationKey makes a key of what is configured, which is the whole header. The word
// before the secret, such as Basic, does not make it longer: everybody knows it.
func authorizationKey(text string) (string, error) {
	credentials := text
	if _, after, ok := strings.Cut(text, " "); ok {
		credentials = after
	}
	if _, err := plainKey(credentials); err != nil {
		return "", err
	}
	return text, nil
}
