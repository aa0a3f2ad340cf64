package okta_test

import (
	"encoding/json"
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"sendgrid-sso-integration/internal/okta"
)

func TestParseCredential(t *testing.T) {
	t.Parallel()
	token, err := okta.ParseCredential("\ufeff{\"api_token\":\"00abc\"}\n")
	require.NoError(t, err)
	require.Equal(t, "00abc", token.APIToken.Reveal())

	quoted, err := json.Marshal(pemKey(t))
	require.NoError(t, err)
	service, err := okta.ParseCredential(fmt.Sprintf(`{"client_id":"0oa1","key_id":"k","private_key":%s,"note":1}`, quoted))
	require.NoError(t, err)
	require.Equal(t, pemKey(t), service.PrivateKey.Reveal())
	require.True(t, service.APIToken.IsZero())
	for _, verb := range []string{"%v", "%+v", "%#v", "%s"} {
		require.NotContains(t, fmt.Sprintf(verb+verb, token, service), "PRIVATE")
		require.NotContains(t, fmt.Sprintf(verb, token), "00abc")
	}
}

func TestCredentialIsUnusable(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct{ stored, want string }{
		"bare":              {"00S3CRET", "is not a JSON object"},
		"a list":            {`["00S3CRET"]`, "is not a JSON object"},
		"a number":          {`{"api_token":1234567}`, "is not a JSON object"},
		"nothing known":     {`{"token":"00S3CRET"}`, "must have either"},
		"both":              {`{"api_token":"00S3CRET","client_id":"0oa1"}`, "must have either"},
		"no key":            {`{"client_id":"0oa1","key_id":"S3CRET"}`, "must have either"},
		"line break":        {`{"api_token":"00S3CRET\n"}`, "contains white space"},
		"key without PEM":   {`{"client_id":"0oa1","key_id":"k","private_key":"S3CRET"}`, "not an unencrypted RSA key"},
		"key with spaces":   {`{"client_id":"0oa1","key_id":"k","private_key":"-----BEGIN PRIVATE KEY----- S3CRET -----END PRIVATE KEY-----"}`, "line breaks"},
		"header in the id":  {`{"client_id":"0oa1\r\nX: S3CRET","key_id":"k","private_key":"x"}`, "contains white space"},
		"another character": {`{"api_token":"00S3CRETü"}`, "non-ASCII"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := okta.ParseCredential(tt.stored)
			require.ErrorContains(t, err, tt.want)
			require.NotContains(t, err.Error(), "S3CRET")
			require.True(t, got.APIToken.IsZero())
			require.True(t, got.PrivateKey.IsZero())
		})
	}
}

func FuzzParseCredential(f *testing.F) {
	for _, seed := range []string{"", "{}", `{"api_token":"00a"}`, `{"api_token":null}`, `{"client_id":"a","key_id":"b","private_key":"c"}`, `{"API_TOKEN":"\u0000"}`} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, stored string) {
		c, err := okta.ParseCredential(stored)
		if err != nil {
			return
		}
		require.NotEqual(t, c.APIToken.IsZero(), c.PrivateKey.IsZero(), "one of both")
		for _, r := range c.APIToken.Reveal() + c.ClientID + c.KeyID {
			require.True(t, r > ' ' && r < 0x7f, "a character that has no place in a header")
		}
	})
}
