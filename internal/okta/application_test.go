package okta_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"sendgrid-sso-integration/internal/okta"
)

func readApplication(t *testing.T, document string) (*okta.Application, error) {
	t.Helper()
	return newClient(func(*http.Request) *http.Response { return respond(http.StatusOK, document) }).Application(t.Context(), "0oa1")
}

func TestApplication(t *testing.T) {
	t.Parallel()
	app, err := readApplication(t, `{"id":"0oa1","label":"SendGrid","status":"INACTIVE","signOnMode":"SAML_2_0",
		"credentials":{"signing":{"kid":"akm1"}},
		"settings":{"signOn":{"subjectNameIdTemplate":"${user.userName}","ssoAcsUrl":"https://a","recipient":"https://a","destination":"https://a","audience":"urn:b"}}}`)
	require.NoError(t, err)
	require.Equal(t, "akm1", app.SigningKeyID)
	require.False(t, app.IsActive())
	require.True(t, app.SendsUserName())
	require.True(t, app.SignOn.IsCustomizable())
	require.True(t, app.SignOn.Equal("https://a", "urn:b"))
	require.False(t, app.SignOn.Equal("https://a", "urn:c"))
	require.False(t, app.SignOn.Equal("https://b", "urn:b"))

	catalogue, err := readApplication(t, `{"id":"0oa1","status":"ACTIVE","settings":{"app":{"integrationId":"x"},"signOn":{"ssoAcsUrlOverride":""}}}`)
	require.NoError(t, err)
	require.True(t, catalogue.IsActive())
	require.True(t, catalogue.SendsUserName())
	byAPI, err := readApplication(t, `{"id":"0oa1","settings":{"signOn":{"subjectNameIdTemplate":"${source.login}"}}}`)
	require.NoError(t, err)
	require.False(t, byAPI.SendsUserName())
	require.Empty(t, catalogue.SigningKeyID)
	require.False(t, catalogue.SignOn.IsCustomizable())
	require.False(t, catalogue.SignOn.Equal("", ""))

	for _, document := range []string{"", "[]", "<html>", `{"id":7}`, `{}`, "null"} {
		_, err := readApplication(t, document)
		require.ErrorContains(t, err, "not the documented JSON", document)
	}
	noSettings, err := readApplication(t, `{"id":"0oa1","settings":{"signOn":null}}`)
	require.NoError(t, err)
	_, err = noSettings.WithServiceProvider("https://a", "https://b")
	require.ErrorContains(t, err, "has no settings.signOn")
}

// Whatever else an application has stays as it was read.
func FuzzWithServiceProvider(f *testing.F) {
	f.Add(`{"id":"0oa1","n":1.50,"settings":{"signOn":{"x":[1e3,"<&>"]},"y":null}}`)
	f.Add(`{"id":"0oa1","settings":{"signOn":{"ssoAcsUrl":1,"audience":"a"}},"a":12345678901234567890,"\u2028":"\ud800"}`)
	f.Fuzz(func(t *testing.T, document string) {
		app, err := readApplication(t, document)
		if err != nil {
			return
		}
		written, err := app.WithServiceProvider("https://a", "urn:b")
		if err != nil {
			return
		}
		want, got := tree(t, document), tree(t, string(written))
		signOn := got["settings"].(map[string]any)["signOn"].(map[string]any)
		old := want["settings"].(map[string]any)["signOn"].(map[string]any)
		for name, value := range map[string]string{"ssoAcsUrl": "https://a", "recipient": "https://a", "destination": "https://a", "audience": "urn:b"} {
			require.Equal(t, value, signOn[name])
			old[name] = value
		}
		require.Equal(t, want, got)
	})
}

func tree(t *testing.T, text string) (v map[string]any) {
	t.Helper()
	decoder := json.NewDecoder(strings.NewReader(text))
	decoder.UseNumber()
	require.NoError(t, decoder.Decode(&v))
	return v
}
