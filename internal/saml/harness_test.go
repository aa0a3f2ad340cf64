package saml_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/stretchr/testify/require"

	"sendgrid-sso-integration/internal/saml"
	"sendgrid-sso-integration/internal/saml/samltest"
)

// now is the time of the tests.
var now = time.Date(2026, 7, 14, 12, 0, 0, 0, time.UTC)

var key = sync.OnceValue(func() *ecdsa.PrivateKey {
	k, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		panic(err)
	}
	return k
})

// issue returns a certificate that is valid for the two years before notAfter.
func issue(name string, notAfter time.Time) []byte {
	return samltest.NewCertificate(key(), name, notAfter.AddDate(-2, 0, 0), notAfter)
}

// issued returns count different valid certificates.
func issued(count int) [][]byte {
	certificates := make([][]byte, count)
	for i := range certificates {
		certificates[i] = issue("idp.example.com", now.AddDate(1, 0, 0))
	}
	return certificates
}

func expired() []byte { return issue("expired.example.com", now.Add(-time.Second)) }

func b64(data []byte) string { return base64.StdEncoding.EncodeToString(data) }

func sums(ders ...[]byte) []string {
	var list []string
	for _, der := range ders {
		sum := sha256.Sum256(der)
		list = append(list, hex.EncodeToString(sum[:]))
	}
	return list
}

func fingerprints(certificates []saml.Certificate) []string {
	var list []string
	for _, c := range certificates {
		list = append(list, c.SHA256)
	}
	return list
}

// requireMessage requires an error of the type *saml.Error that contains a text.
func requireMessage(t *testing.T, err error, text string) {
	t.Helper()
	var e *saml.Error
	require.ErrorAs(t, err, &e)
	require.Equal(t, e.Message, err.Error())
	require.Contains(t, e.Message, text)
	require.LessOrEqual(t, utf8.RuneCountInString(e.Message), maxMessage)
	require.NotEqual(t, '.', rune(e.Message[len(e.Message)-1]), "it continues a sentence")
}

// maxMessage is more than any message needs: five clipped entity ids are the longest part.
const maxMessage = 600

// parts are the parts of a document that tests replace.
type parts struct {
	entity, role, keys, services string
}

const idpRole = `<IDPSSODescriptor protocolSupportEnumeration="urn:oasis:names:tc:SAML:2.0:protocol"%s>%s%s</IDPSSODescriptor>`

func (p parts) String() string {
	return `<EntityDescriptor xmlns="urn:oasis:names:tc:SAML:2.0:metadata" ` + p.entity + `>` +
		fmt.Sprintf(idpRole, p.role, p.keys, p.services) + `</EntityDescriptor>`
}

func usual() parts {
	return parts{entity: `entityID="urn:idp"`, services: service("SingleSignOnService", "HTTP-POST", signin)}
}

func service(element, binding, location string) string {
	return fmt.Sprintf(`<%s Binding="urn:oasis:names:tc:SAML:2.0:bindings:%s" Location="%s"/>`,
		element, binding, strings.ReplaceAll(location, "&", "&amp;"))
}

func keyDescriptor(use string, certificates ...string) string {
	var b strings.Builder
	for _, c := range certificates {
		b.WriteString("<x:X509Certificate>" + c + "</x:X509Certificate>")
	}
	return `<KeyDescriptor` + use + `><x:KeyInfo xmlns:x="http://www.w3.org/2000/09/xmldsig#"><x:X509Data>` +
		b.String() + `</x:X509Data></x:KeyInfo></KeyDescriptor>`
}

func entities(attributes string, inner ...parts) string {
	var b strings.Builder
	for _, p := range inner {
		b.WriteString(p.String())
	}
	return `<g:EntitiesDescriptor xmlns:g="urn:oasis:names:tc:SAML:2.0:metadata"` + attributes + `>` + b.String() + `</g:EntitiesDescriptor>`
}

// with returns the usual document with one part replaced.
func with(change func(p *parts)) string {
	p := usual()
	change(&p)
	return p.String()
}

func entityAttributes(text string) string { return with(func(p *parts) { p.entity = text }) }
func roleAttributes(text string) string   { return with(func(p *parts) { p.role = text }) }
func keys(text string) string             { return with(func(p *parts) { p.keys = text }) }
func services(text string) string         { return with(func(p *parts) { p.services = text }) }

func manyAttributes(count int) string {
	var b strings.Builder
	for i := range count {
		fmt.Fprintf(&b, ` a%d=""`, i)
	}
	return b.String()
}

// nestedGroups returns an entity within groups, so that its services are at levels + 3.
func nestedGroups(levels int, p parts) string {
	levels--
	return strings.Repeat(`<EntitiesDescriptor xmlns="urn:oasis:names:tc:SAML:2.0:metadata">`, levels) + p.String() +
		strings.Repeat(`</EntitiesDescriptor>`, levels)
}
