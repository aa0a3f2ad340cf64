package webhook

import (
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"

	"sendgrid-sso-integration/internal/secret"
)

// minSecretLength is the length below which a secret can be guessed.
const minSecretLength = 16

// Secrets are the secrets that callers may use, by scheme. Each scheme takes several,
// so that the old and the new one are both good during a rotation.
type Secrets struct {
	Bearer []secret.String
}

// ParseSecrets returns a function that reads Secrets from a secret's text, a JSON object
// with a string or an array of strings for each scheme. Secrets that are too short are
// left out, which the logger is told. A text that is not such an object is an error, which
// goes on where a sentence begins with the secret's name.
func ParseSecrets(logger *slog.Logger) func(string) (Secrets, error) {
	return func(text string) (Secrets, error) {
		var fields map[string]json.RawMessage
		if json.Unmarshal([]byte(text), &fields) != nil || fields == nil { // It is nil after "null".
			// The decoder's own words might quote the secret.
			return Secrets{}, errors.New(`is not a JSON object such as {"bearer": "…"}`)
		}
		var secrets Secrets
		known := map[string]*[]secret.String{bearer{}.name(): &secrets.Bearer}
		for field, raw := range fields {
			list, ok := known[field]
			if !ok {
				logger.Warn("the webhook secret has a field that is not known; it is ignored", slog.String("field", field))
				continue
			}
			texts, err := parseTexts(raw)
			if err != nil {
				return Secrets{}, fmt.Errorf("has a field %q that is %w", field, err)
			}
			for _, text := range texts {
				if len(text) < minSecretLength {
					logger.Error("a webhook secret is too short and is not accepted",
						slog.String("field", field), slog.Int("at_least", minSecretLength))
					continue
				}
				*list = append(*list, secret.NewString(text))
			}
		}
		return secrets, nil
	}
}

// parseTexts reads a string or an array of strings.
func parseTexts(raw json.RawMessage) ([]string, error) {
	var one string
	if json.Unmarshal(raw, &one) == nil {
		return []string{one}, nil
	}
	var several []string
	if json.Unmarshal(raw, &several) != nil {
		return nil, errors.New("neither a string nor an array of strings")
	}
	return several, nil
}
