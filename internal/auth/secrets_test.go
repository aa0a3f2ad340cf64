package auth_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"sendgrid-sso-integration/internal/auth"
)

// parse parses a webhook secret and returns the keys of one scheme in the clear.
func parse(text, scheme string) (keys []string, log string, err error) {
	logger, book := newLogger()
	secrets, err := auth.ParseSecrets(logger)(text)
	for _, key := range secrets[scheme] {
		keys = append(keys, key.Reveal())
	}
	return keys, book.String(), err
}

func TestParseSecrets(t *testing.T) {
	t.Parallel()
	const (
		short               = "0123456789abcde"
		notObject, badField = "is not a JSON object", `has a field "bearer" that is neither`
	)
	for name, test := range map[string]struct {
		text   string
		want   []string
		logged string
		err    string
	}{
		"one":                   {`{"bearer":"` + newSecret + `"}`, []string{newSecret}, "", ""},
		"two":                   {`{"bearer":["` + newSecret + `","` + oldSecret + `"]}`, []string{newSecret, oldSecret}, "", ""},
		"none":                  {`{}`, nil, "", ""},
		"empty list":            {`{"bearer":[]}`, nil, "", ""},
		"white space":           {" {\"bearer\" :\n\" " + newSecret + "\\n\"}\n", []string{newSecret}, "", ""},
		"one too short":         {`{"bearer":["` + short + `","` + newSecret + `"]}`, []string{newSecret}, "level=ERROR", ""},
		"null":                  {`{"bearer":null}`, nil, `reason="it is too short" min_length=16`, ""},
		"unknown field":         {`{"bearer":"` + newSecret + `","token":"` + short + `"}`, []string{newSecret}, "field=token", ""},
		"unknown of other type": {`{"gitlab":{"x":"` + short + `"}}`, nil, "level=WARN", ""},
		"field in another case": {`{"Bearer":"` + newSecret + `"}`, nil, "field=Bearer", ""},
		"bare secret":           {newSecret, nil, "", notObject},
		"nothing":               {"", nil, "", notObject},
		"text":                  {`"` + newSecret + `"`, nil, "", notObject},
		"list":                  {`["` + newSecret + `"]`, nil, "", notObject},
		"JSON null":             {`null`, nil, "", notObject},
		"number":                {`0123456789`, nil, "", notObject},
		"cut off":               {`{"bearer":"` + newSecret + `"`, nil, "", notObject},
		"something follows":     {`{"bearer":"` + newSecret + `"} ` + oldSecret, nil, "", notObject},
		"of an object":          {`{"bearer":{"new":"` + newSecret + `"}}`, nil, "", badField},
		"of a number":           {`{"bearer":1234567890123456}`, nil, "", badField},
		"of true":               {`{"bearer":true}`, nil, "", badField},
		"of mixed list":         {`{"bearer":["` + newSecret + `",5]}`, nil, "", badField},
		"of lists":              {`{"bearer":[["` + newSecret + `"]]}`, nil, "", badField},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			keys, log, err := parse(test.text, "bearer")
			require.Equal(t, test.want, keys)
			require.Equal(t, test.logged == "", log == "", log)
			require.Contains(t, log, test.logged)
			require.NotContains(t, log, "0123456789")
			if test.err == "" {
				require.NoError(t, err)
			} else {
				require.ErrorContains(t, err, test.err)
				require.NotContains(t, err.Error(), "0123456789")
			}
		})
	}
}

// Each scheme has its own rule for keys. Unusable ones are named but never shown.
func TestParseKeysOfEachScheme(t *testing.T) {
	t.Parallel()
	const key, short = "0123456789abcdef", "0123456789abcde"
	type keys struct{ text, key, reason string }
	plain := []keys{{key, key, ""}, {short, "", "too short"}, {"", "", "too short"}}
	for scheme, tests := range map[string][]keys{
		"bearer": plain, "api_key": plain, "jira": plain, "github": plain, "zendesk": plain,
		"authorization": append([]keys{
			{"Basic " + key, "Basic " + key, ""}, {"Basic " + short, "", "too short"}, {"Shortword              ", "", "too short"},
		}, plain...),
		"standard_webhooks": {
			{whsec(key), key, ""}, {whsec(short), "", "too short"}, {"whsec_", "", "too short"},
			{whsec(key)[len("whsec_"):], "", "does not begin with whsec_"}, {key + key, "", "does not begin with whsec_"},
			{"whsec_" + key + "-_" + key, "", "is not base64"}, {whsec(key) + "=", "", "is not base64"},
		},
	} {
		for _, test := range tests {
			t.Run(scheme+" "+test.text, func(t *testing.T) {
				t.Parallel()
				got, log, err := parse(`{"`+scheme+`":"`+test.text+`"}`, scheme)
				require.NoError(t, err)
				if test.reason == "" {
					require.Empty(t, log)
					require.Equal(t, []string{test.key}, got)
					return
				}
				require.Empty(t, got)
				require.Contains(t, log, "field="+scheme)
				require.Contains(t, log, test.reason)
				require.NotContains(t, log, "0123456789")
				require.NotContains(t, log, "MDEyMzQ1Njc4", "the same in base64")
			})
		}
	}
}

// FuzzParseSecrets searches for a text that yields a key which it does not contain, or is
// quoted in an error or the log.
func FuzzParseSecrets(f *testing.F) {
	for _, seed := range []string{
		`{"bearer":"` + newSecret + `"}`, `{"bearer":["` + newSecret + `","` + oldSecret + `"]}`, `{"bearer":"short"}`, `{"bearer":null}`,
		`{"bearer":[null]}`, `{"x":1}`, `null`, newSecret, "", `{"bearer":"\u0000\ud800aaaaaaaaaaaaaaaa"}`,
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		keys, log, err := parse(text, "bearer")
		if err != nil {
			require.Empty(t, keys)
		}
		var fields map[string]any
		_ = json.Unmarshal([]byte(text), &fields) // If it fails, no secret is configured.
		texts, ok := fields["bearer"].([]any)
		if !ok {
			texts = []any{fields["bearer"]}
		}
		for _, key := range keys {
			require.GreaterOrEqual(t, len(key), 16)
			require.True(t, slices.ContainsFunc(texts, func(text any) bool { return strings.TrimSpace(fmt.Sprint(text)) == key }))
			if len(fields) == 1 { // Otherwise the secret may be the name of another field, and names are logged.
				require.NotContains(t, log, key)
			}
		}
	})
}
