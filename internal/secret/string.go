package secret

import (
	"fmt"
	"io"
	"log/slog"
)

const redacted = "[redacted]"

// String is a secret text: however it is printed, logged or encoded, the output is "[redacted]".
// Only Reveal returns the text, so every use of it can be found by a search.
type String struct {
	// fmt does not call the methods of a value in an unexported field but prints its fields, and does
	// not follow a pointer there. So the text is behind one.
	value *string

	// Pointers to equal texts differ, so == would be wrong: this field makes it a compile error.
	_ [0]func()
}

// NewString returns s as a secret text.
func NewString(s string) String { return String{value: &s} }

// Reveal returns the text.
func (s String) Reveal() string {
	if s.value == nil {
		return ""
	}
	return *s.value
}

// IsZero reports whether the text is empty.
func (s String) IsZero() bool { return s.Reveal() == "" }

// String implements fmt.Stringer without the text.
func (s String) String() string { return redacted }

// GoString implements fmt.GoStringer without the text.
func (s String) GoString() string { return redacted }

// Format implements fmt.Formatter without the text. String is not enough: fmt calls it
// only for the verbs that suit strings, and would print the fields with %d.
func (s String) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, redacted) }

// MarshalText implements encoding.TextMarshaler without the text.
func (s String) MarshalText() ([]byte, error) { return []byte(redacted), nil }

// MarshalJSON implements json.Marshaler without the text.
func (s String) MarshalJSON() ([]byte, error) { return []byte(`"` + redacted + `"`), nil }

// LogValue implements slog.LogValuer without the text.
func (s String) LogValue() slog.Value { return slog.StringValue(redacted) }
