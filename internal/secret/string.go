package secret

import (
	"fmt"
	"io"
	"log/slog"
)

const redacted = "[redacted]"

// String is a text that must not be seen: whichever way it is printed, logged or encoded, it
// comes out as "[redacted]". Only Reveal returns the text, so every use of it can be searched for.
type String struct {
	// fmt does not call the methods of a value in an unexported field but walks into it, and stops
	// only at a pointer. So the text is kept behind one.
	value *string

	// Two pointers to equal texts differ, so == would mislead: with this field it does not compile.
	_ [0]func()
}

// NewString returns s as a secret text.
func NewString(s string) String { return String{value: &s} }

// Reveal returns the text itself.
func (s String) Reveal() string {
	if s.value == nil {
		return ""
	}
	return *s.value
}

// IsZero reports whether there is no text.
func (s String) IsZero() bool { return s.Reveal() == "" }

// String implements fmt.Stringer without the text.
func (s String) String() string { return redacted }

// GoString implements fmt.GoStringer without the text.
func (s String) GoString() string { return redacted }

// Format implements fmt.Formatter without the text. String alone would not do: fmt asks for it
// only with the verbs made for strings, and would print the fields with %d.
func (s String) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, redacted) }

// MarshalText implements encoding.TextMarshaler without the text.
func (s String) MarshalText() ([]byte, error) { return []byte(redacted), nil }

// MarshalJSON implements json.Marshaler without the text.
func (s String) MarshalJSON() ([]byte, error) { return []byte(`"` + redacted + `"`), nil }

// LogValue implements slog.LogValuer without the text.
func (s String) LogValue() slog.Value { return slog.StringValue(redacted) }
