package saml

import (
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"time"
)

// validity is that of an X.509 certificate (RFC 5280, section 4.1).
type validity struct{ NotBefore, NotAfter time.Time }

// outline is the structure of a certificate. Parts that are not needed are not read.
type outline struct {
	Content struct {
		Version   int `asn1:"optional,explicit,default:0,tag:0"`
		Serial    asn1.RawValue
		Algorithm pkix.AlgorithmIdentifier
		Issuer    asn1.RawValue
		Validity  asn1.RawValue
		Subject   asn1.RawValue
		Key       publicKey
	}
	Algorithm pkix.AlgorithmIdentifier
	Signature asn1.BitString
}

type publicKey struct {
	Raw       asn1.RawContent
	Algorithm pkix.AlgorithmIdentifier
	Bits      asn1.BitString
}

// readValidity reads the validity of a certificate, or returns why it is invalid.
//
// Go refuses certificates that OpenSSL, .NET and Java read, and that sign well: with a
// negative serial number, on another elliptic curve, with a character in a name that its type
// does not allow. Only the key and the dates matter here, and SendGrid decides in the end, so
// they are enough.
func readValidity(der []byte) (validity, *fault) {
	if c, err := x509.ParseCertificate(der); err == nil {
		return validity{c.NotBefore, c.NotAfter}, nil
	}
	var c outline
	rest, err := asn1.Unmarshal(der, &c)
	serial := c.Content.Serial
	if err != nil || len(rest) > 0 || serial.Class != asn1.ClassUniversal || serial.Tag != asn1.TagInteger {
		return validity{}, whyNot(der)
	}
	var dates validity
	if rest, err = asn1.Unmarshal(c.Content.Validity.FullBytes, &dates); err != nil || len(rest) > 0 {
		return validity{}, &fault{problem: "has dates of validity that cannot be read", advice: "create another certificate at the identity provider"}
	}
	if name := c.Content.Key.damaged(); name != "" {
		return validity{}, &fault{problem: "has a damaged " + name + " key in it", advice: copyAgain}
	}
	return dates, nil
}

var (
	oidRSA   = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 1, 1}
	oidEC    = asn1.ObjectIdentifier{1, 2, 840, 10045, 2, 1}
	goCurves = map[string]string{"1.3.132.0.33": "P-224", "1.2.840.10045.3.1.7": "P-256", "1.3.132.0.34": "P-384", "1.3.132.0.35": "P-521"}
)

// damaged returns the name of a kind of key that Go knows if it cannot read this one.
func (k publicKey) damaged() string {
	if _, err := x509.ParsePKIXPublicKey(k.Raw); err == nil {
		return ""
	}
	var curve asn1.ObjectIdentifier
	_, err := asn1.Unmarshal(k.Algorithm.Parameters.FullBytes, &curve)
	switch {
	case k.Algorithm.Algorithm.Equal(oidRSA):
		return "RSA"
	case k.Algorithm.Algorithm.Equal(oidEC) && err == nil:
		return goCurves[curve.String()]
	}
	return ""
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
