package request_test

import (
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"sendgrid-sso-integration/internal/problem"
	"sendgrid-sso-integration/internal/request"
	"sendgrid-sso-integration/internal/saml/samltest"
)

// Wherever a private key is, nothing else of the request is read, and nothing of it is kept.
func TestParseRefusesAPrivateKeyAnywhere(t *testing.T) {
	t.Parallel()
	rsa, certificate := samltest.NewKeyPair("idp", time.Now().Add(-time.Hour), time.Now().Add(time.Hour))
	pkcs1 := x509.MarshalPKCS1PrivateKey(rsa)
	bare := base64.StdEncoding.EncodeToString(pkcs1)
	block := string(pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: pkcs1}))
	printed := "RSA Private-Key: (2048 bit)\n" + samltest.PEM(certificate)
	metadata := strings.Replace(metadataDocument(t, certificate), base64.StdEncoding.EncodeToString(certificate)[:64], bare[:64], 1)
	require.Contains(t, metadata, bare[:64])

	for name, body := range map[string]string{
		"as the certificate":                with("public_certificate", quote(block)),
		"beside the certificate":            with("public_certificate", quote(samltest.PEM(certificate)+block)),
		"bare":                              with("public_certificate", quote(bare)),
		"only printed":                      with("public_certificate", quote(printed)),
		"in SAML metadata":                  with("saml_metadata", quote(metadata)),
		"in SAML metadata in base64":        `{"name":"Okta","enabled":true,"saml_metadata":` + quote(base64.StdEncoding.EncodeToString([]byte(metadata))) + "}",
		"in metadata":                       with("metadata", `{"ticket":"OPS-1","key":`+quote(block[:200])+"}"),
		"in the name":                       with("name", quote(block)),
		"in an unknown field":               with("private_key", quote(block)),
		"as the name of a field":            with(block, "1"),
		"in JSON that is malformed":         `{"name": "Okta", "key": "` + block + `"}`,
		"in JSON that is cut off":           `{"key": ` + quote(block)[:100],
		"alone":                             block,
		"in a request of another kind":      `{"Records":[{"body":` + quote(block) + `}]}`,
		"in an array":                       `[` + quote(block) + `]`,
		"after the request":                 object(fields()) + block,
		"in a request that is too large":    with("name", quote(strings.Repeat("x", request.MaxRequestBytes)+block)),
		"in a request that is not in UTF-8": "\xff" + block,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r, err := request.Parse([]byte(body), time.Now())
			e := requireCode(t, problem.InvalidRequest, err)
			require.Contains(t, e.Message, "private key")
			require.True(t, e.Secret)
			require.Empty(t, e.Fields)
			require.NoError(t, e.Err)
			require.Zero(t, r)
			require.NotContains(t, e.Error(), bare[:20])
		})
	}
}

func TestParseMarksNothingElseAsSecret(t *testing.T) {
	t.Parallel()
	for _, body := range []string{"{", with("public_certificate", `"abc"`), with("metadata", "1"), with("name", `" "`)} {
		_, err := request.Parse([]byte(body), time.Now())
		require.False(t, problem.From(err).Secret)
	}
}
