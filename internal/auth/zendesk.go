package auth

import (
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"time"

	"sendgrid-sso-integration/internal/secret"
)

// zendesk is Zendesk's scheme: an HMAC over timestamp and body, in base64. Nothing stands
// between the two; that a timestamp and a JSON object cannot be confused is what keeps
// them apart.
type zendesk struct{}

func (zendesk) name() string                   { return "zendesk" }
func (zendesk) header() string                 { return "X-Zendesk-Webhook-Signature" }
func (zendesk) keys(s Secrets) []secret.String { return s.Zendesk }

func (z zendesk) read(value string, r request) (proof, error) {
	timestamp, err := single(r.header, "X-Zendesk-Webhook-Signature-Timestamp")
	if err != nil {
		return proof{}, err
	}
	signedAt, err := time.Parse(time.RFC3339, timestamp)
	if err != nil {
		// The error itself would quote what was sent.
		return proof{}, errors.New("the timestamp is not in the form 2006-01-02T15:04:05Z")
	}
	if err := fresh(signedAt); err != nil {
		return proof{}, err
	}
	if len(value) != base64.StdEncoding.EncodedLen(sha256.Size) {
		return proof{}, errors.New("the signature is not 32 bytes in base64")
	}
	return signature(timestamp, r.body, func(sum []byte) bool {
		return equal(base64.StdEncoding.EncodeToString(sum), value)
	}), nil
}
