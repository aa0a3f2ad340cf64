//go:build compat

package compat_test

import (
	"encoding/json"
	"fmt"
	"html"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"sendgrid-sso-integration/sendgrid"
)

// lemonLDAP is https://lemonldap-ng.org, its portal served by Plack's development server. It keeps its
// configuration in memory, so that a change of it restarts the server.
type lemonLDAP struct {
	dir    string
	front  *front
	server *process
	key    signingKey
	// sendGrid is nil until the integration was created.
	sendGrid *sendgrid.Integration
}

func (*lemonLDAP) name() string { return "LemonLDAP::NG" }

func (*lemonLDAP) packages() []string {
	return []string{"liblemonldap-ng-portal-perl", "liblasso-perl"}
}

func (l *lemonLDAP) start(t *testing.T, k signingKey) {
	t.Helper()
	l.dir, l.front = t.TempDir(), newFront(t, "lemonldap.example.com")
	for _, name := range []string{"conf", "cache", "sessions", "psessions", "locks"} {
		require.NoError(t, os.Mkdir(filepath.Join(l.dir, name), 0o700))
	}
	l.rotate(t, k)
}

func (l *lemonLDAP) rotate(t *testing.T, k signingKey) {
	t.Helper()
	l.key = k
	l.restart(t)
}

func (l *lemonLDAP) connect(t *testing.T, i sendgrid.Integration) {
	t.Helper()
	l.sendGrid = &i
	l.restart(t)
}

// restart starts the portal with the configuration in testdata/lemonldap-ng, the key and SendGrid.
func (l *lemonLDAP) restart(t *testing.T) {
	t.Helper()
	if l.server != nil {
		l.server.stop()
	}
	// What it keeps of its configuration on disk would otherwise count.
	require.NoError(t, os.RemoveAll(filepath.Join(l.dir, "cache")))
	require.NoError(t, os.Mkdir(filepath.Join(l.dir, "cache"), 0o700))

	var configuration map[string]any
	require.NoError(t, json.Unmarshal([]byte(l.filled(t, "lmConf.json")), &configuration))
	configuration["samlServicePrivateKeySig"] = l.key.keyPEM
	configuration["samlServicePublicKeySig"] = l.key.certificatePEM
	if l.sendGrid != nil {
		const key = "sendgrid"
		configuration["samlSPMetaDataXML"] = map[string]any{key: map[string]any{"samlSPMetaDataXML": serviceProvider(*l.sendGrid)}}
		configuration["samlSPMetaDataOptions"] = map[string]any{key: map[string]any{
			"samlSPMetaDataOptionsNameIDFormat": "email", "samlSPMetaDataOptionsEnableIDPInitiatedURL": 1,
			"samlSPMetaDataOptionsCheckSSOMessageSignature": 0,
		}}
		configuration["samlSPMetaDataExportedAttributes"] = map[string]any{key: map[string]any{"mail": "1;mail"}}
	}
	text, err := json.Marshal(configuration)
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(filepath.Join(l.dir, "conf", "lmConf-1.json"), text, 0o600))
	ini := filepath.Join(l.dir, "lemonldap-ng.ini")
	require.NoError(t, os.WriteFile(ini, []byte(l.filled(t, "lemonldap-ng.ini")), 0o600))

	host, port, _ := strings.Cut(l.front.backend, ":")
	l.server = run(t, l.dir, l.front.backend, []string{"LLNG_DEFAULTCONFFILE=" + ini},
		"plackup", "--server", "HTTP::Server::PSGI", "--env", "deployment", "--no-default-middleware", "--host", host, "--port", port,
		"/usr/share/lemonldap-ng/portal/htdocs/index.psgi")
}

// filled returns a file of the configuration with what is particular to this run.
func (l *lemonLDAP) filled(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("testdata", "lemonldap-ng", name))
	require.NoError(t, err)
	return strings.NewReplacer("@DIR@", l.dir, "@URL@", l.front.url).Replace(string(text))
}

// serviceProvider returns the SAML metadata of SendGrid, which a person writes: SendGrid has none.
func serviceProvider(i sendgrid.Integration) string {
	return fmt.Sprintf(`<EntityDescriptor xmlns="urn:oasis:names:tc:SAML:2.0:metadata" entityID="%s">
  <SPSSODescriptor AuthnRequestsSigned="false" WantAssertionsSigned="true" protocolSupportEnumeration="urn:oasis:names:tc:SAML:2.0:protocol">
    <NameIDFormat>urn:oasis:names:tc:SAML:1.1:nameid-format:emailAddress</NameIDFormat>
    <AssertionConsumerService isDefault="true" index="0" Binding="urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST" Location="%s"/>
  </SPSSODescriptor>
</EntityDescriptor>`, html.EscapeString(i.AudienceURL), html.EscapeString(i.SingleSignOnURL))
}

func (l *lemonLDAP) metadataURL() string { return l.front.url + "/saml/metadata" }

func (l *lemonLDAP) logInURL(i sendgrid.Integration) string {
	return l.front.url + "/saml/singleSignOn?" + url.Values{"IDPInitiated": {"1"}, "sp": {i.AudienceURL}}.Encode()
}

// person is one of those whom LemonLDAP::NG has for demonstrations.
func (*lemonLDAP) person() person {
	return person{user: "dwho", password: "dwho", userField: "user", passwordField: "password", nameID: "dwho@badwolf.org"}
}

func (l *lemonLDAP) client() *http.Client { return l.front.client() }
