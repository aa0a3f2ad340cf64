package secrettest

import (
	"regexp"
	"strings"
)

const (
	arnPrefix = "arn:aws:secretsmanager:us-east-1:000000000000:secret:"
	arnSuffix = "-SIMUL8"
)

var randomSuffix = regexp.MustCompile(`-[A-Za-z0-9]{6}$`)

// names are the three ways to name a secret in a request.
type names struct{ name, arn, partialARN string }

// namesOf completes the name or ARN under which a secret is put. The part after the last hyphen of an ARN
// is treated as the random suffix if it has that form, as in Secrets Manager.
func namesOf(id string) names {
	prefix, rest, isARN := strings.Cut(id, ":secret:")
	if !isARN || !strings.HasPrefix(prefix, "arn:") {
		return names{name: id, arn: arnPrefix + id + arnSuffix, partialARN: arnPrefix + id}
	}
	if !randomSuffix.MatchString(rest) {
		return names{name: rest, arn: id + arnSuffix, partialARN: id}
	}
	name := randomSuffix.ReplaceAllString(rest, "")
	return names{name: name, arn: id, partialARN: strings.TrimSuffix(id, rest) + name}
}
