package sendgrid

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"slices"
	"strings"
	"unicode/utf8"
)

const (
	// maxErrorBytes bounds what is read of an error response. Documented ones are
	// shorter by far; what is longer is an HTML page, and only its status counts.
	maxErrorBytes = 64 << 10
	// maxFieldErrors and maxMessageBytes bound what is passed on of a response.
	maxFieldErrors  = 20
	maxMessageBytes = 512
)

// Error is a request that failed: it was never sent, got no response, or got another response
// than the documented success. Class reports what that means for the caller.
type Error struct {
	Op Op
	// StatusCode is the HTTP status of the response, 0 where no response was read. It may
	// be a 2xx: then the response's body could not be read or understood.
	StatusCode int
	// Errors are the entries of SendGrid's response, empty where it has no known form.
	Errors []FieldError
	// RateLimit is the rate limit that the response reports.
	RateLimit RateLimit
	// Sent reports whether the request may have reached SendGrid. It is false only
	// where no connection was obtained.
	Sent bool
	// Err is the cause below HTTP, nil where a response was read completely.
	Err error
}

// FieldError is one entry of SendGrid's error responses.
type FieldError struct {
	// Field is the name of the wrong field, empty where the error is about none.
	Field   string
	Message string
	ID      string
}

// Error describes the failure for a log. It contains no header and no request body.
func (e *Error) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "sendgrid: %s", e.Op)
	switch {
	case e.StatusCode != 0:
		fmt.Fprintf(&b, ": status %d %s", e.StatusCode, http.StatusText(e.StatusCode))
	case e.Sent:
		b.WriteString(": sent, but there was no response")
	default:
		b.WriteString(": never sent")
	}
	for _, f := range e.Errors {
		if f.Field != "" {
			fmt.Fprintf(&b, "; %s: %s", f.Field, f.Message)
		} else {
			fmt.Fprintf(&b, "; %s", f.Message)
		}
	}
	if e.Err != nil {
		fmt.Fprintf(&b, ": %v", e.Err)
	}
	return b.String()
}

// Unwrap returns the cause below HTTP.
func (e *Error) Unwrap() error { return e.Err }

// Reason returns what SendGrid says in its response, on one line and bounded, for a message to a
// person; empty if it says nothing that can be read.
func (e *Error) Reason() string {
	var said []string
	for _, f := range e.Errors {
		if f.Field != "" {
			f.Message = f.Field + ": " + f.Message
		}
		said = append(said, f.Message)
	}
	return clip(strings.Join(said, "; "))
}

// KeyError is a request without a usable API key: none could be read, or SendGrid refused
// it with 401 and no newer one could be read. SendGrid has done nothing.
type KeyError struct {
	Op  Op
	Err error
}

func (e *KeyError) Error() string { return fmt.Sprintf("sendgrid: %s: no API key: %v", e.Op, e.Err) }

// Unwrap returns the key source's error.
func (e *KeyError) Unwrap() error { return e.Err }

// readErrorBody reads an error response as far as it can be read; the status counts in any
// case. The key is cut out of the messages in case a proxy echoes the request.
func readErrorBody(r io.Reader, key string) ([]FieldError, error) {
	body, err := io.ReadAll(io.LimitReader(r, maxErrorBytes))
	if err != nil {
		return nil, fmt.Errorf("read the error response: %w", err)
	}
	found := parseErrorBody(body)
	for i := range found {
		for _, text := range []*string{&found[i].Field, &found[i].Message, &found[i].ID} {
			*text = clip(strings.Join(strings.Fields(redact(*text, key)), " "))
		}
	}
	return found, nil
}

// parseErrorBody reads the forms that SendGrid uses: a bare array, which the SSO reference
// documents, or an object with "errors", "error" or "message", of which the first that says
// something counts. Any other body, such as HTML, has no entries.
func parseErrorBody(body []byte) []FieldError {
	found := parseEntries(body)
	var object struct {
		Errors  json.RawMessage `json:"errors"`
		Error   json.RawMessage `json:"error"`
		Message json.RawMessage `json:"message"`
	}
	if len(found) == 0 && json.Unmarshal(body, &object) == nil {
		for _, raw := range []json.RawMessage{object.Errors, object.Error, object.Message} {
			if len(found) == 0 {
				found = parseMessages(raw)
			}
		}
	}
	return found[:min(len(found), maxFieldErrors)]
}

// parseEntries reads an array of entries.
func parseEntries(raw json.RawMessage) []FieldError {
	var list []json.RawMessage
	if json.Unmarshal(raw, &list) != nil {
		return nil
	}
	var found []FieldError
	for _, raw := range list {
		if entry, ok := parseFieldError(raw); ok {
			found = append(found, entry)
		}
	}
	return found
}

// parseMessages reads an array of entries, one entry, or an object that has the messages by the
// field that they are about.
func parseMessages(raw json.RawMessage) []FieldError {
	if found := parseEntries(raw); len(found) > 0 {
		return found
	}
	if entry, ok := parseFieldError(raw); ok {
		return []FieldError{entry}
	}
	var fields map[string]json.RawMessage
	if json.Unmarshal(raw, &fields) != nil {
		return nil
	}
	var found []FieldError
	for _, name := range slices.Sorted(maps.Keys(fields)) {
		entries := parseEntries(fields[name])
		if text := parseText(fields[name]); text != "" && !isMarkup(text) {
			entries = []FieldError{{Message: text}}
		}
		for _, entry := range entries {
			entry.Field = cmp.Or(entry.Field, name)
			found = append(found, entry)
		}
	}
	return found
}

// parseFieldError reads one entry: an object, or a bare message.
func parseFieldError(raw json.RawMessage) (FieldError, bool) {
	if message := parseText(raw); message != "" && !isMarkup(message) {
		return FieldError{Message: message}, true
	}
	var entry struct {
		Field   json.RawMessage `json:"field"`
		Message json.RawMessage `json:"message"`
		ID      json.RawMessage `json:"error_id"`
	}
	if json.Unmarshal(raw, &entry) != nil {
		return FieldError{}, false
	}
	found := FieldError{Field: parseText(entry.Field), Message: parseText(entry.Message), ID: parseText(entry.ID)}
	return found, found.Message != "" && !isMarkup(found.Message)
}

// isMarkup reports whether a message is HTML or XML, which nobody can read in a sentence.
func isMarkup(message string) bool { return strings.HasPrefix(strings.TrimSpace(message), "<") }

// parseText reads a JSON string; anything else, null among it, is empty.
func parseText(raw json.RawMessage) string {
	var text string
	if json.Unmarshal(raw, &text) != nil {
		return ""
	}
	return text
}

func redact(text, key string) string {
	if key == "" {
		return text
	}
	return strings.ReplaceAll(text, key, "[redacted]")
}

// withoutKey returns err, or only its redacted text where it contains the key: errors quote
// what they cannot parse, and that may be the request, echoed by a proxy.
func withoutKey(err error, key string) error {
	if err == nil || key == "" || !strings.Contains(err.Error(), key) {
		return err
	}
	return errors.New(redact(err.Error(), key))
}

// clip shortens a text to a useful length, between two characters.
func clip(text string) string {
	if len(text) <= maxMessageBytes {
		return text
	}
	end := maxMessageBytes
	for !utf8.RuneStart(text[end]) {
		end--
	}
	return text[:end] + "…"
}
