package cut_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"sendgrid-sso-integration/internal/cut"
)

func TestCut(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		text         string
		most         int
		bytes, runes string
	}{
		"short":              {"abc", 4, "abc", "abc"},
		"as long as allowed": {"abcd", 4, "abcd", "abcd"},
		"too long":           {"abcde", 4, "a…", "abcd…"},
		"cut in a character": {"aüüü", 5, "a…", "aüüü"},
		"empty":              {"", 4, "", ""},
		"no UTF-8":           {"ab\xff", 4, "ab", "ab\xff"},
		"nothing is kept":    {"abcd", 3, "…", "abc…"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			require.Equal(t, tt.bytes, cut.Bytes(tt.text, tt.most))
			require.Equal(t, tt.runes, cut.Runes(tt.text, tt.most))
		})
	}
}
