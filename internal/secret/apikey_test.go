package secret_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"sendgrid-sso-integration/internal/secret"
)

func TestAPIKey(t *testing.T) {
	t.Parallel()
	for name, stored := range map[string]string{
		"bare":                  "SG.abc-_.123",
		"with a newline":        "SG.abc-_.123\r\n",
		"with white space":      " \t\u00a0SG.abc-_.123 ",
		"with a BOM":            "\ufeffSG.abc-_.123\n",
		"JSON":                  `{"api_key":"SG.abc-_.123"}`,
		"JSON with more fields": `{"note":"made by hand","n":1,"api_key":"SG.abc-_.123"}`,
		"JSON indented":         "\n{\n  \"api_key\": \"SG.abc-_.123\"\n}\n",
		"JSON with a BOM":       "\ufeff{\"api_key\":\"SG.abc-_.123\"}",
		"JSON, padded key":      `{"api_key":" SG.abc-_.123\n"}`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			k := secret.NewAPIKey(respondWith(response{text: stored, version: "1"}), id, secret.Options{})
			key, version, err := k.Key(t.Context())
			require.NoError(t, err)
			require.Equal(t, "SG.abc-_.123", key)
			require.Equal(t, "1", version)
		})
	}
}

func TestAPIKeyIsUnusable(t *testing.T) {
	t.Parallel()
	const (
		notObject    = `is JSON but not an object; store the bare key or {"api_key": "..."}`
		badJSON      = `begins with "{" but is not valid JSON`
		noField      = `is JSON but has no "api_key" field`
		notText      = `has an "api_key" field that is not a string`
		blank        = `contains a blank key; store the key`
		badCharacter = `contains white space, a control or a non-ASCII character in the key; store only the key`
	)
	for name, tt := range map[string]struct{ stored, want string }{
		"empty":                {"", "is empty; store a value in it"},
		"white space":          {" \n", "is empty; store a value in it"},
		"BOM alone":            {"\ufeff", blank},
		"quoted":               {`"SG.do-not-print-this"`, notObject},
		"quote left open":      {`"SG.do-not-print-this`, notObject},
		"array":                {`["SG.do-not-print-this"]`, notObject},
		"brackets":             {`[SG.do-not-print-this]`, notObject},
		"number":               {"12345678901234567890", notObject},
		"null":                 {"null", notObject},
		"broken JSON":          {`{"api_key":"SG.do-not-print-this`, badJSON},
		"not quite JSON":       {`{api_key: SG.do-not-print-this}`, badJSON},
		"text after JSON":      {`{"api_key":"SG.do-not-print-this"} x`, badJSON},
		"no field":             {`{"key":"SG.do-not-print-this"}`, noField},
		"other case":           {`{"API_KEY":"SG.do-not-print-this"}`, noField},
		"key as field name":    {`{"SG.do-not-print-this":""}`, noField},
		"field null":           {`{"api_key":null}`, notText},
		"field a number":       {`{"api_key":123456789012}`, notText},
		"field an object":      {`{"api_key":{"value":"SG.do-not-print-this"}}`, notText},
		"field blank":          {`{"api_key":" \t"}`, blank},
		"Bearer":               {"Bearer SG.do-not-print-this", badCharacter},
		"two lines":            {"SG.do-not-print-this\nSG.other", badCharacter},
		"header injection":     {`{"api_key":"SG.do-not-print-this\r\nX: y"}`, badCharacter},
		"NUL":                  {"SG.do-not-print-this\x00", badCharacter},
		"DEL":                  {"SG.do-not-print-this\x7f", badCharacter},
		"zero-width space":     {"SG.do-not-print\u200b-this", badCharacter},
		"BOM inside":           {"SG.do-not-print\ufeff-this", badCharacter},
		"invalid UTF-8":        {"SG.do-not-print-this\xff", badCharacter},
		"invalid UTF-8 inside": {"{\"api_key\":\"SG.do-not-print-this\xff\"}", badCharacter},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			k := secret.NewAPIKey(respondWith(response{text: tt.stored, version: "1"}), id, secret.Options{})
			key, version, err := k.Key(t.Context())

			var failure *secret.Error
			require.ErrorAs(t, err, &failure)
			require.EqualError(t, err, `secret "sendgrid/api-key" `+tt.want)
			require.True(t, failure.Permanent())
			require.Empty(t, key)
			require.Empty(t, version)
		})
	}
}

// A check is about the secret as it is now, also while a key that was read before is in use.
func TestCheckAPIKey(t *testing.T) {
	t.Parallel()
	good := response{text: "SG.one", version: "1"}
	for name, tt := range map[string]struct {
		responses []response
		want      string
	}{
		"as before":       {[]response{good, good}, ""},
		"another key":     {[]response{good, {text: "SG.two", version: "2"}}, ""},
		"unusable now":    {[]response{good, {text: "{", version: "2"}}, "is not valid JSON"},
		"refused now":     {[]response{good, {err: awsError("AccessDeniedException")}}, "may not be read"},
		"unreachable now": {[]response{good, {err: errUnreachable}}, "unreachable"},
		"never there":     {[]response{{err: awsError("ResourceNotFoundException")}}, "does not exist"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			k := secret.NewAPIKey(respondWith(tt.responses...), id, secret.Options{TTL: time.Hour})
			_, _, _ = k.Key(t.Context())
			err := k.Check(t.Context())
			if tt.want == "" {
				require.NoError(t, err)
			} else {
				require.ErrorContains(t, err, tt.want)
			}
			key, _, _ := k.Key(t.Context())
			if last := tt.responses[len(tt.responses)-1]; tt.want == "" {
				require.Equal(t, last.text, key, "what was read is used")
			} else if len(tt.responses) > 1 {
				require.Equal(t, "SG.one", key, "it is still in use")
			}
		})
	}
}
