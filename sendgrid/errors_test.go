package sendgrid

import (
	"errors"
	"io"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/require"
)

func TestParseErrorBody(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, body string
		want       []FieldError
	}{
		{name: "array", body: `[{"message":"m","field":"f","error_id":"i"}]`, want: []FieldError{{Field: "f", Message: "m", ID: "i"}}},
		{name: "array of texts", body: `["a","b"]`, want: []FieldError{{Message: "a"}, {Message: "b"}}},
		{name: "array of anything", body: `[null,1,true,[],{},"",{"message":""},{"message":"m"}]`, want: []FieldError{{Message: "m"}}},
		{name: "empty array", body: `[]`},
		{name: "errors", body: `{"errors":[{"message":"m","field":null}]}`, want: []FieldError{{Message: "m"}}},
		{name: "errors as texts", body: `{"errors":["m"]}`, want: []FieldError{{Message: "m"}}},
		{name: "error as a text", body: `{"error":"m"}`, want: []FieldError{{Message: "m"}}},
		{name: "error as an object", body: `{"error":{"message":"m","field":"f"}}`, want: []FieldError{{Field: "f", Message: "m"}}},
		{name: "errors before error", body: `{"errors":["a"],"error":"b"}`, want: []FieldError{{Message: "a"}}},
		{name: "error beside null errors", body: `{"errors":null,"error":"m"}`, want: []FieldError{{Message: "m"}}},
		{name: "error beside empty errors", body: `{"errors":[],"error":"m"}`, want: []FieldError{{Message: "m"}}},
		{name: "error beside errors of another type", body: `{"errors":7,"error":"m"}`, want: []FieldError{{Message: "m"}}},
		{name: "messages by field", body: `{"errors":{"name":["too long","not unique"],"entity_id":["already taken"]}}`, want: []FieldError{
			{Field: "entity_id", Message: "already taken"}, {Field: "name", Message: "too long"}, {Field: "name", Message: "not unique"},
		}},
		{name: "one message by field", body: `{"errors":{"entity_id":"already taken"}}`, want: []FieldError{{Field: "entity_id", Message: "already taken"}}},
		{name: "entries by field", body: `{"errors":{"entity_id":[{"message":"already taken"}]}}`, want: []FieldError{{Field: "entity_id", Message: "already taken"}}},
		{name: "errors as a text", body: `{"errors":"m"}`, want: []FieldError{{Message: "m"}}},
		{name: "message", body: `{"message":"m"}`, want: []FieldError{{Message: "m"}}},
		{name: "errors before message", body: `{"message":"invalid","errors":{"name":["m"]}}`, want: []FieldError{{Field: "name", Message: "m"}}},
		{name: "message beside empty errors", body: `{"message":"m","errors":{}}`, want: []FieldError{{Message: "m"}}},
		{name: "HTML as a message", body: `{"message":" <html><body>no</body></html>","error":{"message":"<p>"}}`},
		{name: "null error", body: `{"error":null}`},
		{name: "another object", body: `{"status":"error"}`},
		{name: "null", body: `null`},
		{name: "number", body: `42`},
		{name: "text", body: `"m"`},
		{name: "HTML", body: `<html>`},
		{name: "empty", body: ``},
		{name: "two values", body: `[] []`},
		{name: "invalid UTF-8 is made valid", body: "[\"a\xffb\"]", want: []FieldError{{Message: "a\ufffdb"}}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			require.Equal(t, tt.want, parseErrorBody([]byte(tt.body)))
		})
	}
	require.Len(t, parseErrorBody([]byte("[null"+strings.Repeat(`,"m"`, 100)+"]")), 20, "the first twenty")
}

func TestReadErrorBodyShortensTexts(t *testing.T) {
	t.Parallel()
	tests := []struct{ name, text, want string }{
		{name: "512 bytes stay", text: strings.Repeat("x", 512), want: strings.Repeat("x", 512)},
		{name: "513 bytes do not", text: strings.Repeat("x", 513), want: strings.Repeat("x", 512) + "…"},
		{name: "no character is cut in two", text: "x" + strings.Repeat("ä", 300), want: "x" + strings.Repeat("ä", 255) + "…"},
		{name: "a key at the cut is redacted before it is cut", text: strings.Repeat("x", 510) + "secret", want: strings.Repeat("x", 510) + "[r…"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			body := `[{"message":"` + tt.text + `","field":"` + tt.text + `","error_id":"` + tt.text + `"}]`
			found, err := readErrorBody(strings.NewReader(body), "secret")
			require.NoError(t, err)
			require.Equal(t, []FieldError{{Message: tt.want, Field: tt.want, ID: tt.want}}, found)
			require.True(t, utf8.ValidString(found[0].Message))
		})
	}
}

// An error without the key is still the one that it was, so that its cause can be found.
func TestWithoutKey(t *testing.T) {
	t.Parallel()
	require.NoError(t, withoutKey(nil, "key"))
	require.ErrorIs(t, withoutKey(io.EOF, ""), io.EOF)
	require.ErrorIs(t, withoutKey(io.EOF, "key"), io.EOF)
	require.EqualError(t, withoutKey(errors.New("a key"), "key"), "a [redacted]")
}

func TestReason(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct{ body, want string }{
		"a field":       {`{"errors":{"entity_id":["already taken"]}}`, "entity_id: already taken"},
		"several":       {`[{"message":"a","field":"name"},"b"]`, "name: a; b"},
		"line breaks":   {`{"error":"a\r\n\tb "}`, "a b"},
		"the key":       {`{"error":"the key secret is not valid"}`, "the key [redacted] is not valid"},
		"nothing":       {`{}`, ""},
		"HTML":          {`<html>`, ""},
		"it is bounded": {`["` + strings.Repeat("x", 400) + `","` + strings.Repeat("y", 400) + `"]`, strings.Repeat("x", 400) + "; " + strings.Repeat("y", 110) + "…"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			found, err := readErrorBody(strings.NewReader(tt.body), "secret")
			require.NoError(t, err)
			require.Equal(t, tt.want, (&Error{Errors: found}).Reason())
		})
	}
}

func TestRedact(t *testing.T) {
	t.Parallel()
	require.Equal(t, "a [redacted] b [redacted]", redact("a key b key", "key"), "every occurrence")
	require.Equal(t, "a", redact("a", "key"), "no occurrence")
	require.Equal(t, "a", redact("a", ""), "an empty key is in no text")
}
