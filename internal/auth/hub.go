package auth

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"strings"

	"sendgrid-sso-integration/internal/secret"
)

// hubMethod begins a signature that counts. WebSub, where the header comes from, knows
// others; of those GitHub still sends sha1, in the header that Jira uses for sha256.
const hubMethod = "sha256="

// hub is the scheme of GitHub and Jira Cloud: an HMAC over the body, in hexadecimal. They
// differ in the header, and have secrets of their own, so that who writes the secret need
// only know who is sending.
type hub struct {
	sender, signature string
	secrets           func(Secrets) []secret.String
}

func github() hub {
	return hub{"github", "X-Hub-Signature-256", func(s Secrets) []secret.String { return s.GitHub }}
}

func jira() hub {
	return hub{"jira", "X-Hub-Signature", func(s Secrets) []secret.String { return s.Jira }}
}

func (h hub) name() string                   { return h.sender }
func (h hub) header() string                 { return h.signature }
func (h hub) keys(s Secrets) []secret.String { return h.secrets(s) }

func (h hub) read(value string, r request) (proof, error) {
	if !strings.HasPrefix(value, hubMethod) || len(value) != len(hubMethod)+hex.EncodedLen(sha256.Size) {
		return proof{}, errors.New("the " + h.signature + " header is not sha256= and 64 digits")
	}
	return signature("", r.body, func(sum []byte) bool {
		return equal(hubMethod+hex.EncodeToString(sum), value)
	}), nil
}
