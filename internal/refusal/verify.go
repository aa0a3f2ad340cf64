package refusal

import (
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"errors"
	"strings"

	"github.com/beevik/etree"
	dsig "github.com/russellhaering/goxmldsig"
	"github.com/russellhaering/goxmldsig/etreeutils"
)

// signed returns the element whose signature counts, with that signature: the response if it is signed,
// else the assertion; nil if neither is.
func (q *inquiry) signed() (*etree.Element, *signature) {
	if root := q.document.Root(); len(q.form.Signatures) > 0 {
		return root, &q.form.Signatures[0]
	}
	if a := q.form.assertion(); a != nil && len(a.Signatures) > 0 {
		return q.document.FindElement("./Response/Assertion"), &a.Signatures[0]
	}
	return nil, nil
}

// signer returns the certificate in a signature, which names its key; nil if there is none.
func (s *signature) signer() (*x509.Certificate, error) {
	if len(s.Certificates) == 0 {
		return nil, nil //nolint:nilnil // Identity providers may leave it out.
	}
	der, err := base64.StdEncoding.DecodeString(strings.Join(strings.Fields(s.Certificates[0]), ""))
	if err != nil {
		return nil, err
	}
	return x509.ParseCertificate(der)
}

// verify checks the signature of an element against the key of a certificate, and nothing else.
func verify(element *etree.Element, certificate *x509.Certificate) error {
	context := dsig.NewDefaultValidationContext(&dsig.MemoryX509CertificateStore{Roots: []*x509.Certificate{certificate}})
	context.IdAttribute = "ID"
	context.Clock = dsig.NewFakeClockAt(certificate.NotBefore) // Whether it is valid is another question.
	detached, err := detach(element)
	if err != nil {
		return err
	}
	_, err = context.Validate(detached)
	return err
}

// wordsFor says what is wrong with a signature.
func wordsFor(err error) string {
	switch {
	case errors.Is(err, rsa.ErrVerification):
		return "it was made with another key than that of the certificate in it"
	case err.Error() == "Signature could not be verified":
		return "the content was changed after it was signed"
	}
	return quote(err.Error())
}

// detach returns an element with the namespaces of what is around it. A KeyInfo without a certificate
// is left out, because the library wants one in it.
func detach(element *etree.Element) (*etree.Element, error) {
	around, err := etreeutils.NSBuildParentContext(element)
	if err != nil {
		return nil, err
	}
	if around, err = around.SubContext(element); err != nil {
		return nil, err
	}
	detached, err := etreeutils.NSDetatch(around, element)
	if err != nil {
		return nil, err
	}
	if signature := detached.SelectElement("Signature"); signature != nil && detached.FindElement("./Signature/KeyInfo/X509Data/X509Certificate") == nil {
		if info := signature.SelectElement("KeyInfo"); info != nil {
			signature.RemoveChild(info)
		}
	}
	return detached, nil
}
