package saml_test

import (
	"crypto/rand"
	"crypto/x509"
	"encoding/asn1"
	"math/big"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"sendgrid-sso-integration/internal/saml"
	"sendgrid-sso-integration/internal/saml/samltest"
)

func TestDER(t *testing.T) {
	t.Parallel()
	ders := issued(2)
	a, both := ders[0], slices.Concat(ders...)
	csr, err := x509.CreateCertificateRequest(rand.Reader, &x509.CertificateRequest{}, key())
	require.NoError(t, err)
	public, err := x509.MarshalPKIXPublicKey(key().Public())
	require.NoError(t, err)
	signedData, err := asn1.Marshal(struct{ Type asn1.ObjectIdentifier }{asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 7, 2}})
	require.NoError(t, err)
	trailing := append(slices.Clone(a), 0)
	runCertificates(t, map[string]certificateCase{
		"two in one text":             {b64(both), ders, ""},
		"two in one block":            {block("CERTIFICATE", both), ders, ""},
		"cut off":                     {b64(a)[:100], nil, "is cut off: it has 75 of "},
		"trailing byte":               {b64(trailing), nil, "is followed by other data; send only the certificate"},
		"trailing byte in PEM":        {block("CERTIFICATE", trailing), nil, "followed by other data"},
		"trailing value":              {b64(append(slices.Clone(a), 5, 0)), nil, "followed by other data"},
		"trailing sequence":           {b64(append(slices.Clone(a), 0x30, 0)), nil, "number 2 cannot be read as an X.509 certificate"},
		"the second one is cut off":   {b64(both[:len(both)-1]), nil, "followed by other data"},
		"edited":                      {b64(append([]byte{0x31}, a[1:]...)), nil, "cannot be read as an X.509 certificate; copy it again"},
		"empty":                       {b64([]byte{0x30, 0}), nil, "cannot be read"},
		"length beyond all bounds":    {b64([]byte("\x30\x88\xff\xff\xff\xff\xff\xff\xff\xff certificate")), nil, "cannot be read"},
		"length that is not given":    {b64([]byte("\x30\x80\x02\x04abcd\x00\x00")), nil, "cannot be read as an X.509 certificate"},
		"certificate request":         {b64(csr), nil, "is a certificate request, not a certificate"},
		"public key":                  {b64(public), nil, "is a public key, not a certificate"},
		"PKCS #7 bundle":              {b64(signedData), nil, "is a PKCS #7 bundle, not a certificate; convert it with openssl pkcs7"},
		"PKCS #7 bundle in the label": {block("CERTIFICATE", signedData), nil, "is a PKCS #7 bundle"},
	})
}

// A private key is refused in every form, and nothing of it is in the error.
func TestPrivateKeys(t *testing.T) {
	t.Parallel()
	must := func(der []byte, err error) []byte {
		require.NoError(t, err)
		return der
	}
	rsaKey, certificate := samltest.NewKeyPair("idp", now, now.AddDate(1, 0, 0))
	pkcs1 := x509.MarshalPKCS1PrivateKey(rsaKey)
	pkcs8 := must(x509.MarshalPKCS8PrivateKey(rsaKey))
	ec := must(x509.MarshalECPrivateKey(key()))
	encrypted := must(asn1.Marshal(struct {
		Algorithm struct {
			ID         asn1.ObjectIdentifier
			Parameters []int
		}
		Data []byte
	}{struct {
		ID         asn1.ObjectIdentifier
		Parameters []int
	}{asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 5, 13}, nil}, pkcs8}))
	dsa := must(asn1.Marshal(struct{ Version, P, Q, G, Y, X *big.Int }{
		big.NewInt(0), rsaKey.Primes[0], rsaKey.Primes[1], big.NewInt(5), rsaKey.N, rsaKey.D,
	}))
	pfx := must(asn1.Marshal(struct {
		Version int
		Content []byte
	}{3, pkcs8}))
	openSSH := append([]byte("openssh-key-v1\x00"), pkcs1...)
	valid, labelled, bare := samltest.PEM(certificate), block("PRIVATE KEY", pkcs8), lines(b64(pkcs8), 64, "\n")

	for name, text := range map[string]string{
		"PKCS #1":                         block("RSA PRIVATE KEY", pkcs1),
		"PKCS #8":                         labelled,
		"PKCS #8, encrypted":              block("ENCRYPTED PRIVATE KEY", encrypted),
		"EC":                              block("EC PRIVATE KEY", ec),
		"OpenSSH":                         block("OPENSSH PRIVATE KEY", openSSH),
		"PuTTY":                           "PuTTY-User-Key-File-2: ssh-rsa\nPrivate-Lines: 1\n" + b64(pkcs1),
		"PuTTY, in base64":                b64([]byte("PuTTY-User-Key-File-2: ssh-rsa\n" + b64(pkcs1))),
		"printed by OpenSSL":              "RSA Private-Key: (2048 bit, 2 primes)\nmodulus:\n    00:c2\n" + valid,
		"with headers":                    "-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\n\n" + b64(pkcs1),
		"in lower case":                   strings.ToLower("-----BEGIN PRIVATE KEY-----") + b64(pkcs8),
		"label broken by newlines":        "-----BEGIN PRIVATE\nKEY-----\n" + b64(pkcs8),
		"label with spaces of no width":   "-----BEGIN PRI\u200bVATE\u200b KEY-----\n" + b64(pkcs8),
		"no dashes":                       "BEGIN PRIVATE KEY " + b64(pkcs8) + " END PRIVATE KEY",
		"after a certificate":             valid + labelled,
		"before a certificate":            labelled + valid,
		"in a line with a name":           "friendlyName: " + strings.ReplaceAll(labelled, "\n", " ") + valid,
		"behind a name, no dashes":        "subject=BEGIN PRIVATE KEY " + b64(pkcs8),
		"named in a line with a name":     valid + "subject=BEGIN PRIVATE KEY",
		"labelled as a certificate":       block("CERTIFICATE", pkcs8),
		"as text around a certificate":    valid + bare,
		"as text before a certificate":    "key:\n" + bare + "\n" + valid,
		"bare PKCS #1":                    b64(pkcs1),
		"bare PKCS #8":                    b64(pkcs8),
		"bare PKCS #8, encrypted":         b64(encrypted),
		"bare EC":                         b64(ec),
		"bare DSA":                        b64(dsa),
		"bare OpenSSH":                    b64(openSSH),
		"bare PKCS #12":                   b64(pfx),
		"bare, cut off":                   b64(pkcs8)[:400],
		"bare, damaged":                   b64(pkcs8)[:400] + "!" + b64(pkcs8)[400:],
		"bare, without width":             b64(pkcs8)[:3] + "\u200b" + b64(pkcs8)[3:],
		"bare, in lines":                  lines(b64(pkcs8), 64, `\n`),
		"PEM in base64":                   b64([]byte(labelled)),
		"PEM in base64, with text":        b64([]byte(bagAttributes + valid + labelled)),
		"base64 of PEM in a block":        block("CERTIFICATE", []byte(valid+labelled)),
		"behind a certificate in one run": b64(slices.Concat(certificate, pkcs8)),
		"behind a certificate, cut off":   b64(slices.Concat(certificate, pkcs8)[:len(certificate)+60]),
		"behind a certificate, damaged":   b64(slices.Concat(certificate, pkcs8))[:len(certificate)/3*4+60] + "!",
		"behind padding":                  b64(certificate[:len(certificate)/3*3-1]) + b64(pkcs8),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := saml.ParseCertificates(text, now)
			requireMessage(t, err, "contains a private key: never send one")
			for part := range chunks(text, 20) {
				require.False(t, len(part) == 20 && strings.Contains(err.Error(), part), "nothing of it is repeated")
			}
			_, err = saml.ParseMetadata([]byte(text), saml.Given{}, now)
			requireMessage(t, err, "contains a private key: never send one")
		})
	}
}

// The words in the name of a certificate do not make it a private key.
func TestCertificateNamedAfterAKey(t *testing.T) {
	t.Parallel()
	der := issue("Private Key Infrastructure openssh-key-v1", now.AddDate(1, 0, 0))
	certificates, err := saml.ParseCertificates(samltest.PEM(der), now)
	require.NoError(t, err)
	require.Equal(t, sums(der), fingerprints(certificates))
}
