package auth

import (
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"

	"sendgrid-sso-integration/internal/secret"
)

// minSecretLength is the length below which a secret can be guessed.
const minSecretLength = 16

// Secrets are the secrets that callers may use, by scheme. Each scheme takes several,
// so that the old and the new one are both good during a rotation; one without any is off.
type Secrets struct {
	Bearer           []secret.String
	Authorization    []secret.String
	APIKey           []secret.String
	StandardWebhooks []secret.String // the keys, decoded
	Jira             []secret.String
	GitHub           []secret.String
	Zendesk          []secret.String
}

// field is one scheme's place in the secret.
type field struct {
	list *[]secret.String
	// key makes a key of a configured text, or says what is wrong with it in words that
	// do not quote it.
	key func(text string) (string, error)
}

// fields returns where to put the texts of each field.
func (s *Secrets) fields() map[string]field {
	return map[string]field{
		bearer{}.name():           {&s.Bearer, plainKey},
		authorization{}.name():    {&s.Authorization, authorizationKey},
		apiKey{}.name():           {&s.APIKey, plainKey},
		standardWebhooks{}.name(): {&s.StandardWebhooks, signingKey},
		jira().name():             {&s.Jira, plainKey},
		github().name():           {&s.GitHub, plainKey},
		zendesk{}.name():          {&s.Zendesk, plainKey},
	}
}

// plainKey takes a text as it is, unless it can be guessed.
func plainKey(text string) (string, error) {
	if len(text) < minSecretLength {
		return "", errors.New("it is too short")
	}
	return text, nil
}

// ParseSecrets returns a function that reads Secrets from a secret's text, a JSON object
// with a string or an array of strings for each scheme. Secrets that cannot be used are
// left out, which the logger is told. A text that is not such an object is an error, which
// goes on where a sentence begins with the secret's name.
func ParseSecrets(logger *slog.Logger) func(string) (Secrets, error) {
	return func(text string) (Secrets, error) {
		var members map[string]json.RawMessage
		if json.Unmarshal([]byte(text), &members) != nil || members == nil { // It is nil after "null".
			// The decoder's own words might quote the secret.
			return Secrets{}, errors.New(`is not a JSON object such as {"bearer": "…"}`)
		}
		var secrets Secrets
		known := secrets.fields()
		for name, raw := range members {
			f, ok := known[name]
			if !ok {
				logger.Warn("the webhook secret has a field that is not known; it is ignored", slog.String("field", name))
				continue
			}
			texts, err := parseTexts(raw)
			if err != nil {
				return Secrets{}, fmt.Errorf("has a field %q that is %w", name, err)
			}
			for _, text := range texts {
				key, err := f.key(strings.TrimSpace(text)) // A newline at the end is never meant.
				if err != nil {
					logger.Error("a webhook secret is not accepted", slog.String("field", name),
						slog.String("reason", err.Error()), slog.Int("at_least", minSecretLength))
					continue
				}
				*f.list = append(*f.list, secret.NewString(key))
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
