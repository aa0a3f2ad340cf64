package auth

import (
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

// claim is a scheme's header in a request, before it is checked.
type claim struct {
	scheme scheme
	proof  proof
	// malformed says why there is no proof; it is nil if there is one.
	malformed error
}

// readClaims returns a claim for each scheme whose header the request has.
func readClaims(r request) []claim {
	var claims []claim
	for _, s := range schemes() {
		if len(r.header[s.header]) == 0 {
			continue
		}
		c := claim{scheme: s}
		value, err := single(r.header, s.header)
		if err == nil {
			c.proof, err = s.readProof(value, r)
		}
		c.malformed = err
		claims = append(claims, c)
	}
	return claims
}

// allMalformed reports whether no claim can be valid, whatever the secrets are.
func allMalformed(claims []claim) bool {
	for _, c := range claims {
		if c.malformed == nil {
			return false
		}
	}
	return true
}

// check returns the scheme of a valid claim, or else a *CredentialsError with the reason
// for each claim.
func check(claims []claim, secrets Secrets) (scheme string, err error) {
	var reasons []string
	for _, c := range claims {
		reason := c.invalid(secrets[c.scheme.name])
		if reason == "" {
			return c.scheme.name, nil
		}
		reasons = append(reasons, c.scheme.name+": "+reason)
	}
	return "", &CredentialsError{Reason: strings.Join(reasons, "; ")}
}

// invalid returns why the claim is not valid with any of the keys, or "" if it is.
func (c claim) invalid(keys []secret.String) (reason string) {
	switch {
	case c.malformed != nil:
		return c.malformed.Error()
	case len(keys) == 0:
		return "no " + c.scheme.name + " secret is configured"
	case !c.proof.matchesAny(keys):
		return c.proof.mismatch
	}
	return ""
}
