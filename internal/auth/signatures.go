package auth

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
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

const (
	// signingKeyPrefix begins a configured secret of this scheme; the rest is base64.
	signingKeyPrefix = "whsec_"
	// signatureVersion begins a signature made with a shared secret. Others, such as those
	// made with a private key, are ignored.
	signatureVersion = "v1,"
	// maxSignatures is the maximum number of signatures of a request: a sender adds one for
	// each secret that is valid during a rotation.
	maxSignatures = 16
)

// standardWebhooks is the scheme of https://www.standardwebhooks.com and of Svix, its
// origin, whose headers have another prefix: an HMAC over id, timestamp and body.
//
// That project's Go library (v0.0.1) is not used. It splits a header of any length, takes
// the first of several headers, quotes unparsable input in its errors, accepts ids with a
// full stop and empty keys, and supports neither several keys nor Svix's headers. With all
// of that checked beforehand, it would contribute only the HMAC.
func standardWebhooks(prefix string) scheme {
	return scheme{
		name: "standard_webhooks", header: prefix + "-Signature", parseKey: signingKey,
		readProof: func(value string, r request) (proof, error) { return readStandardWebhooks(prefix, value, r) },
	}
}

func readStandardWebhooks(prefix, list string, r request) (proof, error) {
	id, err := single(r.header, prefix+"-Id")
	if err != nil {
		return proof{}, err
	}
	if id == "" || strings.Contains(id, ".") {
		// With a full stop in the id, the signed text could be split in more than one way.
		return proof{}, fmt.Errorf("the %s-Id header is empty or contains a full stop", prefix)
	}
	timestamp, err := single(r.header, prefix+"-Timestamp")
	if err != nil {
		return proof{}, err
	}
	seconds, err := strconv.ParseInt(timestamp, 10, 64)
	if err != nil {
		// The parser's own error would quote the header.
		return proof{}, fmt.Errorf("the %s-Timestamp header is not a number of seconds", prefix)
	}
	if err := checkTimestamp(time.Unix(seconds, 0)); err != nil {
		return proof{}, err
	}
	if err := checkSignatures(list); err != nil {
		return proof{}, err
	}
	return signatureProof(id+"."+timestamp+".", r.body, func(sum []byte) bool {
		return listContains(list, signatureVersion+base64.StdEncoding.EncodeToString(sum))
	}), nil
}

// checkSignatures returns an error if a list has no signature of our version, or too many.
func checkSignatures(list string) error {
	if strings.Count(list, " ") >= maxSignatures {
		return fmt.Errorf("there are more than %d signatures", maxSignatures)
	}
	for candidate := range strings.SplitSeq(list, " ") {
		if strings.HasPrefix(candidate, signatureVersion) {
			return nil
		}
	}
	return errors.New("there is no signature of version v1")
}

// listContains reports whether a space-separated list contains a signature.
func listContains(list, signature string) bool {
	found := false
	for candidate := range strings.SplitSeq(list, " ") {
		found = equal(candidate, signature) || found
	}
	return found
}

// signingKey decodes a configured secret to the key.
func signingKey(text string) (string, error) {
	encoded, ok := strings.CutPrefix(text, signingKeyPrefix)
	if !ok {
		return "", errors.New("it does not begin with " + signingKeyPrefix)
	}
	key, err := base64.StdEncoding.DecodeString(encoded)
	if err != nil {
		return "", errors.New("what follows " + signingKeyPrefix + " is not base64")
	}
	return plainKey(string(key))
}

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
