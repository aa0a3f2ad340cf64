package saml

import (
	"bytes"
	"crypto/x509"
	"encoding/asn1"
)

const (
	derSequence = 0x30
	derInteger  = 0x02
)

// The object identifiers that follow the outer SEQUENCE (and, of keys, one more).
var (
	oidSignedData = []byte{0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x07, 0x02}
	// An encrypted PKCS #8 key begins with a scheme of PKCS #5 or PKCS #12.
	oidPKCS5  = []byte{0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x05}
	oidPKCS12 = []byte{0x06, 0x0a, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x0c, 0x01}
)

// hasPrivateKey reports whether data begins as a private key does. It goes by the first
// bytes only, so that a key that was cut off is recognised as well. PKCS #1, PKCS #8, EC and
// DSA keys and PKCS #12 files are a SEQUENCE that begins with a version from 0 to 3; nothing
// else that is sent in place of a certificate is.
func hasPrivateKey(data []byte) bool {
	content, ok := enterSequence(data)
	if !ok { // Text in base64; a certificate may have these words in a name.
		return bytes.HasPrefix(data, []byte("openssh-key-v1")) || privateKeyLabel.Match(data)
	}
	if len(content) >= 3 && content[0] == derInteger && content[1] == 1 && content[2] <= 3 {
		return true
	}
	algorithm, ok := enterSequence(content)
	return ok && (bytes.HasPrefix(algorithm, oidPKCS5) || bytes.HasPrefix(algorithm, oidPKCS12))
}

// enterSequence returns what follows the header of a DER SEQUENCE.
func enterSequence(data []byte) (content []byte, ok bool) {
	if len(data) < 2 || data[0] != derSequence {
		return nil, false
	}
	header := 2
	if data[1] > 0x80 { // The low bits count the bytes of the length.
		header += int(data[1] & 0x7f)
	}
	if len(data) < header {
		return nil, false
	}
	return data[header:], true
}

// whyNot explains why data is no certificate.
func whyNot(data []byte) string {
	content, _ := enterSequence(data)
	var first asn1.RawValue
	rest, err := asn1.Unmarshal(data, &first)
	switch {
	case bytes.HasPrefix(data, []byte("-----BEGIN")):
		return "is PEM that was encoded in base64 once more; send the PEM text"
	case err == nil && len(rest) > 0 && hasPrivateKey(rest):
		return isPrivateKey
	case err == nil && len(rest) > 0:
		return "is followed by other data; send each certificate as a PEM block of its own"
	case bytes.HasPrefix(content, oidSignedData):
		return "is a PKCS #7 bundle, not a certificate; send the certificate in it as PEM"
	case isCertificateRequest(data):
		return isRequest
	case isPublicKeyInfo(data):
		return isPublicKey
	}
	return "cannot be read as an X.509 certificate; copy it again from the identity provider"
}

func isCertificateRequest(data []byte) bool {
	_, err := x509.ParseCertificateRequest(data)
	return err == nil
}

func isPublicKeyInfo(data []byte) bool {
	_, err := x509.ParsePKIXPublicKey(data)
	_, err1 := x509.ParsePKCS1PublicKey(data)
	return err == nil || err1 == nil
}
