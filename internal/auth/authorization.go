package auth

import "strings"

// authorization is a fixed value of the Authorization header in any form: Freshservice
// sends exactly the configured text, and some systems support only Basic with a user name
// and a password.
func authorization() scheme {
	return scheme{
		name: "authorization", header: "Authorization", parseKey: authorizationKey,
		readProof: func(value string, _ request) (proof, error) { return staticProof(value), nil },
	}
}

// authorizationKey is the whole header value. A leading word such as Basic does not count
// towards the minimum length, because it is not secret.
func authorizationKey(text string) (string, error) {
	credentials := text
	if _, after, ok := strings.Cut(text, " "); ok {
		credentials = after
	}
	if _, err := plainKey(credentials); err != nil {
		return "", err
	}
	return text, nil
}
