package saml_test

import (
	"crypto/rand"
	"crypto/x509"
	"encoding/asn1"
	"encoding/pem"
	"math/big"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"sendgrid-sso-integration/internal/saml"
	"sendgrid-sso-integration/internal/saml/samltest"
)

func TestParseCertificatesAccepts(t *testing.T) {
	t.Parallel()
	ders := issued(11)
	a, b := ders[0], ders[1]
	pemA, pemB := samltest.PEM(a), samltest.PEM(b)
	future := samltest.NewCertificate(key(), "future", now.AddDate(0, 0, 1), now.AddDate(1, 0, 0))
	ten := ""
	for _, der := range ders[:10] {
		ten += samltest.PEM(der)
	}
	for name, tt := range map[string]struct {
		text string
		want [][]byte
	}{
		"one PEM":                  {pemA, [][]byte{a}},
		"two PEMs":                 {pemA + pemB, [][]byte{a, b}},
		"order is kept":            {pemB + "\n\n" + pemA, [][]byte{b, a}},
		"repeated":                 {pemA + pemB + pemA, [][]byte{a, b}},
		"ten and a repetition":     {ten + pemA, ders[:10]},
		"CRLF":                     {strings.ReplaceAll(pemA+pemB, "\n", "\r\n"), [][]byte{a, b}},
		"indented":                 {strings.ReplaceAll(pemA, "\n", "\n\t  "), [][]byte{a}},
		"newlines became spaces":   {strings.ReplaceAll(pemA+pemB, "\n", " "), [][]byte{a, b}},
		"newlines vanished":        {strings.ReplaceAll(pemA+pemB, "\n", ""), [][]byte{a, b}},
		`newlines became \n`:       {strings.ReplaceAll(pemA+pemB, "\n", `\n`), [][]byte{a, b}},
		`newlines became \r\n`:     {strings.ReplaceAll(pemA+pemB, "\n", `\r\n`), [][]byte{a, b}},
		`newlines became \\n`:      {strings.ReplaceAll(pemA+pemB, "\n", `\\n`), [][]byte{a, b}},
		"no final newline":         {strings.TrimSpace(pemA), [][]byte{a}},
		"byte order mark":          {"\uFEFF" + pemA, [][]byte{a}},
		"older label":              {strings.ReplaceAll(pemA, "CERTIFICATE", "X509 CERTIFICATE"), [][]byte{a}},
		"bare":                     {b64(a), [][]byte{a}},
		"bare in lines":            {"\n  " + strings.Join(slices.Collect(chunks(b64(a), 76)), "\n  ") + "\n", [][]byte{a}},
		"bare with spaces":         {strings.Join(slices.Collect(chunks(b64(a), 7)), " \u00a0"), [][]byte{a}},
		"not valid yet":            {samltest.PEM(future), [][]byte{future}},
		"expires at this very now": {samltest.PEM(issue("edge", now)), nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			certificates, err := saml.ParseCertificates(tt.text, now)
			require.NoError(t, err)
			if tt.want != nil {
				require.Equal(t, sums(tt.want...), fingerprints(certificates))
			}
			require.Equal(t, certificates[0], saml.ParseStored(tt.text, 1, 2))
			for _, c := range certificates {
				again, err := saml.ParseCertificates(c.PEM(), now)
				require.NoError(t, err)
				require.Equal(t, []saml.Certificate{c}, again)
			}
		})
	}
}

func chunks(text string, n int) func(yield func(string) bool) {
	return func(yield func(string) bool) {
		for text != "" && yield(text[:min(n, len(text))]) {
			text = text[min(n, len(text)):]
		}
	}
}

func TestCertificate(t *testing.T) {
	t.Parallel()
	der := samltest.NewCertificate(key(), "idp", now.AddDate(0, 0, -1), now.AddDate(0, 0, 1))
	c := saml.ParseStored(b64(der), 0, 0)
	require.Equal(t, der, c.DER)
	require.Equal(t, now.AddDate(0, 0, -1), c.NotBefore)
	require.Equal(t, now.AddDate(0, 0, 1), c.NotAfter)

	lines := strings.Split(c.PEM(), "\n")
	require.Equal(t, "-----BEGIN CERTIFICATE-----", lines[0])
	require.Equal(t, []string{"-----END CERTIFICATE-----", ""}, lines[len(lines)-2:])
	body := lines[1 : len(lines)-2]
	require.Equal(t, b64(der), strings.Join(body, ""))
	for _, line := range body[:len(body)-1] {
		require.Len(t, line, 64)
	}
}

func TestParseStored(t *testing.T) {
	t.Parallel()
	ders := issued(2)
	first, reported := now.Unix()-1, now.Unix()+1
	for name, tt := range map[string]struct {
		text     string
		notAfter int64
		want     saml.Certificate // without its DER, and hash and dates if those of der
		der      []byte
	}{
		"readable":              {samltest.PEM(ders[0]), reported, saml.Certificate{}, ders[0]},
		"no dates are reported": {samltest.PEM(ders[0]), 0, saml.Certificate{}, ders[0]},
		"expired":               {strings.ReplaceAll(samltest.PEM(expired()), "\n", " "), 0, saml.Certificate{NotAfter: now.Add(-time.Second)}, nil},
		"the first one of two":  {samltest.PEM(ders[1]) + samltest.PEM(ders[0]), 0, saml.Certificate{}, ders[1]},
		"not readable":          {"?", reported, saml.Certificate{NotBefore: time.Unix(first, 0).UTC(), NotAfter: time.Unix(reported, 0).UTC()}, nil},
		"nothing is known":      {" ", 0, saml.Certificate{}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := saml.ParseStored(tt.text, first, tt.notAfter)
			if tt.der != nil {
				require.Equal(t, tt.der, c.DER)
				require.Equal(t, sums(tt.der)[0], c.SHA256)
				require.Equal(t, now.AddDate(1, 0, 0), c.NotAfter)
				return
			}
			require.Equal(t, tt.want.NotAfter, c.NotAfter)
			require.Equal(t, name == "expired", c.SHA256 != "")
		})
	}
}

func TestParseCertificatesRefuses(t *testing.T) {
	t.Parallel()
	ders := issued(11)
	valid := samltest.PEM(ders[0])
	eleven := ""
	for _, der := range ders {
		eleven += samltest.PEM(der)
	}
	csr, err := x509.CreateCertificateRequest(rand.Reader, &x509.CertificateRequest{}, key())
	require.NoError(t, err)
	public, err := x509.MarshalPKIXPublicKey(key().Public())
	require.NoError(t, err)
	signedData, err := asn1.Marshal(struct{ Type asn1.ObjectIdentifier }{asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 7, 2}})
	require.NoError(t, err)
	cut := strings.Join(strings.Fields(valid), "\n")
	for name, tt := range map[string]struct{ text, message string }{
		"empty":                    {"", "must not be empty"},
		"white space":              {" \n\\n\t", "must not be empty"},
		"a word":                   {"certificate", "must be PEM"},
		"base64 of a word":         {b64([]byte("certificate")), "cannot be read"},
		"URL-safe base64":          {"-_" + b64(ders[0]), "must be PEM"},
		"expired":                  {samltest.PEM(expired()), "expired on 2026-07-14; send"},
		"expired in bare base64":   {b64(expired()), "expired on"},
		"the second one expired":   {valid + samltest.PEM(expired()), "number 2 expired on 2026-07-14"},
		"eleven":                   {eleven, "must be at most 10 certificates, not 11"},
		"text before":              {"subject=CN=idp\n" + valid, "no text outside the PEM blocks"},
		"text between":             {valid + "intermediate\n" + valid, "no text outside the PEM blocks"},
		"text after":               {valid + "AAAA", "no text outside the PEM blocks"},
		"no footer":                {valid[:len(valid)-30], "without its -----END----- line"},
		"footer cut off":           {strings.TrimSpace(valid)[:len(valid)-4], "without its -----END----- line"},
		"header alone":             {"-----BEGIN CERTIFICATE-----", "without its -----END----- line"},
		"footer of another":        {strings.Replace(valid, "END CERTIFICATE", "END X", 1), "without its -----END----- line"},
		"empty block":              {"-----BEGIN CERTIFICATE----------END CERTIFICATE-----", "cannot be read"},
		"another block":            {block("X509 CRL", ders[0]), "PEM block that is no certificate"},
		"damaged base64":           {valid[:200] + "!" + valid[200:], "damaged base64"},
		"base64 cut off":           {b64(ders[0])[:101], "damaged base64"},
		"DER cut off":              {b64(ders[0])[:100], "cannot be read"},
		"trailing byte":            {b64(append(slices.Clone(ders[0]), 0)), "followed by other data"},
		"trailing byte in PEM":     {block("CERTIFICATE", append(slices.Clone(ders[0]), 0)), "followed by other data"},
		"two in one bare base64":   {b64(slices.Concat(ders[0], ders[1])), "followed by other data"},
		"DER edited":               {b64(append([]byte{0x31}, ders[0][1:]...)), "cannot be read"},
		"request":                  {block("CERTIFICATE REQUEST", csr), "is a certificate request, not a certificate"},
		"request in bare base64":   {b64(csr), "is a certificate request, not a certificate"},
		"public key":               {block("PUBLIC KEY", public), "is a public key, not a certificate"},
		"public key, bare":         {b64(public), "is a public key, not a certificate"},
		"PKCS #7 bundle":           {b64(signedData), "is a PKCS #7 bundle"},
		"PEM in base64":            {b64([]byte(valid)), "encoded in base64 once more"},
		"element of metadata":      {"<ds:X509Certificate>" + b64(ders[0]) + "</ds:X509Certificate>", "send SAML metadata as saml_metadata"},
		"dashes of a text program": {strings.ReplaceAll(cut, "-----", "—"), "must be PEM"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			certificates, err := saml.ParseCertificates(tt.text, now)
			require.Nil(t, certificates)
			requireMessage(t, err, tt.message)
		})
	}
}

func block(label string, der []byte) string {
	return string(pem.EncodeToMemory(&pem.Block{Type: label, Bytes: der}))
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
	valid := samltest.PEM(certificate)

	for name, text := range map[string]string{
		"PKCS #1":                         block("RSA PRIVATE KEY", pkcs1),
		"PKCS #8":                         block("PRIVATE KEY", pkcs8),
		"PKCS #8, encrypted":              block("ENCRYPTED PRIVATE KEY", encrypted),
		"EC":                              block("EC PRIVATE KEY", ec),
		"OpenSSH":                         block("OPENSSH PRIVATE KEY", openSSH),
		"PuTTY":                           "PuTTY-User-Key-File-2: ssh-rsa\nPrivate-Lines: 1\n" + b64(pkcs1),
		"with headers":                    "-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\n\n" + b64(pkcs1),
		"in lower case":                   strings.ToLower("-----BEGIN PRIVATE KEY-----") + b64(pkcs8),
		"label broken by newlines":        "-----BEGIN PRIVATE\nKEY-----\n" + b64(pkcs8),
		"no dashes":                       "BEGIN PRIVATE KEY " + b64(pkcs8) + " END PRIVATE KEY",
		"after a certificate":             valid + block("PRIVATE KEY", pkcs8),
		"before a certificate":            block("PRIVATE KEY", pkcs8) + valid,
		"labelled as a certificate":       block("CERTIFICATE", pkcs8),
		"bare PKCS #1":                    b64(pkcs1),
		"bare PKCS #8":                    b64(pkcs8),
		"bare PKCS #8, encrypted":         b64(encrypted),
		"bare EC":                         b64(ec),
		"bare DSA":                        b64(dsa),
		"bare OpenSSH":                    b64(openSSH),
		"bare PKCS #12":                   b64(pfx),
		"bare, cut off":                   b64(pkcs8)[:400],
		"bare, damaged":                   b64(pkcs8)[:400] + "!" + b64(pkcs8)[400:],
		"bare, in lines":                  strings.Join(slices.Collect(chunks(b64(pkcs8), 64)), `\n`),
		"PEM in base64":                   b64([]byte(block("PRIVATE KEY", pkcs8))),
		"behind a certificate in one run": b64(slices.Concat(certificate, pkcs8)),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := saml.ParseCertificates(text, now)
			requireMessage(t, err, "contains a private key: never send one")
			for part := range chunks(text, 20) {
				require.False(t, len(part) == 20 && strings.Contains(err.Error(), part), "nothing of it is repeated")
			}
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
