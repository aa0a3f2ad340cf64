package auth

import (
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"sendgrid-sso-integration/internal/secret"
)

// request is what a caller sent: header names in canonical form, and the raw body.
type request struct {
	header http.Header
	body   []byte
}

// scheme is one way to prove knowledge of a secret.
type scheme struct {
	// name is the scheme's field in the webhook secret, and its name in logs.
	name string
	// header is the name, in canonical form, of the header that carries the proof.
	header string
	// parseKey converts a configured text to a key. Its error does not quote the text.
	parseKey func(text string) (key string, err error)
	// readProof reads the proof from the request's only value of that header. Its error
	// says why the request is invalid whatever the secrets are, and quotes none of it.
	readProof func(value string, r request) (proof, error)
}

// schemes returns all schemes. Two of them may share a name and so a list of secrets.
func schemes() []scheme {
	return []scheme{
		bearer(),
		authorization(),
		apiKey(),
		standardWebhooks("Webhook"),
		standardWebhooks("Svix"),
		jira(),
		github(),
		zendesk(),
	}
}

// proof is what a request carries to show that its sender knows a secret.
type proof struct {
	// matches reports whether the proof was made with key, in a time that does not depend
	// on the key's value.
	matches func(key string) bool
	// mismatch is the reason to log if no key matches.
	mismatch string
}

// matchesAny reports whether the proof was made with one of the keys. It tries all of them,
// so that the time does not reveal which one it was.
func (p proof) matchesAny(keys []secret.String) bool {
	found := false
	for _, key := range keys {
		found = p.matches(key.Reveal()) || found
	}
	return found
}

// maxHeader is the maximum length in bytes of a header value: far more than any scheme
// needs, and little enough that hashing it costs nothing.
const maxHeader = 4096

// single returns the value of a header that must be present once. With several values, this
// function and a proxy in front of it might choose different ones.
func single(header http.Header, name string) (string, error) {
	values := header[name]
	switch {
	case len(values) == 0:
		return "", fmt.Errorf("there is no %s header", name)
	case len(values) > 1:
		return "", fmt.Errorf("there is more than one %s header", name)
	case len(values[0]) > maxHeader:
		return "", fmt.Errorf("the %s header is longer than %d bytes", name, maxHeader)
	}
	return values[0], nil
}

// staticProof is the proof that consists of the secret as such. White space around a header
// value has no meaning. Hashes are compared because they have the same length; otherwise
// the time would reveal the length of the secret.
func staticProof(text string) proof {
	given := sha256.Sum256([]byte(strings.TrimSpace(text)))
	return proof{
		matches: func(key string) bool {
			wanted := sha256.Sum256([]byte(key))
			return subtle.ConstantTimeCompare(given[:], wanted[:]) == 1
		},
		mismatch: "the secret is not one of those configured",
	}
}

// bearer is a secret sent as a bearer token in the Authorization header (RFC 6750).
func bearer() scheme {
	return scheme{name: "bearer", header: "Authorization", parseKey: plainKey, readProof: readBearer}
}

func readBearer(value string, _ request) (proof, error) {
	word, token, _ := strings.Cut(value, " ")
	if !strings.EqualFold(word, "Bearer") {
		return proof{}, errors.New("the Authorization header does not begin with Bearer")
	}
	return staticProof(token), nil
}

// authorization is a fixed value of the Authorization header in any form: Freshservice
// sends exactly the configured text, and some systems support only Basic with a user name
// and a password.
func authorization() scheme {
	return scheme{
		name: "authorization", header: "Authorization", parseKey: authorizationKey,
		readProof: func(value string, _ request) (proof, error) { return staticProof(value), nil },
	}
}

// authorizationKey is the whole header value. A leading word such as Basic does not count
// towards the minimum length, because it is not secret.
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

// apiKey is a secret in the X-Api-Key header, for systems that can send one but not sign:
// Jira Automation, ServiceNow and Freshservice.
func apiKey() scheme {
	return scheme{
		name: "api_key", header: "X-Api-Key", parseKey: plainKey,
		readProof: func(value string, _ request) (proof, error) { return staticProof(value), nil },
	}
}
