package auth

import (
	"crypto/sha256"
	"crypto/subtle"
	"strings"
)

// itself is the proof that consists of the secret. White space around it means nothing in
// a header. Hashes are compared because they are of equal length: else the time would tell
// how long the secret is.
func itself(text string) proof {
	given := sha256.Sum256([]byte(strings.TrimSpace(text)))
	return proof{
		fits: func(key string) bool {
			wanted := sha256.Sum256([]byte(key))
			return subtle.ConstantTimeCompare(given[:], wanted[:]) == 1
		},
		otherwise: "the secret is not one of those configured",
	}
}
