package secret_test

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"log/slog"
	"testing"

	"github.com/stretchr/testify/require"

	"sendgrid-sso-integration/internal/secret"
)

const hidden = "SG.do-not-print-this"

// holder has a secret wherever a struct can have one. Its unexported field is what fmt walks into
// without calling methods.
type holder struct {
	Exported   secret.String
	Pointer    *secret.String
	Any        any
	List       []secret.String
	Map        map[string]secret.String
	unexported secret.String
}

func holders() map[string]any {
	s := secret.NewString(hidden)
	h := holder{s, &s, s, []secret.String{s}, map[string]secret.String{"key": s}, s}
	return map[string]any{
		"value":             s,
		"pointer":           &s,
		"struct":            h,
		"pointer to struct": &h,
		"slice":             []secret.String{s},
		"map":               map[string]secret.String{"key": s},
		"nested":            struct{ inner holder }{h},
		"error":             fmt.Errorf("refused: %v", s),
		"joined error":      errors.Join(fmt.Errorf("refused: %+v", h)),
	}
}

func TestStringIsRedactedByEveryVerb(t *testing.T) {
	t.Parallel()
	for name, v := range holders() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for _, flags := range []string{"", "+", "#", "-", " ", "0", "40", ".3", "# ", "+#"} {
				for _, verb := range "vTtbcdoOqxXUeEfFgGspw!" {
					format := "%" + flags + string(verb)
					requireHidden(t, fmt.Sprintf(format, v), format)
				}
			}
			requireHidden(t, fmt.Sprint(v), "Sprint")
		})
	}
}

func TestStringIsRedactedByEncoders(t *testing.T) {
	t.Parallel()
	for name, v := range holders() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			encoded, err := json.Marshal(v)
			require.NoError(t, err)
			requireHidden(t, string(encoded), "json")

			encoded, _ = xml.Marshal(v)
			requireHidden(t, string(encoded), "xml")

			var log bytes.Buffer
			options := &slog.HandlerOptions{Level: slog.LevelDebug}
			for _, h := range []slog.Handler{slog.NewTextHandler(&log, options), slog.NewJSONHandler(&log, options)} {
				slog.New(h).With(slog.Any("with", v)).Info("message", slog.Any("attr", v), slog.Group("group", slog.Any("attr", v)))
			}
			requireHidden(t, log.String(), "slog")
		})
	}
}

func TestStringSaysThatItIsRedacted(t *testing.T) {
	t.Parallel()
	s := secret.NewString(hidden)
	for _, format := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
		require.Equal(t, "[redacted]", fmt.Sprintf(format, s), format)
	}
	require.Equal(t, "[redacted]", s.String())
	require.Equal(t, "[redacted]", s.GoString())
	encoded, err := json.Marshal(map[string]any{"key": s})
	require.NoError(t, err)
	require.JSONEq(t, `{"key":"[redacted]"}`, string(encoded))
}

func TestStringReveal(t *testing.T) {
	t.Parallel()
	var zero secret.String
	require.True(t, zero.IsZero())
	require.Empty(t, zero.Reveal())
	require.Equal(t, "[redacted]", fmt.Sprint(zero))
	require.True(t, secret.NewString("").IsZero())
	require.False(t, secret.NewString(hidden).IsZero())
	require.Equal(t, hidden, secret.NewString(hidden).Reveal())
}

// requireHidden refuses the text as such, in hexadecimal and as the numbers of its bytes.
func requireHidden(t *testing.T, printed, how string) {
	t.Helper()
	require.NotContains(t, printed, "do-not-print", how)
	require.NotContains(t, printed, fmt.Sprintf("%x", hidden[3:9]), how)
	require.NotContains(t, printed, fmt.Sprintf("%X", hidden[3:9]), how)
	require.NotContains(t, printed, "100 111 45", how)
}
