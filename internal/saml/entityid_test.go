package saml_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"sendgrid-sso-integration/internal/saml"
)

func TestEntityIDProblem(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct{ id, want string }{
		"a URL":                     {"https://idp.example.com/metadata", ""},
		"spaces in it":              {"JumpCloud Example Org", ""},
		"1024 characters":           {strings.Repeat("語", 1024), ""},
		"1025 characters":           {strings.Repeat("語", 1025), "must have at most 1024 characters, has 1025"},
		"empty":                     {"", "must not be empty"},
		"a tab":                     {"urn:\tidp", "must not contain control characters"},
		"a line break":              {"urn:\nidp", "must not contain control characters"},
		"the replacement character": {"urn:\ufffd", "must not contain control characters"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			require.Equal(t, tt.want, saml.EntityIDProblem(tt.id))
		})
	}
}
