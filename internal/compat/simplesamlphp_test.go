//go:build compat

package compat_test

import (
	"encoding/json"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"sendgrid-sso-integration/sendgrid"
)

// simpleSAMLphp is https://simplesamlphp.org, served by PHP's own server. It reads its configuration, in
// testdata/simplesamlphp, again for each request.
type simpleSAMLphp struct {
	dir   string
	front *front
}

func (*simpleSAMLphp) name() string { return "SimpleSAMLphp" }

func (*simpleSAMLphp) packages() []string { return []string{"simplesamlphp"} }

func (s *simpleSAMLphp) start(t *testing.T, k signingKey) {
	t.Helper()
	const program = "/usr/share/simplesamlphp/www"
	s.dir, s.front = t.TempDir(), newFront(t, "simplesamlphp.example.com")
	for _, name := range []string{"tmp", "sessions"} {
		require.NoError(t, os.Mkdir(filepath.Join(s.dir, name), 0o700))
	}
	s.rotate(t, k)
	config, err := filepath.Abs("testdata/simplesamlphp")
	require.NoError(t, err)
	env := []string{"SIMPLESAMLPHP_CONFIG_DIR=" + config, "COMPAT_DIR=" + s.dir, "COMPAT_URL=" + s.front.url}
	run(t, s.dir, s.front.backend, env, "php", "-d", "opcache.enable=0", "-S", s.front.backend, "-t", program)
}

func (s *simpleSAMLphp) rotate(t *testing.T, k signingKey) {
	t.Helper()
	s.write(t, "idp.key", k.keyPEM)
	s.write(t, "idp.crt", k.certificatePEM)
	_ = os.Remove(filepath.Join(s.dir, "next.crt")) // It need not be there.
}

func (s *simpleSAMLphp) announce(t *testing.T, k signingKey) {
	t.Helper()
	s.write(t, "next.key", k.keyPEM)
	s.write(t, "next.crt", k.certificatePEM)
}

func (s *simpleSAMLphp) connect(t *testing.T, i sendgrid.Integration) {
	t.Helper()
	text, err := json.Marshal(i)
	require.NoError(t, err)
	s.write(t, "sendgrid.json", string(text))
}

func (s *simpleSAMLphp) write(t *testing.T, name, text string) {
	t.Helper()
	require.NoError(t, os.WriteFile(filepath.Join(s.dir, name), []byte(text), 0o600))
}

func (s *simpleSAMLphp) metadataURL() string { return s.front.url + "/saml2/idp/metadata.php" }

func (s *simpleSAMLphp) logInURL(i sendgrid.Integration) string {
	return s.front.url + "/saml2/idp/SSOService.php?" + url.Values{"spentityid": {i.AudienceURL}}.Encode()
}

func (*simpleSAMLphp) person() person {
	return person{user: "ada", password: "countess", userField: "username", passwordField: "password", nameID: "ada@example.com"}
}

func (s *simpleSAMLphp) client() *http.Client { return s.front.client() }
