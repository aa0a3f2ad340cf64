package saml

import (
	"bytes"
	"fmt"
)

const derSequence = 0x30

// oidSignedData is the object identifier that follows the outer SEQUENCE of PKCS #7.
var oidSignedData = []byte{0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x07, 0x02}

// splitDER returns the values of DER that follow each other in data, at least one.
func splitDER(data []byte) ([][]byte, *fault) {
	value, rest, ok := cutSequence(data)
	if !ok {
		return nil, whyNot(data)
	}
	values := [][]byte{value}
	for len(rest) > 0 {
		value, others, ok := cutSequence(rest)
		if !ok {
			return nil, &fault{problem: "is followed by other data", advice: "send only the certificate"}
		}
		values, rest = append(values, value), others
	}
	return values, nil
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

// cutSequence returns the DER SEQUENCE that data begins with, and what follows it.
func cutSequence(data []byte) (value, rest []byte, ok bool) {
	end := sequenceEnd(data)
	if end == 0 || end > len(data) {
		return nil, nil, false
	}
	return data[:end:end], data[end:], true
}

// sequenceEnd returns how many bytes the SEQUENCE that data begins with has with its header, 0
// if there is none, or if its length is not given, or beyond all bounds.
func sequenceEnd(data []byte) int {
	content, ok := enterSequence(data)
	header := len(data) - len(content)
	if !ok || data[1] == 0x80 || header > 2+3 {
		return 0
	}
	if data[1] < 0x80 {
		return header + int(data[1])
	}
	length := 0
	for _, b := range data[2:header] {
		length = length<<8 | int(b)
	}
	return header + length
}

const copyAgain = "copy it again from the identity provider"

// whyNot explains why data is no certificate.
func whyNot(data []byte) *fault {
	content, _ := enterSequence(data)
	switch {
	case bytes.HasPrefix(content, oidSignedData):
		return isPKCS7
	case isCertificateRequest(data):
		return isRequest
	case isPublicKeyInfo(data):
		return isPublicKey
	}
	if end := sequenceEnd(data); end > len(data) {
		return &fault{problem: fmt.Sprintf("is cut off: it has %d of %d bytes", len(data), end), advice: copyAgain}
	}
	return &fault{problem: "cannot be read as an X.509 certificate", advice: copyAgain}
}
