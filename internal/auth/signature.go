package auth

import (
	"crypto/hmac"
	"crypto/sha256"
	"errors"
	"io"
	"time"
)

// window is how far a signed timestamp may be from now, either way and inclusive: it
// bounds how long a captured request can be sent again, and leaves room for a clock that
// is wrong.
const window = 5 * time.Minute

// fresh returns an error if a request was signed too long ago, or is yet to be signed.
func fresh(signedAt time.Time) error {
	switch age := time.Since(signedAt); {
	case age > window:
		return errors.New("the timestamp is more than five minutes old")
	case age < -window:
		return errors.New("the timestamp is more than five minutes ahead")
	}
	return nil
}

// signature is the proof that consists of an HMAC-SHA256 of a prefix and the body. What
// fits is told by is, which gets the HMAC that belongs to a key.
func signature(prefix string, body []byte, is func(sum []byte) bool) proof {
	return proof{
		fits: func(key string) bool {
			mac := hmac.New(sha256.New, []byte(key))
			_, _ = io.WriteString(mac, prefix) // A hash takes everything.
			_, _ = mac.Write(body)
			return is(mac.Sum(nil))
		},
		otherwise: "the signature fits none of the secrets configured",
	}
}

// equal compares texts in constant time. Signatures are compared as they are written, so
// that no second way of writing one is accepted.
func equal(a, b string) bool { return hmac.Equal([]byte(a), []byte(b)) }
