package saml_test

import (
	"crypto/x509"
	"encoding/asn1"
	"encoding/json"
	"math/big"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"sendgrid-sso-integration/internal/saml"
	"sendgrid-sso-integration/internal/saml/samltest"
)

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
			var refused *saml.Error
			require.ErrorAs(t, err, &refused)
			require.True(t, refused.PrivateKey)
			for part := range chunks(text, 20) {
				require.False(t, len(part) == 20 && strings.Contains(err.Error(), part), "nothing of it is repeated")
			}
			_, err = saml.ParseMetadata([]byte(text), saml.Given{}, now)
			requireMessage(t, err, "contains a private key: never send one")
			if name == "printed by OpenSSL" || name == "named in a line with a name" { // There is none in these.
				return
			}
			inJSON, err := json.Marshal(map[string]string{"name": "the request", "note": "see " + text})
			require.NoError(t, err)
			again, err := json.Marshal(string(inJSON))
			require.NoError(t, err)
			for form, carried := range map[string]string{
				"alone": text, "in JSON": string(inJSON), "in JSON in JSON": string(again), "in JSON that is cut off": string(inJSON)[:len(inJSON)-2],
				"in JSON with a raw line break": "{\"name\": \"a\nb\", \"note\": \"" + text + "\"}", "in UTF-16": strings.Join(strings.Split(string(inJSON), ""), "\x00"),
			} {
				require.True(t, saml.HasPrivateKey([]byte(carried)), form)
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

func TestHasPrivateKeyByItsLabel(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		`{"note":"-----BEGIN PRIVATE KEY-----"}`, `-----BEGIN RSA PRIVATE KEY-----\nMIIE`, `-----BEGIN EC PRIVATE KEY-----`, `-----BEGIN DSA PRIVATE KEY-----`,
		`-----BEGIN OPENSSH PRIVATE KEY-----`, `-----BEGIN ENCRYPTED PRIVATE KEY-----`, `-----BEGIN PGP PRIVATE KEY BLOCK-----`,
		`---- BEGIN SSH2 ENCRYPTED PRIVATE KEY ----`, `-----END PRIVATE KEY-----`, `-----BEGIN\u0020PRIVATE\u0020KEY-----`, `\u002d\u002d\u002dBEGIN PRIVATE KEY`,
		"\u2014\u2014-BEGIN PRIVATE KEY\u2014\u2014-", "-----begin private key-----", "-----BEGIN+PRIVATE+KEY-----%0A", "PuTTY-User-Key-File-3: ssh-ed25519",
	} {
		require.True(t, saml.HasPrivateKey([]byte(text)), text)
	}
}

// What only mentions a private key, or begins alike, is none.
func TestHasPrivateKeyOfOtherText(t *testing.T) {
	t.Parallel()
	der := issue("Private Key Infrastructure openssh-key-v1", now.AddDate(1, 0, 0))
	valid := samltest.PEM(der)
	texts := map[string]string{
		"a ticket about a key":     `{"metadata":{"summary":"Begin private key rotation -- the PRIVATE KEY of the IdP"}}`,
		"a certificate":            valid,
		"a certificate in base64":  b64([]byte(valid)),
		"a certificate, bare":      lines(b64(der), 76, `\n`),
		"a certificate with a bag": bagAttributes + valid,
		"a printed certificate":    printed + valid,
		"a certificate request":    "-----BEGIN CERTIFICATE REQUEST-----\n" + b64([]byte{0x30, 5, 0x30, 3, 2, 1, 0}) + "\n-----END CERTIFICATE REQUEST-----",
		"a public key":             "-----BEGIN PUBLIC KEY-----\nMIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEA\n-----END PUBLIC KEY-----",
		"metadata in base64":       b64([]byte(usual().String())),
		"empty":                    "",
		"binary":                   "\xff\xfe\x00\\u",
	}
	for _, shape := range samltest.Shapes() {
		texts[shape.Name] = string(shape.Build(samltest.Params{EntityID: "urn:idp", SigninURL: signin, Certificates: [][]byte{der}}))
	}
	for name, text := range texts {
		require.False(t, saml.HasPrivateKey([]byte(text)), name)
	}
}
