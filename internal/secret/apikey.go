package secret

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"unicode"
)

// These are the reasons why the content is unusable. They are fixed texts, so that none can quote it.
var (
	errNotObject    = errors.New(`is JSON but not an object; store the bare key or {"api_key": "..."}`)
	errBadJSON      = errors.New(`begins with "{" but is not valid JSON`)
	errNoField      = errors.New(`is JSON but has no "api_key" field`)
	errNotText      = errors.New(`has an "api_key" field that is not a string`)
	errBlankKey     = errors.New(`contains a blank key; store the key`)
	errBadCharacter = errors.New(`contains white space, a control or a non-ASCII character in the key; store only the key`)
)

// APIKey is an API key in Secrets Manager, stored as the bare key or as a JSON object with "api_key".
type APIKey struct{ cache *Cache[String] }

// NewAPIKey returns the API key in the secret with that name or ARN. It does not fetch it yet.
func NewAPIKey(api API, id string, opts Options) *APIKey {
	return &APIKey{NewCache(api, id, parseAPIKey, opts)}
}

// Key returns the key and its version, as [Cache.Get] does.
func (k *APIKey) Key(ctx context.Context) (key, version string, err error) {
	value, version, err := k.cache.Get(ctx)
	return value.Reveal(), version, err
}

// RenewKey fetches the key after the rejected version was refused, as [Cache.Refresh] does.
// Trying the returned key makes sense only if its version is another one.
func (k *APIKey) RenewKey(ctx context.Context, rejected string) (key, version string, err error) {
	value, version, err := k.cache.Refresh(ctx, rejected)
	return value.Reveal(), version, err
}

// Check reads the secret again, and returns an error if it has no usable key now, also if one that was read
// before is in use.
func (k *APIKey) Check(ctx context.Context) error {
	_, version, err := k.cache.Get(ctx)
	if err == nil {
		_, _, err = k.cache.Refresh(ctx, version)
	}
	return err
}

// parseAPIKey extracts the key from a secret's text. It rejects what could not be sent in a header:
// otherwise each request would fail for a reason that is hard to find.
func parseAPIKey(text string) (String, error) {
	key := trim(text)
	if strings.HasPrefix(key, "{") {
		var err error
		if key, err = apiKeyField(key); err != nil {
			return String{}, err
		}
	} else if json.Valid([]byte(key)) || strings.HasPrefix(key, `"`) || strings.HasPrefix(key, "[") {
		return String{}, errNotObject
	}

	switch {
	case key == "":
		return String{}, errBlankKey
	case strings.ContainsFunc(key, func(r rune) bool { return r <= ' ' || r > '~' }):
		return String{}, errBadCharacter
	}
	return NewString(key), nil
}

// apiKeyField returns the "api_key" of a JSON object. No error of encoding/json is passed on,
// because those quote their input.
func apiKeyField(object string) (string, error) {
	var fields map[string]json.RawMessage
	if json.Unmarshal([]byte(object), &fields) != nil {
		return "", errBadJSON
	}
	raw, ok := fields["api_key"]
	if !ok {
		return "", errNoField
	}
	var key *string
	if json.Unmarshal(raw, &key) != nil || key == nil {
		return "", errNotText
	}
	return trim(*key), nil
}

// trim removes what editors and command lines add: surrounding white space and a byte order mark.
func trim(s string) string {
	return strings.TrimFunc(s, func(r rune) bool { return unicode.IsSpace(r) || r == '\ufeff' })
}
