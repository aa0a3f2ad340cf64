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

// scheme is one way of proving that one knows a secret.
type scheme interface {
	// name is the scheme's field in the secret and its name in the log.
	name() string
	// header is the name, in canonical form, of the header that carries the proof.
	header() string
	// keys are the secrets that the proof may have been made with.
	keys(Secrets) []secret.String
	// read takes the proof out of a request, of which value is the one header. The error
	// says why there is no secret with which this request could be good.
	read(value string, r request) (proof, error)
}

// schemes lists every scheme.
func schemes() []scheme {
	return append(staticSchemes(),
		standardWebhooks{prefix: "Webhook"},
		standardWebhooks{prefix: "Svix"},
		jira(),
		github(),
		zendesk{},
	)
}

// staticSchemes lists those in which the secret itself is sent.
func staticSchemes() []scheme { return []scheme{bearer{}, authorization{}, apiKey{}} }

// proof is what a request carries to show that its sender knows a secret.
type proof struct {
	// fits tells whether it was made with this key, in a time that does not depend on it.
	fits func(key string) bool
	// otherwise is the reason for the log where it fits no key.
	otherwise string
}

// madeWith returns why the proof was made with none of the keys, or nothing if it was
// made with one. It tries all of them, so that the time does not tell which one it was.
func (p proof) madeWith(keys []secret.String) (reason string) {
	reason = p.otherwise
	for _, key := range keys {
		if p.fits(key.Reveal()) {
			reason = ""
		}
	}
	return reason
}

// claim is a proof in a request that has yet to be checked.
type claim struct {
	scheme scheme
	proof  proof
	// malformed says why there is no proof.
	malformed error
}

// read finds what a request carries of these schemes.
func read(r request, among []scheme) []claim {
	var claims []claim
	for _, s := range among {
		if len(r.header[s.header()]) == 0 {
			continue
		}
		c := claim{scheme: s}
		value, err := single(r.header, s.header())
		if err == nil {
			c.proof, err = s.read(value, r)
		}
		c.malformed = err
		claims = append(claims, c)
	}
	return claims
}

// hopeless tells whether no claim can hold, whatever the secrets are.
func hopeless(claims []claim) bool {
	for _, c := range claims {
		if c.malformed == nil {
			return false
		}
	}
	return true
}

// check returns nil if one of the claims holds, else a *Refusal.
func check(claims []claim, secrets Secrets) error {
	var refusals []*Refusal
	for _, c := range claims {
		reason := c.reason(secrets)
		if reason == "" {
			return nil
		}
		refusals = append(refusals, &Refusal{Scheme: c.scheme.name(), Reason: reason})
	}
	return join(refusals)
}

// reason says why the claim does not hold; it is empty if it does.
func (c claim) reason(secrets Secrets) string {
	keys := c.scheme.keys(secrets)
	switch {
	case c.malformed != nil:
		return c.malformed.Error()
	case len(keys) == 0:
		return "no " + c.scheme.name() + " secret is configured"
	}
	return c.proof.madeWith(keys)
}

// join makes one refusal of several.
func join(refusals []*Refusal) *Refusal {
	if len(refusals) == 1 {
		return refusals[0]
	}
	var texts []string
	for _, r := range refusals {
		texts = append(texts, r.Error())
	}
	return &Refusal{Reason: strings.Join(texts, "; ")}
}
