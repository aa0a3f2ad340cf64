package saml

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/pem"
	"fmt"
	"slices"
	"time"
)

// MaxCertificates bounds how many different certificates one request can bring.
const MaxCertificates = 10

// Certificate is an X.509 certificate with which an IdP signs its SAML responses.
type Certificate struct {
	// DER is the certificate in its binary form.
	DER []byte
	// SHA256 is the SHA-256 of DER in lower-case hexadecimal.
	SHA256 string
	// NotBefore and NotAfter bound the validity; both belong to it. They are in UTC.
	NotBefore, NotAfter time.Time
}

// PEM returns the certificate as a PEM block with 64-column lines and a final newline, the
// form that SendGrid is known to accept.
func (c Certificate) PEM() string {
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: c.DER}))
}

// ParseCertificates reads one or more PEM blocks, or certificates in bare base64 as they
// appear in SAML metadata. Text around PEM blocks is skipped, as RFC 7468 wants it; white
// space and characters of no width may be anywhere, and so may the text \n where a newline
// belongs. Repeated certificates are dropped, the order stays. Expired certificates are
// refused, those that are not valid yet are accepted. Errors are of the type [*Error].
func ParseCertificates(text string, now time.Time) ([]Certificate, error) {
	certificates, wrong := readCertificates(text)
	if wrong != nil {
		return nil, wrong.error()
	}
	for i, c := range certificates {
		if c.expired(now) {
			expired := &fault{problem: "expired on " + c.NotAfter.UTC().Format(time.DateOnly), advice: "send the one that the identity provider signs with now"}
			return nil, expired.numbered(i, len(certificates)).error()
		}
	}
	certificates = unique(certificates)
	if len(certificates) > MaxCertificates {
		return nil, &Error{Message: fmt.Sprintf("must be at most %d certificates, not %d", MaxCertificates, len(certificates))}
	}
	return certificates, nil
}

// ParseStored returns a certificate as SendGrid has it, expired or not: the first one in a text
// of any form that [ParseCertificates] accepts. Where the text cannot be read, it has only the
// dates that SendGrid reports beside it, in seconds since the epoch; they are zero if
// SendGrid reports none.
func ParseStored(text string, notBefore, notAfter int64) Certificate {
	certificates, wrong := readCertificates(text)
	switch {
	case wrong == nil:
		return certificates[0]
	case notAfter == 0:
		return Certificate{}
	}
	return Certificate{NotBefore: time.Unix(notBefore, 0).UTC(), NotAfter: time.Unix(notAfter, 0).UTC()}
}

// readCertificates returns the certificates in text, at least one, with repetitions.
func readCertificates(text string) ([]Certificate, *fault) {
	ders, wrong := readBlocks(text)
	if wrong != nil {
		return nil, wrong
	}
	return parse(ders)
}

// parse returns the certificates that are given as DER.
func parse(ders [][]byte) ([]Certificate, *fault) {
	certificates := make([]Certificate, 0, len(ders))
	for i, der := range ders {
		dates, wrong := readValidity(der)
		if wrong != nil {
			return nil, wrong.numbered(i, len(ders))
		}
		sum := sha256.Sum256(der)
		certificates = append(certificates, Certificate{
			DER: der, SHA256: hex.EncodeToString(sum[:]), NotBefore: dates.NotBefore.UTC(), NotAfter: dates.NotAfter.UTC(),
		})
	}
	return certificates, nil
}

func (c Certificate) expired(now time.Time) bool { return c.NotAfter.Before(now) }

// unique drops repeated certificates and keeps the order.
func unique(certificates []Certificate) []Certificate {
	seen := map[string]bool{}
	return slices.DeleteFunc(certificates, func(c Certificate) bool {
		repeated := seen[c.SHA256]
		seen[c.SHA256] = true
		return repeated
	})
}
