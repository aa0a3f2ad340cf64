package saml_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"sendgrid-sso-integration/internal/saml"
)

func TestIsXML(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]bool{
		"<a/>": true, " \r\n\t<a": true, "\uFEFF<": true, "\uFEFF \n<": true,
		"": false, "{}": false, `"<a/>"`: false, "\uFEFF": false, "a<": false, "é<": false, "&lt;a": false,
	} {
		require.Equal(t, want, saml.IsXML([]byte(text)), "%q", text)
	}
}
