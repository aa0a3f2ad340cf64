package saml

import (
	"bytes"
	"encoding/base64"
	"regexp"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

var (
	// privateKeyBlock matches the first or the last line of a PEM block with a private key, of PGP
	// or SSH too, in any text. It has its dashes, some of which a word processor may have joined,
	// because the words alone may be in the name of a certificate or in the subject of a ticket.
	privateKeyBlock = regexp.MustCompile(`[-\p{Pd}]{2,}[\W_]*(?:BEGIN|END)[\W_]+(?:[A-Z0-9]+[\W_]+){0,3}PRIVATE[\W_]*KEY` +
		`|(?i:-{4,}[\W_]*(?:begin|end)[\W_]+(?:[a-z0-9]+[\W_]+){0,3}private[\W_]*key)`)
	// jsonEscape matches an escape of JSON, also one that was escaped again.
	jsonEscape = regexp.MustCompile(`\\+(?:[nrt/]|u[0-9a-fA-F]{4})`)
	// privateKeyLabel matches the label of a PEM block with a private key, however it was
	// reformatted, the heading of PuTTY's format, and that of a key that OpenSSL prints.
	privateKeyLabel = regexp.MustCompile(`(?i)private[\W_]*key|PuTTY-User-Key-File`)
	// nameLines are lines of explanatory text that may have these words in a name.
	nameLines = regexp.MustCompile(`(?im)^[ \t]*(friendlyName|subject|issuer|X509v3 Private Key Usage Period)\b.*$`)
)

func namesPrivateKey(text string) bool {
	return privateKeyLabel.MatchString(text) && privateKeyLabel.MatchString(nameLines.ReplaceAllStringFunc(text, func(line string) string {
		if strings.Contains(line, "BEGIN") { // It is more than a name.
			return line
		}
		return ""
	}))
}

const (
	derInteger = 0x02
	// minKeyText is the length of the shortest base64 that is looked into. It has the beginning of
	// every key, and most words are shorter.
	minKeyText = 24
)

// The object identifiers with which an encrypted PKCS #8 key begins: of a scheme of PKCS #5 or of
// PKCS #12.
var (
	oidPKCS5  = []byte{0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x05}
	oidPKCS12 = []byte{0x06, 0x0a, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x0c, 0x01}
)

// HasPrivateKey reports whether a text of any kind, such as JSON that need not be well-formed, has
// a private key in it: in a PEM block, in bare base64, or as PuTTY writes it. It finds one in a
// string of JSON, whatever is escaped there, and in text that is base64 itself.
func HasPrivateKey(text []byte) bool { return hasKeyInText(text, true) }

func hasKeyInText(text []byte, inBase64 bool) bool {
	plain := plainText(text)
	dashes := strings.Contains(plain, "--") || !isASCII(plain) // Most requests have none, and the search is slow.
	if strings.Contains(plain, "PuTTY-User-Key-File") || dashes && privateKeyBlock.MatchString(plain) {
		return true
	}
	isSeparator := func(r rune) bool { return !isAlphanumeric(r) && r != '+' && r != '/' && !unicode.IsSpace(r) }
	for segment := range strings.FieldsFuncSeq(plain, isSeparator) {
		if len(segment) < minKeyText {
			continue
		}
		words, joined := strings.Fields(segment), false
		for i, word := range words {
			if len(word) < minKeyText {
				continue
			}
			if isKeyInBase64(word, inBase64) || !joined && i+1 < len(words) && isKeyInBase64(strings.Join(words[i:], ""), inBase64) {
				return true
			}
			joined = true // The lines after the first are in it.
		}
	}
	return false
}

// isKeyInBase64 reports whether base64, perhaps cut off, has a private key in it, or text that has.
func isKeyInBase64(word string, mayBeText bool) bool {
	data, err := base64.StdEncoding.DecodeString(word[:len(word)/4*4])
	switch {
	case err != nil:
		return false
	case anyDER(data, beginsPrivateKey):
		return true
	}
	return mayBeText && utf8.Valid(data) && hasKeyInText(data, false)
}

// plainText returns text without what hides a key from a search: escapes, characters of no width,
// and the zero bytes of UTF-16.
func plainText(text []byte) string {
	plain := string(text)
	if strings.Contains(plain, "\x00") {
		plain = strings.ReplaceAll(plain, "\x00", "")
	}
	if strings.Contains(plain, `\`) {
		plain = jsonEscape.ReplaceAllStringFunc(plain, func(escape string) string {
			switch name := strings.TrimLeft(escape, `\`); name[0] {
			case 'u':
				r, _ := strconv.ParseUint(name[1:], 16, 16) // It has four digits.
				return string(rune(r))
			case '/':
				return "/"
			}
			return "\n"
		})
	}
	if strings.Contains(plain, "&#") {
		plain = unescape.Replace(plain)
	}
	if isASCII(plain) {
		return plain
	}
	return withoutFormat(plain)
}

func isASCII(text string) bool {
	return !strings.ContainsFunc(text, func(r rune) bool { return r >= utf8.RuneSelf })
}

// containsPrivateKey reports whether one of the values of DER that follow each other in data
// is a private key, or text that names one.
func containsPrivateKey(data []byte) bool { return anyDER(data, hasPrivateKey) }

// anyDER reports whether test is true of one of the values of DER that follow each other in data,
// or of what comes after them.
func anyDER(data []byte, test func([]byte) bool) bool {
	for ok := true; ok; _, data, ok = cutSequence(data) {
		if test(data) {
			return true
		}
	}
	return false
}

// hasPrivateKey reports whether data begins as a private key does, or is text that names one.
func hasPrivateKey(data []byte) bool {
	_, isDER := enterSequence(data) // A certificate may have these words in a name.
	return beginsPrivateKey(data) || !isDER && namesPrivateKey(string(data))
}

// beginsPrivateKey reports whether data begins as a private key does. It goes by the first
// bytes only, so that a key that was cut off is recognised as well. PKCS #1, PKCS #8, EC and
// DSA keys and PKCS #12 files are a SEQUENCE that begins with a version from 0 to 3; nothing
// else that is sent in place of a certificate is.
func beginsPrivateKey(data []byte) bool {
	content, ok := enterSequence(data)
	if !ok {
		return bytes.HasPrefix(data, []byte("openssh-key-v1"))
	}
	if len(content) >= 3 && content[0] == derInteger && content[1] == 1 && content[2] <= 3 {
		return true
	}
	algorithm, ok := enterSequence(content)
	return ok && (bytes.HasPrefix(algorithm, oidPKCS5) || bytes.HasPrefix(algorithm, oidPKCS12))
}
