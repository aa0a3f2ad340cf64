package auth

import (
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"

	"sendgrid-sso-integration/internal/secret"
)

// minKeyLength is the length in bytes below which a key is considered guessable.
const minKeyLength = 16

// Secrets are the keys of each scheme, by its name. A scheme can have several, so that both
// the old and the new one are valid during a rotation; one without any is disabled.
type Secrets map[string][]secret.String

// ParseSecrets returns a function that parses Secrets from a secret's text: a JSON object
// with a string or an array of strings for each scheme. It logs and omits keys that are
// unusable. Its error means that the text is no such object; it continues a sentence that
// begins with the secret's name, and does not quote the text.
func ParseSecrets(logger *slog.Logger) func(string) (Secrets, error) {
	parsers := map[string]func(string) (string, error){}
	for _, s := range schemes() {
		parsers[s.name] = s.parseKey
	}
	return func(text string) (Secrets, error) {
		var fields map[string]json.RawMessage
		if json.Unmarshal([]byte(text), &fields) != nil || fields == nil { // "null" leaves it nil.
			// The decoder's own error might quote the secret.
			return nil, errors.New(`is not a JSON object such as {"bearer": "…"}`)
		}
		secrets := Secrets{}
		for name, raw := range fields {
			parseKey, ok := parsers[name]
			if !ok {
				logger.Warn("the webhook secret has an unknown field, which is ignored", slog.String("field", name))
				continue
			}
			texts, err := parseTexts(raw)
			if err != nil {
				return nil, fmt.Errorf("has a field %q that is %w", name, err)
			}
			for _, text := range texts {
				key, err := parseKey(strings.TrimSpace(text)) // Editors append a newline.
				if err != nil {
					logger.Error("a webhook secret is unusable and is ignored", slog.String("field", name),
						slog.String("reason", err.Error()), slog.Int("min_length", minKeyLength))
					continue
				}
				secrets[name] = append(secrets[name], secret.NewString(key))
			}
		}
		return secrets, nil
	}
}

// parseTexts parses a string or an array of strings.
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

// plainKey is the parseKey of schemes whose key is the configured text.
func plainKey(text string) (string, error) {
	if len(text) < minKeyLength {
		return "", errors.New("it is too short")
	}
	return text, nil
}
