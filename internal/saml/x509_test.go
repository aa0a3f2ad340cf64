package saml_test

import (
	"bytes"
	"crypto/x509"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"sendgrid-sso-integration/internal/saml"
	"sendgrid-sso-integration/internal/saml/samltest"
)

// Certificates that Go refuses, or would refuse, and others read.
func TestUnusualCertificates(t *testing.T) {
	t.Parallel()
	rsaKey, rsa := samltest.NewKeyPair("idp", now, now.AddDate(1, 0, 0))
	valid := issued(1)[0]
	negative, issuer := samltest.NegativeSerial(valid), samltest.OtherIssuer(valid)
	// damaged replaces a part of a certificate.
	damaged := func(der, old, replacement []byte) []byte {
		require.Len(t, replacement, len(old))
		require.True(t, bytes.Contains(der, old))
		return bytes.Replace(slices.Clone(der), old, replacement, 1)
	}
	point := []byte{0x03, 0x42, 0x00, 0x04}
	modulus := append([]byte{0x02, 0x82, 0x01, 0x01, 0x00}, rsaKey.N.Bytes()[0])
	runCertificates(t, map[string]certificateCase{
		"negative serial number":     {samltest.PEM(negative), [][]byte{negative}, ""},
		"another curve":              {samltest.PEM(samltest.Brainpool()), [][]byte{samltest.Brainpool()}, ""},
		"another curve, bare":        {b64(samltest.Brainpool()), [][]byte{samltest.Brainpool()}, ""},
		"forbidden character":        {samltest.PEM(issuer), [][]byte{issuer}, ""},
		"dates that do not exist":    {samltest.PEM(samltest.BrokenDates(valid)), nil, "has dates of validity that cannot be read; create another certificate"},
		"a point that is none":       {b64(damaged(valid, point, []byte{0x03, 0x42, 0x00, 0x07})), nil, "has a damaged P-256 key in it; copy it again"},
		"a modulus that is negative": {b64(damaged(rsa, modulus, append([]byte{0x02, 0x82, 0x01, 0x01, 0x80}, modulus[5]))), nil, "has a damaged RSA key in it"},
		"a serial that is none":      {b64(damaged(samltest.Brainpool(), []byte{0x02, 0x02, 0x10, 0x00}, []byte{0x04, 0x02, 0x10, 0x00})), nil, "cannot be read"},
	})
	_, err := x509.ParseCertificate(issuer)
	require.ErrorContains(t, err, "PrintableString", "Go reads it; the test needs another one")
	_, err = x509.ParseCertificate(samltest.Brainpool())
	require.ErrorContains(t, err, "curve", "Go reads it; the test needs another one")

	require.Equal(t, saml.ParseStored(b64(valid), 0, 0).NotAfter, saml.ParseStored(b64(issuer), 0, 0).NotAfter)
	c := saml.ParseStored(samltest.PEM(samltest.Brainpool()), 0, 0)
	require.Equal(t, time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC), c.NotBefore)
	require.Equal(t, time.Date(2056, 1, 1, 0, 0, 0, 0, time.UTC), c.NotAfter)
	old, err := saml.ParseCertificates(samltest.PEM(samltest.Brainpool()), time.Date(2056, 1, 1, 0, 0, 1, 0, time.UTC))
	require.Nil(t, old)
	requireMessage(t, err, "expired on 2056-01-01")
}

// What does not go through this package reads negative serial numbers by a setting in go.mod.
func TestGoReadsNegativeSerialNumbers(t *testing.T) {
	t.Parallel()
	_, err := x509.ParseCertificate(samltest.NegativeSerial(issued(1)[0]))
	require.NoError(t, err)
}
