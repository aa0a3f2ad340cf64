package auth

import (
	"crypto/hmac"
	"crypto/sha256"
	"errors"
	"io"
	"time"
)

// maxClockSkew is how far a signed timestamp may differ from now, inclusive: it limits how
// long a captured request can be replayed, and tolerates clocks that are wrong.
const maxClockSkew = 5 * time.Minute

// checkTimestamp returns an error if a request was signed too long ago or in the future.
func checkTimestamp(signedAt time.Time) error {
	switch age := time.Since(signedAt); {
	case age > maxClockSkew:
		return errors.New("the timestamp is more than five minutes old")
	case age < -maxClockSkew:
		return errors.New("the timestamp is more than five minutes ahead")
	}
	return nil
}

// signatureProof is the proof that consists of an HMAC-SHA256 over prefix and body. The
// function equals reports whether the request carries this HMAC, in constant time.
func signatureProof(prefix string, body []byte, equals func(sum []byte) bool) proof {
	return proof{
		matches: func(key string) bool {
			mac := hmac.New(sha256.New, []byte(key))
			_, _ = io.WriteString(mac, prefix) // A hash never returns an error.
			_, _ = mac.Write(body)
			return equals(mac.Sum(nil))
		},
		mismatch: "the signature matches none of the secrets configured",
	}
}

// equal compares two texts in constant time. Signatures are compared in their encoded form,
// so that only the canonical encoding is accepted.
func equal(a, b string) bool { return hmac.Equal([]byte(a), []byte(b)) }
