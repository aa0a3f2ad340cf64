package auth

import (
	"encoding/base64"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
)

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
