package auth

import (
	"encoding/base64"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"sendgrid-sso-integration/internal/secret"
)

const (
	// signingKeyPrefix begins a secret of this scheme; the rest is the key in base64.
	signingKeyPrefix = "whsec_"
	// signatureVersion begins a signature made with a secret. Others, such as those made
	// with a private key, are ignored.
	signatureVersion = "v1,"
	// maxSignatures is how many signatures a request may carry: a sender adds one for
	// each secret that is good during a rotation.
	maxSignatures = 16
)

// standardWebhooks is the scheme of standardwebhooks.com, and of Svix, where it comes from
// and whose headers have another prefix: an HMAC over id, timestamp and body.
//
// That project's Go library (v0.0.1) is not used. It splits a header of any length, takes
// the first of several headers, quotes what it cannot parse in its errors, takes ids with a
// full stop and empty keys, knows one key and neither Svix's headers nor a limit; what
// would be left of it once all that is checked beforehand is the HMAC.
type standardWebhooks struct{ prefix string }

func (standardWebhooks) name() string                   { return "standard_webhooks" }
func (s standardWebhooks) header() string               { return s.prefix + "-Signature" }
func (standardWebhooks) keys(s Secrets) []secret.String { return s.StandardWebhooks }

func (s standardWebhooks) read(value string, r request) (proof, error) {
	id, err := single(r.header, s.prefix+"-Id")
	if err != nil {
		return proof{}, err
	}
	if id == "" || strings.Contains(id, ".") {
		// With a full stop, parts of what is signed could be passed off as others.
		return proof{}, fmt.Errorf("the %s-Id header is empty or has a full stop in it", s.prefix)
	}
	timestamp, err := single(r.header, s.prefix+"-Timestamp")
	if err != nil {
		return proof{}, err
	}
	seconds, err := strconv.ParseInt(timestamp, 10, 64)
	if err != nil {
		// The error itself would quote what was sent.
		return proof{}, fmt.Errorf("the %s-Timestamp header is not a number of seconds", s.prefix)
	}
	if err := fresh(time.Unix(seconds, 0)); err != nil {
		return proof{}, err
	}
	if err := countSignatures(value); err != nil {
		return proof{}, err
	}
	return signature(id+"."+timestamp+".", r.body, func(sum []byte) bool {
		return listed(signatureVersion+base64.StdEncoding.EncodeToString(sum), value)
	}), nil
}

// countSignatures refuses a list that holds no signature, or too many.
func countSignatures(list string) error {
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

// listed tells whether a signature stands in a list with spaces between.
func listed(wanted, list string) bool {
	found := false
	for candidate := range strings.SplitSeq(list, " ") {
		found = equal(candidate, wanted) || found
	}
	return found
}

// signingKey makes a key of a configured secret.
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
