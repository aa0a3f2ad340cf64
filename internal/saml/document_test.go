package saml_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"sendgrid-sso-integration/internal/saml"
	"sendgrid-sso-integration/internal/saml/samltest"
)

// documentCase is a document, and what its error contains; nothing where it is accepted.
type documentCase struct{ document, message string }

// runDocuments parses documents that have the values of the usual one where they are accepted.
func runDocuments(t *testing.T, cases map[string]documentCase) {
	t.Helper()
	for name, tt := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m, err := saml.ParseMetadata([]byte(tt.document), saml.Given{}, now)
			if tt.message != "" {
				require.Nil(t, m)
				requireMessage(t, err, tt.message)
				return
			}
			require.NoError(t, err)
			require.Equal(t, &saml.Metadata{EntityID: "urn:idp", SigninURL: signin}, m)
		})
	}
}

func TestDocuments(t *testing.T) {
	t.Parallel()
	document := usual().String()
	runDocuments(t, map[string]documentCase{
		"usual":              {document, ""},
		"just small enough":  {document + strings.Repeat(" ", saml.MaxMetadataBytes-len(document)), ""},
		"too large":          {document + strings.Repeat(" ", saml.MaxMetadataBytes), "must have at most 1048576 bytes"},
		"empty":              {"", "must not be empty"},
		"white space":        {"\uFEFF \nï»¿", "must not be empty"},
		"JSON":               {`{"entity_id":"urn:idp"}`, `must be the XML of the identity provider's SAML metadata, which begins with <, not with "{"; a URL goes in saml_metadata_url`},
		"JSON of a document": {`"` + document + `"`, `not with "\""`},
		"URL":                {"https://idp.example.com/metadata ", "is a URL; it goes in saml_metadata_url"},
		"certificate":        {samltest.PEM(issued(1)[0]), "is a certificate; it goes in public_certificate"},
		"invalid UTF-8":      {entityAttributes("a=\"é\"\n b=\"\xe9\""), "is not encoded in UTF-8 (line 2, column 5); convert it to UTF-8, or send its text as saml_metadata"},
		"in a comment":       {"<!-- \xff -->" + document, "is not encoded in UTF-8 (line 1, column 6)"},
		"replaced":           {"<!-- \ufffd -->" + document, ""},
		"HTML":               {"<!doctype html><html><body>Sign in</body></html>", "must not contain a DOCTYPE (line 1, column 1); if this is an HTML page, send the metadata document instead"},
		"HTML, no DOCTYPE":   {"<html><body>Sign in<br></body></html>", "has the root element html (line 1, column 1), not EntityDescriptor or EntitiesDescriptor of SAML 2.0"},
		"a SAML response":    {`<p:Response xmlns:p="urn:oasis:names:tc:SAML:2.0:protocol"/>`, "has the root element p:Response (line 1, column 1)"},
	})
}

// An element in a wrong namespace, or in none, is not taken for one that is missing.
func TestNamespaces(t *testing.T) {
	t.Parallel()
	certificate := keyDescriptor("", b64(issued(1)[0]))
	full := with(func(p *parts) { p.keys = "\n" + certificate })
	bare := strings.ReplaceAll(strings.ReplaceAll(full, "x:", ""), "xmlns:x=", "xmlns=")
	group := entities("", usual())
	replace := func(document, old, replacement string) string {
		require.Contains(t, document, old)
		return strings.ReplaceAll(document, old, replacement)
	}
	const add = `without its namespace; add xmlns="urn:oasis:names:tc:SAML:2.0:metadata", or send the values one by one`
	runDocuments(t, map[string]documentCase{
		"root in no namespace":       {replace(full, "xmlns=", "xmlns:md="), "has the element EntityDescriptor (line 1, column 1) " + add},
		"root in another":            {replace(full, "SAML:2.0:metadata", "SAML:1.1:metadata"), `has the element EntityDescriptor (line 1, column 1) in the namespace "urn:oasis:names:tc:SAML:1.1:metadata" instead of "urn:oasis:names:tc:SAML:2.0:metadata"`},
		"entity in no namespace":     {replace(group, `<EntityDescriptor xmlns="urn:oasis:names:tc:SAML:2.0:metadata"`, "<EntityDescriptor"), "has the element EntityDescriptor"},
		"role in another":            {replace(full, "<IDPSSO", `<IDPSSODescriptor xmlns="urn:o"/><IDPSSO`), `has the element IDPSSODescriptor (line 1, column 83) in the namespace "urn:o"`},
		"role in no namespace":       {replace(full, "<IDPSSODescriptor", `<IDPSSODescriptor xmlns=""`), "has the element IDPSSODescriptor (line 1, column 83) without its namespace"},
		"service in another":         {replace(full, "<SingleSignOnService", `<SingleSignOnService xmlns="urn:o"`), `has the element SingleSignOnService`},
		"KeyDescriptor in another":   {replace(full, "<KeyDescriptor", `<KeyDescriptor xmlns="urn:o"`), `has the element KeyDescriptor (line 2, column 1) in the namespace "urn:o"`},
		"KeyInfo in another":         {replace(full, "xmldsig#", "xmldsig"), `has the element x:KeyInfo (line 2, column 16) in the namespace "http://www.w3.org/2000/09/xmldsig" instead of "http://www.w3.org/2000/09/xmldsig#"`},
		"KeyInfo in that of SAML":    {replace(bare, ` xmlns="http://www.w3.org/2000/09/xmldsig#"`, ""), "has the element KeyInfo (line 2, column 16) in the namespace"},
		"certificate in no other":    {replace(bare, "<X509Certificate", `<X509Certificate xmlns=""`), "has the element X509Certificate"},
		"elements of other elements": {services(usual().services + `<Extensions><KeyDescriptor xmlns="urn:o"/></Extensions>`), ""},
		"services of a SP":           {replace(usual().String(), "<IDPSSO", `<SPSSODescriptor><KeyDescriptor xmlns="urn:o"/></SPSSODescriptor><IDPSSO`), ""},
	})
}
