package secret

import (
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func FuzzParseAPIKey(f *testing.F) {
	for _, seed := range []string{
		"", "SG.abc", "\ufeff SG.abc\n", `{"api_key":"SG.abc"}`, `{"api_key":null}`, `{"api_key":1}`, `{"api_key":`,
		`{"other":"SG.abc"}`, `"SG.abc"`, `["SG.abc"]`, "1e9", "Bearer SG.abc", "SG.\x00\xff", `{"api_key":"\ud800"}`,
		`{"api_key":"a","api_key":"b c"}`, strings.Repeat(`{"api_key":`, 100),
	} {
		f.Add(seed)
	}
	fixed := []error{errNotObject, errBadJSON, errNoField, errNotText, errBlankKey, errBadCharacter}

	f.Fuzz(func(t *testing.T, content string) {
		key, err := parseAPIKey(content)
		if err != nil {
			// A fixed text cannot quote the content. The content may quote the fixed text, though.
			require.True(t, slices.Contains(fixed, err), "an error of another kind")
			require.True(t, key.IsZero())
			return
		}
		require.NotEmpty(t, key.Reveal())
		for _, b := range []byte(key.Reveal()) {
			require.True(t, '!' <= b && b <= '~', "a byte that has no place in a header")
		}
		again, err := parseAPIKey(`{"api_key":` + quote(key.Reveal()) + `}`)
		require.NoError(t, err)
		require.Equal(t, key.Reveal(), again.Reveal(), "bare and in JSON")
	})
}

// quote makes a JSON string of visible ASCII.
func quote(s string) string {
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(s) + `"`
}
