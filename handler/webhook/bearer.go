package webhook

import (
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"strings"

	"sendgrid-sso-integration/internal/secret"
)

// bearer is a secret in the Authorization header: "Bearer" and the secret itself
// (RFC 6750).
type bearer struct{}

func (bearer) name() string { return "bearer" }

func (bearer) claimed(r Request) bool { return len(r.Header["Authorization"]) > 0 }

func (bearer) verify(r Request, secrets Secrets) error {
	values := r.Header["Authorization"]
	if len(values) != 1 {
		return errors.New("there is more than one Authorization header")
	}
	word, token, _ := strings.Cut(values[0], " ")
	switch {
	case !strings.EqualFold(word, "Bearer"):
		return errors.New("the Authorization header does not begin with Bearer")
	case len(secrets.Bearer) == 0:
		return errors.New("no bearer secret is configured")
	case !equalAny(strings.TrimSpace(token), secrets.Bearer):
		return errors.New("the secret is not one of those configured")
	}
	return nil
}

// equalAny tells whether text is one of the secrets, in a time that depends on neither:
// all of them are compared, by hashes of equal length.
func equalAny(text string, secrets []secret.String) bool {
	given := sha256.Sum256([]byte(text))
	equal := 0
	for _, s := range secrets {
		wanted := sha256.Sum256([]byte(s.Reveal()))
		equal |= subtle.ConstantTimeCompare(given[:], wanted[:])
	}
	return equal == 1
}
