package saml

import (
	"encoding/base64"
	"fmt"
	"strings"
	"unicode"
)

// decodeBase64 decodes padded base64 with white space anywhere. Several texts in a row, each
// with its padding, are decoded one after the other. With a fault it returns what comes before
// the damage.
func decodeBase64(text string) ([]byte, *fault) {
	rest := strings.Map(func(r rune) rune {
		if unicode.IsSpace(r) {
			return -1
		}
		return r
	}, text)
	var all []byte
	for rest != "" {
		end := strings.IndexByte(rest, '=')
		if end < 0 {
			end = len(rest)
		}
		for end < len(rest) && rest[end] == '=' {
			end++
		}
		data := make([]byte, base64.StdEncoding.DecodedLen(end))
		n, err := base64.StdEncoding.Strict().Decode(data, []byte(rest[:end]))
		data = data[:n]
		if containsPrivateKey(data) { // Also where the text is damaged further on.
			return nil, isPrivateKey
		}
		all = append(all, data...)
		if err != nil {
			return all, damage(text, end)
		}
		rest = rest[end:]
	}
	return all, nil
}

// damage names what is wrong with base64 that has so many characters to its end or padding.
func damage(text string, length int) *fault {
	foreign := func(r rune) bool { return !isAlphanumeric(r) && !unicode.IsSpace(r) && !strings.ContainsRune("+/=", r) }
	problem := "is damaged base64"
	if at := strings.IndexFunc(text, foreign); at >= 0 {
		line := strings.Count(text[:at], "\n") + 1
		problem += fmt.Sprintf(": the character %q in line %d is none of base64", string([]rune(text[at:])[:1]), line)
	} else if length%4 != 0 {
		problem += fmt.Sprintf(": it has %d characters, which is not a multiple of 4, so that some are missing", length)
	}
	return &fault{problem: problem, advice: "copy it again"}
}
