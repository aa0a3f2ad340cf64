package auth

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"strings"
)

// hubMethod begins a signature that is accepted. WebSub, which defines the header, has other
// methods; of those GitHub still sends sha1, in the header that Jira uses for sha256.
const hubMethod = "sha256="

// github and jira (Jira Cloud) sign the body with an HMAC, in hexadecimal. They differ in
// the header only, and have fields of their own in the secret so that an operator need only
// know the sender.
func github() scheme { return hubSignature("github", "X-Hub-Signature-256") }

func jira() scheme { return hubSignature("jira", "X-Hub-Signature") }

func hubSignature(name, header string) scheme {
	return scheme{name: name, header: header, parseKey: plainKey, readProof: func(value string, r request) (proof, error) {
		if !strings.HasPrefix(value, hubMethod) || len(value) != len(hubMethod)+hex.EncodedLen(sha256.Size) {
			return proof{}, errors.New("the " + header + " header is not sha256= and 64 digits")
		}
		return signatureProof("", r.body, func(sum []byte) bool {
			return equal(hubMethod+hex.EncodeToString(sum), value)
		}), nil
	}}
}
