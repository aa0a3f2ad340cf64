package saml_test

import (
	"crypto/rand"
	"crypto/x509"
	"encoding/asn1"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
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
