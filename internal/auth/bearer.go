package auth

import (
	"errors"
	"strings"
)

// bearer is a secret sent as a bearer token in the Authorization header (RFC 6750).
func bearer() scheme {
	return scheme{name: "bearer", header: "Authorization", parseKey: plainKey, readProof: readBearer}
}

func readBearer(value string, _ request) (proof, error) {
	word, token, _ := strings.Cut(value, " ")
	if !strings.EqualFold(word, "Bearer") {
		return proof{}, errors.New("the Authorization header does not begin with Bearer")
	}
	return staticProof(token), nil
}
