package auth

import (
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"time"
)

// zendesk is Zendesk's scheme: an HMAC over timestamp and body, in base64. There is no
// separator, but a timestamp cannot be mistaken for the beginning of a JSON object.
func zendesk() scheme {
	return scheme{name: "zendesk", header: "X-Zendesk-Webhook-Signature", parseKey: plainKey, readProof: readZendesk}
}

func readZendesk(value string, r request) (proof, error) {
	timestamp, err := single(r.header, "X-Zendesk-Webhook-Signature-Timestamp")
	if err != nil {
		return proof{}, err
	}
	signedAt, err := time.Parse(time.RFC3339, timestamp)
	if err != nil {
		// The parser's own error would quote the header.
		return proof{}, errors.New("the timestamp is not in the form 2006-01-02T15:04:05Z")
	}
	if err := checkTimestamp(signedAt); err != nil {
		return proof{}, err
	}
	if len(value) != base64.StdEncoding.EncodedLen(sha256.Size) {
		return proof{}, errors.New("the signature is not 32 bytes in base64")
	}
	return signatureProof(timestamp, r.body, func(sum []byte) bool {
		return equal(base64.StdEncoding.EncodeToString(sum), value)
	}), nil
}
