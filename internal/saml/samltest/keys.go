// Package samltest builds SAML metadata as identity providers publish it, and the keys and
// certificates in it, for tests.
package samltest

import (
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"time"
)

// NewKeyPair returns a new RSA key with 2,048 bits and its self-signed certificate as DER.
func NewKeyPair(commonName string, notBefore, notAfter time.Time) (*rsa.PrivateKey, []byte) {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		panic(fmt.Sprintf("samltest: %v", err))
	}
	return key, NewCertificate(key, commonName, notBefore, notAfter)
}

// NewCertificate returns a self-signed certificate of a key as DER.
func NewCertificate(key crypto.Signer, commonName string, notBefore, notAfter time.Time) []byte {
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 120))
	if err != nil {
		panic(fmt.Sprintf("samltest: %v", err))
	}
	template := &x509.Certificate{
		SerialNumber: serial,
		Subject:      pkix.Name{CommonName: commonName},
		NotBefore:    notBefore,
		NotAfter:     notAfter,
		KeyUsage:     x509.KeyUsageDigitalSignature,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		panic(fmt.Sprintf("samltest: %v", err))
	}
	return der
}

// PEM returns a certificate as a PEM block.
func PEM(der []byte) string {
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}))
}
