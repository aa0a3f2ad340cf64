package saml

import (
	"bytes"
	"cmp"
	"encoding/base64"
	"strings"
)

const (
	pemBegin = "-----BEGIN"
	pemEnd   = "-----END"
)

// unescape turns the newlines of JSON, shell strings and XML that were escaped once too often
// into newlines. PEM and base64 have no backslash and no & of their own.
var unescape = strings.NewReplacer(`\\r`, "\n", `\\n`, "\n", `\r`, "\n", `\n`, "\n",
	"&#13;", "\n", "&#10;", "\n", "&#xD;", "\n", "&#xA;", "\n", "&#xd;", "\n", "&#xa;", "\n")

// readBlocks returns the DER of the certificates in PEM blocks, or in bare base64, at least
// one. Base64 may have PEM in it again, once. encoding/pem does not serve: it skips what it
// does not understand, and needs newlines.
func readBlocks(text string) ([][]byte, *fault) { return readText(text, false) }

func readText(text string, inBase64 bool) ([][]byte, *fault) {
	text = strings.TrimSpace(unescape.Replace(withoutFormat(text)))
	switch {
	case text == "":
		return nil, &fault{problem: "must not be empty"}
	case namesPrivateKey(text):
		return nil, isPrivateKey
	case strings.HasPrefix(text, "<"):
		return nil, isMarkup
	case !strings.Contains(text, "-----"):
		data, wrong := decodeBase64(text)
		if wrong != nil && !wrong.isSecret() && !bytes.HasPrefix(data, []byte{derSequence}) {
			wrong = cmp.Or(checkAround(text), isNeither)
		}
		return readDecoded(data, wrong, inBase64)
	}
	var ders [][]byte
	blocks := strings.Count(text, pemBegin)
	for i := range blocks + 1 {
		around, block, found := strings.Cut(text, pemBegin)
		if wrong := checkAround(around); wrong != nil {
			return nil, wrong
		}
		if !found {
			break
		}
		body, rest, wrong := cutBlock(block)
		if wrong != nil {
			return nil, wrong.numbered(i, blocks)
		}
		data, wrong := decodeBase64(body)
		read, wrong := readDecoded(data, wrong, inBase64)
		if wrong != nil {
			return nil, wrong.numbered(i, blocks)
		}
		ders, text = append(ders, read...), rest
	}
	if blocks == 0 {
		return nil, &fault{problem: "has no -----BEGIN CERTIFICATE----- line", advice: "send the whole PEM block"}
	}
	return ders, nil
}

// cutBlock returns what is in the PEM block whose label text begins with, and what follows it.
func cutBlock(text string) (body, rest string, wrong *fault) {
	label, text, begun := strings.Cut(text, "-----")
	body, text, ended := strings.Cut(text, pemEnd)
	footer, rest, closed := strings.Cut(text, "-----")
	label, footer = strings.Join(strings.Fields(label), " "), strings.Join(strings.Fields(footer), " ")
	if !begun || !ended || !closed || label != footer || strings.Contains(body, pemBegin) {
		return "", "", &fault{problem: "has a PEM block without its -----END----- line", advice: "send it whole"}
	}
	return body, rest, checkLabel(label)
}

// checkLabel returns what is wrong with the label of a PEM block.
func checkLabel(label string) *fault {
	switch {
	case label == "CERTIFICATE", label == "X509 CERTIFICATE":
		return nil
	case privateKeyLabel.MatchString(label):
		return isPrivateKey
	}
	switch label {
	case "CERTIFICATE REQUEST", "NEW CERTIFICATE REQUEST":
		return isRequest
	case "PUBLIC KEY", "RSA PUBLIC KEY", "SSH2 PUBLIC KEY":
		return isPublicKey
	case "PKCS7", "PKCS #7 SIGNED DATA":
		return isPKCS7
	case "CMS":
		return isCMS
	case "TRUSTED CERTIFICATE":
		return isTrusted
	}
	return &fault{problem: "has a PEM block that is no certificate", advice: "send only blocks that begin with -----BEGIN CERTIFICATE-----"}
}

// checkAround looks into explanatory text around PEM blocks. It is skipped (RFC 7468, section
// 5.2), but a certificate in it, whose lines of dashes got lost, was meant to be sent.
func checkAround(text string) *fault {
	for word := range strings.FieldsSeq(text) {
		var start [48]byte
		n, _ := base64.StdEncoding.Decode(start[:], []byte(word[:min(len(word), 64)/4*4]))
		content, _ := enterSequence(start[:n])
		switch {
		case n < 12:
		case hasPrivateKey(start[:n]):
			return isPrivateKey
		case n >= 30 && bytes.HasPrefix(start[1:], []byte{0x82}) && bytes.HasPrefix(content, []byte{derSequence}):
			return &fault{problem: "has base64 next to other text", advice: "put the certificate into a block of -----BEGIN CERTIFICATE----- and -----END CERTIFICATE-----"}
		}
	}
	if strings.Contains(text, pemEnd) {
		return &fault{problem: "has an -----END----- line without its -----BEGIN----- line", advice: "send the whole PEM block"}
	}
	return nil
}

// readDecoded returns the DER of the certificates in what was base64, if nothing was wrong with it.
func readDecoded(data []byte, wrong *fault, inBase64 bool) ([][]byte, *fault) {
	switch {
	case wrong != nil:
		return nil, wrong
	case !inBase64 && !bytes.HasPrefix(data, []byte{derSequence}) && bytes.Contains(data, []byte(pemBegin)):
		return readText(string(data), true)
	}
	return splitDER(data)
}
