package refusal

import (
	"bytes"
	"compress/flate"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net/url"
	"strings"
	"unicode"

	"sendgrid-sso-integration/internal/saml"
)

// MaxBytes is how long a response may be, in any form.
const MaxBytes = 1 << 20

// Read returns the XML of a response, or of a request, as people copy it: as XML, as base64, as the value
// of a form with its escapes, or as the whole form. White space, and quotes around it, mean nothing.
func Read(pasted []byte) ([]byte, error) {
	if len(pasted) > MaxBytes {
		return nil, fmt.Errorf("it has more than %d bytes", MaxBytes)
	}
	text := strings.TrimFunc(string(saml.CutMark(pasted)), func(r rune) bool { return unicode.IsSpace(r) || strings.ContainsRune(`"'`+"`", r) })
	if text == "" {
		return nil, errors.New("it is empty")
	}
	if strings.HasPrefix(text, "<") {
		return []byte(text), nil
	}
	decoded, err := decode(value(text))
	if err != nil {
		return nil, err
	}
	if !saml.IsXML(decoded) {
		decoded = inflate(decoded)
	}
	if !saml.IsXML(decoded) {
		return nil, errors.New("the base64 in it is not that of XML")
	}
	return decoded, nil
}

// value returns the value of the parameter in a form or a query, or the text if it is none.
func value(text string) string {
	for _, name := range []string{"SAMLResponse=", "SAMLRequest="} {
		if _, after, found := strings.Cut(text, name); found {
			text, _, _ = strings.Cut(after, "&")
		}
	}
	return text
}

// decode decodes base64 of either alphabet, with its padding or without, escaped for a URL or not.
func decode(text string) ([]byte, error) {
	if strings.Contains(text, "%") {
		unescape := url.PathUnescape // It leaves + as it is, which base64 has.
		if strings.Contains(strings.ToUpper(text), "%2B") {
			unescape = url.QueryUnescape // Here + is a space.
		}
		unescaped, err := unescape(text)
		if err != nil {
			return nil, errors.New("a % in it begins no escape of two hexadecimal digits")
		}
		text = unescaped
	}
	if strings.HasPrefix(text, "<") {
		return []byte(text), nil
	}
	text = strings.Map(func(r rune) rune {
		if unicode.IsSpace(r) || unicode.Is(unicode.Cf, r) {
			return -1
		}
		return r
	}, text)
	text = strings.NewReplacer("-", "+", "_", "/").Replace(strings.TrimRight(text, "="))
	decoded, err := base64.RawStdEncoding.DecodeString(text)
	switch {
	case err == nil:
		return decoded, nil
	case strings.ContainsFunc(text, foreign):
		return nil, errors.New("it is neither XML nor base64")
	}
	return nil, fmt.Errorf("it has %d characters of base64, of which the last ones are missing", len(text))
}

// foreign reports whether a character does not belong to base64.
func foreign(r rune) bool {
	return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && r != '+' && r != '/'
}

// inflate returns what is compressed, as in a URL, or the data if nothing is.
func inflate(data []byte) []byte {
	inflated, err := io.ReadAll(io.LimitReader(flate.NewReader(bytes.NewReader(data)), MaxBytes))
	if err != nil {
		return data
	}
	return inflated
}
