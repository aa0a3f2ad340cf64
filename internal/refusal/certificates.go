package refusal

import (
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"

	"github.com/beevik/etree"
)

// certificates looks at the integration's certificates, and at the one that the response is signed with.
func (q *inquiry) certificates() {
	q.readStored()
	var signer *x509.Certificate
	if element, signature := q.signed(); element != nil {
		signer = q.signature(element, signature)
	} else if q.form.assertion() != nil {
		q.find(NotSigned, "Neither the response nor the assertion is signed.", "Switch the signature of the assertion, or of the response, on in the identity provider's application.")
	}
	q.validity(signer)
}

// signature checks the signature, and returns the certificate of the key that it was made with, if that
// is known.
func (q *inquiry) signature(element *etree.Element, s *signature) *x509.Certificate {
	signer, err := s.signer()
	switch {
	case err != nil:
		q.wrong("the certificate in it cannot be read, " + quote(err.Error()))
		return nil
	case signer == nil:
		return q.unnamed(element)
	}
	sum := fingerprint(signer)
	if len(q.stored) > 0 && !slices.ContainsFunc(q.stored, func(c stored) bool { return c.sha256 == sum }) {
		q.unknown(sum)
	}
	if err := verify(element, signer); err != nil {
		q.wrong(wordsFor(err))
	}
	return signer
}

// unnamed finds the certificate for a signature that names none.
func (q *inquiry) unnamed(element *etree.Element) *x509.Certificate {
	for _, c := range q.stored {
		if verify(element, c.Certificate) == nil {
			return c.Certificate
		}
	}
	if len(q.stored) > 0 {
		q.wrong("it names no certificate, and none of the integration's certificates fits it")
	}
	return nil
}

func (q *inquiry) wrong(why string) {
	q.find(SignatureWrong, "The signature is wrong: "+why+".",
		"Copy the base64 that the browser sends, because XML that a program has formatted has another signature; if it is wrong then, too, whatever is between the identity provider and the browser changes the response.")
}

// unknown reports a certificate that the integration does not have.
func (q *inquiry) unknown(sum string) {
	wrong := "The response is signed with a certificate that the integration does not have, with the SHA-256 " + sum
	do := "If the identity provider itself shows a signing certificate with this SHA-256, send the connection's request with that certificate and if_exists: update; else somebody else made the response."
	if q.Owner != nil {
		switch owner, err := q.Owner(sum); {
		case owner != nil:
			wrong += "; it is that of the integration " + label(*owner)
			do = "Find out by which of the two the person was to log in: each application of the identity provider has its own key and the URLs of its own integration."
		case err != nil:
			wrong += "; the certificates of the other integrations could not all be read"
		default:
			wrong += "; no other integration of the account has it"
		}
	}
	q.find(CertificateUnknown, wrong+".", do)
}

// validity looks at when the certificate is valid that the response is signed with, and at the one that
// is valid longest where the integration has none that is valid.
func (q *inquiry) validity(signer *x509.Certificate) {
	var looked []*x509.Certificate
	if signer != nil {
		looked = append(looked, signer)
	}
	if len(q.stored) > 0 && len(q.trusted()) == 0 {
		longest := slices.MaxFunc(q.stored, func(a, b stored) int { return a.NotAfter.Compare(b.NotAfter) })
		if signer == nil || !signer.Equal(longest.Certificate) {
			looked = append(looked, longest.Certificate)
		}
	}
	var expired, early []string
	for _, c := range looked {
		switch name := "the certificate " + fingerprint(c); {
		case q.latest.After(c.NotAfter):
			expired = append(expired, fmt.Sprintf("%s expired on %s, %s before %s", name, moment(c.NotAfter), long(q.latest.Sub(c.NotAfter)), moment(q.latest)))
		case q.at.Before(c.NotBefore):
			early = append(early, fmt.Sprintf("%s is valid only from %s, %s after %s", name, moment(c.NotBefore), long(c.NotBefore.Sub(q.at)), moment(q.at)))
		}
	}
	if len(expired) > 0 {
		q.find(CertificateExpired, sentence(expired), "Make a new certificate in the identity provider, and send the connection's request with it and if_exists: update.")
	}
	if len(early) > 0 {
		q.find(CertificateNotYetValid, sentence(early), "Let the identity provider sign with the former key until then, or make a certificate that is valid now; and check its clock.")
	}
}

func fingerprint(c *x509.Certificate) string {
	sum := sha256.Sum256(c.Raw)
	return hex.EncodeToString(sum[:])
}

func sentence(clauses []string) string {
	text := strings.Join(clauses, ", and ")
	return strings.ToUpper(text[:1]) + text[1:] + "."
}
