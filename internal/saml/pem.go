package saml

import (
	"bytes"
	"encoding/base64"
	"regexp"
	"strings"
	"unicode"
)

const (
	isPrivateKey = "contains a private key: never send one, and replace this one if it is in use; " +
		"send the identity provider's certificate"
	isRequest   = "is a certificate request, not a certificate; send the identity provider's signing certificate"
	isPublicKey = "is a public key, not a certificate; send the identity provider's signing certificate"
	isXML       = "is XML; send SAML metadata as saml_metadata, or only the text of its X509Certificate element"
	isNeither   = "must be PEM (-----BEGIN CERTIFICATE-----) or the base64 text of one certificate, and nothing else"
)

// unescape turns the newlines of JSON and shell strings that were escaped once too often
// into newlines. PEM and base64 have no backslash of their own.
var unescape = strings.NewReplacer(`\\r`, "\n", `\\n`, "\n", `\r`, "\n", `\n`, "\n")

// privateKeyLabel matches the label of a PEM block with a private key, however it was
// reformatted, and the heading of PuTTY's format.
var privateKeyLabel = regexp.MustCompile(`(?i)private[\W_]*key|PuTTY-User-Key-File`)

// readBlocks returns the DER of every PEM block in text, or of the one certificate in bare
// base64. encoding/pem does not serve: it skips what it does not understand, and needs
// newlines.
func readBlocks(text string) ([][]byte, error) {
	text = strings.TrimSpace(unescape.Replace(strings.TrimPrefix(text, "\uFEFF")))
	switch {
	case text == "":
		return nil, &Error{"must not be empty"}
	case privateKeyLabel.MatchString(text):
		return nil, &Error{isPrivateKey}
	case strings.HasPrefix(text, "<"):
		return nil, &Error{isXML}
	case !strings.Contains(text, "-----"):
		der, err := decodeBase64(text)
		return [][]byte{der}, err
	}
	var blocks [][]byte
	for text != "" {
		var der []byte
		var err error
		if der, text, err = cutBlock(text); err != nil {
			return nil, err
		}
		blocks = append(blocks, der)
	}
	return blocks, nil
}

// cutBlock decodes the PEM block at the start of text and returns what follows it.
func cutBlock(text string) (der []byte, rest string, err error) {
	text, ok := strings.CutPrefix(text, "-----BEGIN")
	if !ok {
		return nil, "", &Error{"must have no text outside the PEM blocks"}
	}
	label, text, begun := strings.Cut(text, "-----")
	body, text, ended := strings.Cut(text, "-----END")
	footer, rest, closed := strings.Cut(text, "-----")
	label, footer = strings.Join(strings.Fields(label), " "), strings.Join(strings.Fields(footer), " ")
	if !begun || !ended || !closed || label != footer {
		return nil, "", &Error{"has a PEM block without its -----END----- line; send it whole"}
	}
	if problem := checkLabel(label); problem != "" {
		return nil, "", &Error{problem}
	}
	der, err = decodeBase64(body)
	return der, strings.TrimSpace(rest), err
}

// checkLabel returns what is wrong with the label of a PEM block, empty if nothing is.
func checkLabel(label string) string {
	switch label {
	case "CERTIFICATE", "X509 CERTIFICATE":
		return ""
	case "CERTIFICATE REQUEST", "NEW CERTIFICATE REQUEST":
		return isRequest
	case "PUBLIC KEY", "RSA PUBLIC KEY", "SSH2 PUBLIC KEY":
		return isPublicKey
	}
	return "has a PEM block that is no certificate; send only blocks that begin with -----BEGIN CERTIFICATE-----"
}

// decodeBase64 decodes padded base64 with white space anywhere.
func decodeBase64(text string) ([]byte, error) {
	compact := strings.Map(func(r rune) rune {
		if unicode.IsSpace(r) {
			return -1
		}
		return r
	}, text)
	data := make([]byte, base64.StdEncoding.DecodedLen(len(compact)))
	n, err := base64.StdEncoding.Strict().Decode(data, []byte(compact))
	data = data[:n:n]
	switch {
	case hasPrivateKey(data): // Also where the text is damaged further on.
		return nil, &Error{isPrivateKey}
	case err != nil && !bytes.HasPrefix(data, []byte{derSequence}):
		return nil, &Error{isNeither}
	case err != nil:
		return nil, &Error{"is damaged base64; copy it again"}
	}
	return data, nil
}
