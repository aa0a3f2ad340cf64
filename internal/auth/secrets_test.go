package auth_test

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"

	"sendgrid-sso-integration/internal/auth"
	"sendgrid-sso-integration/internal/secret"
)

// parse parses a secret and returns what may be used of it in the clear.
func parse(t *testing.T, text string) (texts []string, log string, err error) {
	t.Helper()
	book := &logBook{}
	secrets, err := auth.ParseSecrets(book.logger())(text)
	for _, s := range secrets.Bearer {
		texts = append(texts, s.Reveal())
	}
	return texts, book.String(), err
}

func TestParseSecrets(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		text string
		want []string
		log  []string // each of these is in the log, which is empty if there are none
	}{
		"one":              {`{"bearer":"` + newSecret + `"}`, []string{newSecret}, nil},
		"two":              {`{"bearer":["` + newSecret + `","` + oldSecret + `"]}`, []string{newSecret, oldSecret}, nil},
		"none":             {`{}`, nil, nil},
		"empty list":       {`{"bearer":[]}`, nil, nil},
		"white space":      {" {\"bearer\" :\n\"" + newSecret + "\"}\n", []string{newSecret}, nil},
		"just long enough": {`{"bearer":"0123456789abcdef"}`, []string{"0123456789abcdef"}, nil},
		"too short":        {`{"bearer":"0123456789abcde"}`, nil, []string{"level=ERROR", "field=bearer", "at_least=16"}},
		"one too short":    {`{"bearer":["0123456789abcde","` + newSecret + `"]}`, []string{newSecret}, []string{"level=ERROR", "field=bearer", "at_least=16"}},
		"empty":            {`{"bearer":""}`, nil, []string{"level=ERROR", "field=bearer"}},
		"null":             {`{"bearer":null}`, nil, []string{"level=ERROR", "field=bearer"}},
		"unknown field":    {`{"bearer":"` + newSecret + `","token":"0123456789abcde"}`, []string{newSecret}, []string{"level=WARN", "field=token"}},
		"unknown of no text": {
			`{"gitlab":{"x":"0123456789abcde"},"token":["0123456789abcde"]}`, nil, []string{"field=gitlab", "field=token"},
		},
		"field in another case": {`{"Bearer":"` + newSecret + `"}`, nil, []string{"level=WARN", "field=Bearer"}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, log, err := parse(t, test.text)
			require.NoError(t, err)
			require.Equal(t, test.want, got)
			for _, part := range test.log {
				require.Contains(t, log, part)
			}
			if test.log == nil {
				require.Empty(t, log)
			}
			require.NotContains(t, log, "0123456789")
		})
	}
}

func TestParseSecretsRefuses(t *testing.T) {
	t.Parallel()
	tests := map[string]struct{ text, want string }{
		"bare secret":       {newSecret, "is not a JSON object"},
		"nothing":           {"", "is not a JSON object"},
		"text":              {`"` + newSecret + `"`, "is not a JSON object"},
		"list":              {`["` + newSecret + `"]`, "is not a JSON object"},
		"null":              {`null`, "is not a JSON object"},
		"number":            {`0123456789`, "is not a JSON object"},
		"cut off":           {`{"bearer":"` + newSecret + `"`, "is not a JSON object"},
		"something follows": {`{"bearer":"` + newSecret + `"} ` + oldSecret, "is not a JSON object"},
		"of an object":      {`{"bearer":{"new":"` + newSecret + `"}}`, `has a field "bearer" that is neither`},
		"of a number":       {`{"bearer":1234567890123456}`, `has a field "bearer" that is neither`},
		"of true":           {`{"bearer":true}`, `has a field "bearer" that is neither`},
		"of mixed list":     {`{"bearer":["` + newSecret + `",5]}`, `has a field "bearer" that is neither`},
		"of lists":          {`{"bearer":[["` + newSecret + `"]]}`, `has a field "bearer" that is neither`},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, log, err := parse(t, test.text)
			require.ErrorContains(t, err, test.want)
			require.Empty(t, got)
			require.NotContains(t, err.Error()+log, "0123456789")
		})
	}
}

// Each field has its own idea of what is good enough; what is not is named and never shown.
func TestParseSecretsOfEachScheme(t *testing.T) {
	t.Parallel()
	const key, short = "0123456789abcdef", "0123456789abcde"
	plain := func(field string, of func(auth.Secrets) []secret.String) {
		t.Run(field, func(t *testing.T) {
			t.Parallel()
			requireKeys(t, of, field, key, key, "")
			requireKeys(t, of, field, short, "", "too short")
			requireKeys(t, of, field, "", "", "too short")
		})
	}
	plain("bearer", func(s auth.Secrets) []secret.String { return s.Bearer })
	plain("api_key", func(s auth.Secrets) []secret.String { return s.APIKey })
	plain("jira", func(s auth.Secrets) []secret.String { return s.Jira })
	plain("github", func(s auth.Secrets) []secret.String { return s.GitHub })
	plain("zendesk", func(s auth.Secrets) []secret.String { return s.Zendesk })
	authorization := func(s auth.Secrets) []secret.String { return s.Authorization }
	plain("authorization", authorization)
	t.Run("authorization with a word", func(t *testing.T) {
		t.Parallel()
		requireKeys(t, authorization, "authorization", "Basic "+key, "Basic "+key, "")
		requireKeys(t, authorization, "authorization", "Basic "+short, "", "too short")
		requireKeys(t, authorization, "authorization", "Shortword              ", "", "too short")
	})
	t.Run("standard_webhooks", func(t *testing.T) {
		t.Parallel()
		standard := func(s auth.Secrets) []secret.String { return s.StandardWebhooks }
		requireKeys(t, standard, "standard_webhooks", whsec(key), key, "")
		requireKeys(t, standard, "standard_webhooks", whsec(short), "", "too short")
		requireKeys(t, standard, "standard_webhooks", "whsec_", "", "too short")
		requireKeys(t, standard, "standard_webhooks", whsec(key)[len("whsec_"):], "", "does not begin with whsec_")
		requireKeys(t, standard, "standard_webhooks", key+key, "", "does not begin with whsec_")
		requireKeys(t, standard, "standard_webhooks", "whsec_"+key+"-_"+key, "", "is not base64")
		requireKeys(t, standard, "standard_webhooks", whsec(key)+"=", "", "is not base64")
	})
}

// requireKeys expects a text to become this key, or to be refused for this reason.
func requireKeys(t *testing.T, of func(auth.Secrets) []secret.String, field, text, key, reason string) {
	t.Helper()
	book := &logBook{}
	secrets, err := auth.ParseSecrets(book.logger())(`{"` + field + `":"` + text + `"}`)
	require.NoError(t, err)
	if reason == "" {
		require.Empty(t, book.String())
		require.Len(t, of(secrets), 1)
		require.Equal(t, key, of(secrets)[0].Reveal())
		return
	}
	require.Empty(t, of(secrets))
	require.Contains(t, book.String(), "field="+field)
	require.Contains(t, book.String(), reason)
	require.NotContains(t, book.String(), "0123456789")
	require.NotContains(t, book.String(), "MDEyMzQ1Njc4", "which is the same in base64")
}

// FuzzParseSecrets looks for a text that yields a secret which does not stand in it, or is
// quoted in an error or the log.
func FuzzParseSecrets(f *testing.F) {
	for _, seed := range []string{
		`{"bearer":"` + newSecret + `"}`, `{"bearer":["` + newSecret + `","` + oldSecret + `"]}`, `{"bearer":"short"}`, `{"bearer":null}`,
		`{"bearer":[null]}`, `{"x":1}`, `null`, newSecret, "", `{"bearer":"\u0000\ud800aaaaaaaaaaaaaaaa"}`,
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		got, log, err := parse(t, text)
		if err != nil {
			require.Empty(t, got)
		}
		var fields map[string]any
		_ = json.Unmarshal([]byte(text), &fields) // If it fails, no secret is configured.
		configured, ok := fields["bearer"].([]any)
		if !ok {
			configured = []any{fields["bearer"]}
		}
		for _, text := range got {
			require.GreaterOrEqual(t, len(text), 16)
			require.Contains(t, configured, text)
			if len(fields) == 1 { // Else a field may have the secret as its name, and names are logged.
				require.NotContains(t, log, text)
			}
		}
	})
}
