package saml_test

import (
	"strings"
	"testing"

	"sendgrid-sso-integration/internal/saml/samltest"
)

func TestBase64(t *testing.T) {
	t.Parallel()
	ders := issued(1)
	for !strings.HasSuffix(b64(ders[0]), "=") { // The length of a signature varies.
		ders = issued(1)
	}
	a, second := ders[0], issue("b", now.AddDate(1, 0, 0))
	text, inLines := b64(a), lines(b64(a), 64, "\n")
	runCertificates(t, map[string]certificateCase{
		"two with padding":        {text + b64(second), [][]byte{a, second}, ""},
		"two in lines":            {inLines + "\n" + lines(b64(second), 64, "\n"), [][]byte{a, second}, ""},
		"a word":                  {"certificate", nil, "must be PEM (-----BEGIN CERTIFICATE-----) or the base64 text of certificates"},
		"padding alone":           {"====", nil, "must be PEM"},
		"base64 of a word":        {b64([]byte("certificate")), nil, "cannot be read as an X.509 certificate"},
		"URL-safe":                {"-_" + text, nil, "must be PEM"},
		"a foreign character":     {inLines[:200] + "…" + inLines[200:], nil, `is damaged base64: the character "…" in line 4 is none of base64; copy it again`},
		"in the second block":     {samltest.PEM(a) + strings.Replace(samltest.PEM(a), "MII", "MII*", 1), nil, `number 2 is damaged base64: the character "*" in line 2 is none of base64`},
		"cut off":                 {text[:101], nil, "it has 101 characters, which is not a multiple of 4"},
		"cut off, the second one": {text + b64(second)[:103], nil, "it has 103 characters"},
		"padding in the middle":   {text[:101] + "=" + text[101:], nil, "it has 102 characters"},
		"bits that are not zero":  {text[:102] + "B=" + text, nil, "is damaged base64; copy it again"},
	})
}
