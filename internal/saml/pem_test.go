package saml_test

import (
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"sendgrid-sso-integration/internal/saml/samltest"
)

func block(label string, der []byte) string {
	return string(pem.EncodeToMemory(&pem.Block{Type: label, Bytes: der}))
}

const (
	bagAttributes = "Bag Attributes\n    friendlyName: the private key of idp\n    localKeyID: FC 8E 5B 79\nsubject=CN = private key\n"
	// printed is a part of what openssl x509 -text prints.
	printed = "Certificate:\n    Data:\n        Serial Number:\n            46:ab:0a\n        Subject: CN=Private Key Test\n" +
		"            X509v3 Private Key Usage Period: \n                Not Before: Jan  1 00:00:00 2026 GMT\n"
)

func TestFormsOfPEM(t *testing.T) {
	t.Parallel()
	ders := issued(2)
	a, b := ders[0], ders[1]
	pemA, both := samltest.PEM(a), samltest.PEM(a)+samltest.PEM(b)
	bare := lines(b64(a), 76, "\n")
	replace := strings.ReplaceAll
	runCertificates(t, map[string]certificateCase{
		"CRLF":                         {replace(both, "\n", "\r\n"), ders, ""},
		"indented":                     {replace(pemA, "\n", "\n\t  "), ders[:1], ""},
		"newlines became spaces":       {replace(both, "\n", " "), ders, ""},
		"newlines vanished":            {replace(both, "\n", ""), ders, ""},
		`newlines became \n`:           {replace(both, "\n", `\n`), ders, ""},
		`newlines became \r\n`:         {replace(both, "\n", `\r\n`), ders, ""},
		`newlines became \\n`:          {replace(both, "\n", `\\n`), ders, ""},
		"carriage returns of XML":      {replace(bare, "\n", "&#13;\n") + "&#xD;", ders[:1], ""},
		"no final newline":             {strings.TrimSpace(pemA), ders[:1], ""},
		"byte order mark":              {"\uFEFF" + pemA, ders[:1], ""},
		"byte order mark, wrong":       {"ï»¿" + pemA, ders[:1], ""},
		"no width":                     {replace(both, "\n", "\u200b\n\u00ad"), ders, ""},
		"no width in a label":          {replace(pemA, "CERT", "\u2060CERT"), ders[:1], ""},
		"older label":                  {replace(pemA, "CERTIFICATE", "X509 CERTIFICATE"), ders[:1], ""},
		"Bag Attributes":               {bagAttributes + pemA + bagAttributes + samltest.PEM(b), ders, ""},
		"openssl x509 -text":           {printed + pemA, ders[:1], ""},
		"lines between and after":      {pemA + "intermediate\n" + samltest.PEM(b) + "\nEnd of file", ders, ""},
		"PEM in base64":                {b64([]byte(both)), ders, ""},
		"PEM with text in base64":      {lines(b64([]byte(bagAttributes+pemA)), 64, "\n"), ders[:1], ""},
		"base64 of PEM in a block":     {block("CERTIFICATE", []byte(pemA)), ders[:1], ""},
		"two texts of PEM in base64":   {b64([]byte(pemA)) + b64([]byte(samltest.PEM(b))), ders, ""},
		"bare":                         {b64(a), ders[:1], ""},
		"bare in lines":                {"\n  " + replace(bare, "\n", "\n  ") + "\n", ders[:1], ""},
		"bare with spaces":             {lines(b64(a), 7, " \u00a0"), ders[:1], ""},
		"bare without width":           {lines(b64(a), 64, "\u200c\n"), ders[:1], ""},
		"empty":                        {"", nil, "must not be empty"},
		"white space":                  {" \n\\n\t\u200b", nil, "must not be empty"},
		"PEM in base64 twice":          {b64([]byte(b64([]byte(pemA)))), nil, "cannot be read"},
		"PEM in base64 in PEM":         {b64([]byte(block("CERTIFICATE", []byte(pemA)))), nil, "cannot be read"},
		"no header":                    {pemA[len("-----BEGIN CERTIFICATE-----"):], nil, "has base64 next to other text"},
		"no header for the second":     {pemA + replace(samltest.PEM(b), "-----BEGIN CERTIFICATE-----", ""), nil, "has base64 next to other text"},
		"no header and few characters": {pemA + "-----END CERTIFICATE-----", nil, "has an -----END----- line without its -----BEGIN----- line"},
		"lower case":                   {strings.ToLower(pemA[:27]) + "\nAAAA", nil, "has no -----BEGIN CERTIFICATE----- line"},
		"text before bare base64":      {"subject=CN=idp\n" + b64(a), nil, "has base64 next to other text; put the certificate into a block of -----BEGIN"},
		"bare base64 after a block":    {pemA + b64(b), nil, "has base64 next to other text"},
		"no footer":                    {pemA[:len(pemA)-30], nil, "without its -----END----- line; send it whole"},
		"no footer for the first":      {pemA[:len(pemA)-26] + pemA, nil, "number 1 has a PEM block without its -----END----- line"},
		"footer cut off":               {strings.TrimSpace(pemA)[:len(pemA)-4], nil, "without its -----END----- line"},
		"header alone":                 {"-----BEGIN CERTIFICATE-----", nil, "without its -----END----- line"},
		"footer of another":            {strings.Replace(pemA, "END CERTIFICATE", "END X", 1), nil, "without its -----END----- line"},
		"empty block":                  {"-----BEGIN CERTIFICATE----------END CERTIFICATE-----", nil, "cannot be read"},
		"element of metadata":          {"<ds:X509Certificate>" + b64(a) + "</ds:X509Certificate>", nil, "is XML; send SAML metadata as saml_metadata"},
		"dashes of a text program":     {replace(pemA, "-----", "—"), nil, "has base64 next to other text"},
	})
}

func TestLabels(t *testing.T) {
	t.Parallel()
	der := issued(1)[0]
	csr, err := x509.CreateCertificateRequest(rand.Reader, &x509.CertificateRequest{}, key())
	require.NoError(t, err)
	public, err := x509.MarshalPKIXPublicKey(key().Public())
	require.NoError(t, err)
	runCertificates(t, map[string]certificateCase{
		"request":             {block("CERTIFICATE REQUEST", csr), nil, "is a certificate request, not a certificate"},
		"public key":          {block("PUBLIC KEY", public), nil, "is a public key, not a certificate"},
		"PKCS #7":             {block("PKCS7", der), nil, "is a PKCS #7 bundle, not a certificate; convert it with openssl pkcs7 -print_certs -in bundle.p7b -out idp.pem"},
		"PKCS #7, older":      {block("PKCS #7 SIGNED DATA", der), nil, "convert it with openssl pkcs7 -print_certs"},
		"CMS":                 {block("CMS", der), nil, "is a CMS bundle, not a certificate; convert it with openssl cms -cmsout"},
		"trusted certificate": {block("TRUSTED CERTIFICATE", der), nil, "is a TRUSTED CERTIFICATE of OpenSSL, which has more in it than the certificate; convert it with openssl x509 -in trusted.pem -out idp.pem"},
		"the second one":      {samltest.PEM(der) + block("PKCS7", der), nil, "number 2 is a PKCS #7 bundle"},
		"another":             {block("X509 CRL", der), nil, "has a PEM block that is no certificate"},
	})
}
