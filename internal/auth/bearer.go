package auth

import (
	"errors"
	"strings"

	"sendgrid-sso-integration/internal/secret"
)

// bearer is a secret in the Authorization header: "Bearer" and the secret itself
// (RFC 6750).
type bearer struct{}

func (bearer) name() string                   { return "bearer" }
func (bearer) header() string                 { return "Authorization" }
func (bearer) keys(s Secrets) []secret.String { return s.Bearer }

func (bearer) read(value string, _ request) (proof, error) {
	word, token, _ := strings.Cut(value, " ")
	if !strings.EqualFold(word, "Bearer") {
		return proof{}, errors.New("the Authorization header does not begin with Bearer")
	}
	return itself(token), nil
}
