package saml_test

import (
	"fmt"
	"html"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"sendgrid-sso-integration/internal/saml"
	"sendgrid-sso-integration/internal/saml/samltest"
)

const (
	entityID = "https://idp.example.com/entity?a=1&b=2"
	signin   = "https://idp.example.com/sso?tenant=1&app=2"
	signout  = "https://idp.example.com/slo"
)

func TestShapes(t *testing.T) {
	t.Parallel()
	ders := issued(2)
	for _, shape := range samltest.Shapes() {
		for count := range 3 {
			t.Run(fmt.Sprintf("%s with %d certificates", shape.Name, count), func(t *testing.T) {
				t.Parallel()
				document := shape.Build(samltest.Params{
					EntityID: entityID, SigninURL: signin, SignoutURL: signout, Certificates: ders[:count],
					Encryption: issue("encryption", now.AddDate(1, 0, 0)),
				})
				require.True(t, saml.IsXML(document))
				m, err := saml.ParseMetadata(document, saml.Given{}, now)
				require.NoError(t, err)
				require.Equal(t, entityID, m.EntityID)
				require.Equal(t, signin, m.SigninURL)
				require.Equal(t, map[bool]string{true: signout}[shape.SingleLogout], m.SignoutURL)
				require.Equal(t, sums(ders[:count]...), fingerprints(m.Certificates))

				for form, text := range map[string]string{
					"base64": b64(document), "HTML": html.EscapeString(string(document)), "a wrong byte order mark": "ï»¿" + strings.TrimPrefix(string(document), "\uFEFF"),
					"a declaration of UTF-16": strings.NewReplacer(`"utf-8"`, `"utf-16"`, `"UTF-8"`, `"UTF-16"`).Replace(string(document)),
				} {
					same, err := saml.ParseMetadata([]byte(text), saml.Given{}, now)
					require.NoError(t, err, form)
					require.Equal(t, m, same, form)
				}
				named, err := saml.ParseMetadata(document, saml.Given{EntityID: entityID}, now)
				require.NoError(t, err)
				require.Equal(t, m, named)
			})
		}
	}
}

func TestSigningCertificates(t *testing.T) {
	t.Parallel()
	ders := issued(11)
	a, b, old := ders[0], ders[1], expired()
	signing := ` use="signing"`
	var eleven []string
	for _, der := range ders {
		eleven = append(eleven, b64(der))
	}
	for name, tt := range map[string]struct {
		keys    string
		want    [][]byte
		message string
	}{
		"none":                     {"", nil, ""},
		"key name alone":           {`<KeyDescriptor><KeyInfo xmlns="http://www.w3.org/2000/09/xmldsig#"><KeyName>k</KeyName></KeyInfo></KeyDescriptor>`, nil, ""},
		"signing":                  {keyDescriptor(signing, b64(a)), [][]byte{a}, ""},
		"use absent":               {keyDescriptor("", b64(a)), [][]byte{a}, ""},
		"encryption":               {keyDescriptor(` use="encryption"`, b64(a)), nil, ""},
		"encryption, unreadable":   {keyDescriptor(` use="encryption"`, "?"), nil, ""},
		"two descriptors":          {keyDescriptor(signing, b64(b)) + keyDescriptor("", b64(a)), [][]byte{b, a}, ""},
		"two in one":               {keyDescriptor(signing, b64(a), b64(b)), [][]byte{a, b}, ""},
		"repeated":                 {keyDescriptor(signing, b64(a), b64(a)) + keyDescriptor("", "\n"+b64(a)), [][]byte{a}, ""},
		"split by a comment":       {keyDescriptor(signing, b64(a)[:100]+"<!-- c -->"+b64(a)[100:]), [][]byte{a}, ""},
		"in CDATA":                 {keyDescriptor(signing, "<![CDATA["+b64(a)+"]]>"), [][]byte{a}, ""},
		"in PEM":                   {keyDescriptor(signing, samltest.PEM(a)), [][]byte{a}, ""},
		"in PEM with its subject":  {keyDescriptor(signing, "subject=/CN=idp/O=x\n"+samltest.PEM(a)), [][]byte{a}, ""},
		"in PEM in base64":         {keyDescriptor(signing, b64([]byte("\n"+samltest.PEM(a)))), [][]byte{a}, ""},
		"in lines of XML":          {keyDescriptor(signing, lines(b64(a), 76, "&#13;\n")), [][]byte{a}, ""},
		"two joined, in PEM":       {keyDescriptor(signing, samltest.PEM(a)+samltest.PEM(b)), [][]byte{a, b}, ""},
		"two joined, in base64":    {keyDescriptor(signing, b64(slices.Concat(a, b))), [][]byte{a, b}, ""},
		"two joined, one expired":  {keyDescriptor(signing, samltest.PEM(old)+samltest.PEM(b)), [][]byte{b}, ""},
		"two of X509Data":          {strings.Replace(keyDescriptor(signing, b64(a), b64(b)), "<x:X509Certificate", "<x:X509SubjectName>CN=idp</x:X509SubjectName></x:X509Data><x:X509Data><x:X509Certificate", 1), [][]byte{a, b}, ""},
		"negative serial number":   {keyDescriptor(signing, b64(samltest.NegativeSerial(a))), [][]byte{samltest.NegativeSerial(a)}, ""},
		"another curve":            {keyDescriptor(signing, b64(samltest.Brainpool())), [][]byte{samltest.Brainpool()}, ""},
		"ten":                      {keyDescriptor(signing, eleven[:10]...), ders[:10], ""},
		"ten and an expired one":   {keyDescriptor(signing, append(eleven[:10:10], b64(old))...), ders[:10], ""},
		"one expired":              {keyDescriptor(signing, b64(old), b64(a)), [][]byte{a}, ""},
		"all expired":              {keyDescriptor(signing, b64(issue("older", now.AddDate(-1, 0, 0))), b64(old)), nil, "has only expired signing certificates, the last until 2026-07-14; renew it at the identity provider, or send the signing certificate as public_certificate in addition"},
		"valid one for encryption": {keyDescriptor(signing, b64(old)) + keyDescriptor(` use="encryption"`, b64(a)), nil, "only expired"},
		"eleven":                   {keyDescriptor(signing, eleven...), nil, "must have at most 10 signing certificates, not 11; remove old ones at the identity provider, or send"},
		"unreadable":               {keyDescriptor(signing, b64(a), b64([]byte{0x30})), nil, "has an X509Certificate (line 1, column"},
		"what is unreadable":       {"\n\n" + keyDescriptor(signing, b64(a)[:120]), nil, "(line 3, column 98) that is cut off: it has 90 of "},
		"what to do about it":      {keyDescriptor(signing, b64(a)[:120]), nil, " bytes; send the signing certificate as public_certificate in addition"},
		"a bundle":                 {keyDescriptor(signing, block("PKCS7", a)), nil, "is a PKCS #7 bundle, not a certificate; convert it with openssl pkcs7 -print_certs -in bundle.p7b -out idp.pem (-inform DER if the file is binary); send the signing"},
		"no dates":                 {keyDescriptor(signing, b64(samltest.BrokenDates(a))), nil, "has dates of validity that cannot be read; send the signing certificate"},
		"empty":                    {keyDescriptor(signing, " "), nil, "that must not be empty; send the signing certificate"},
		"foreign character":        {keyDescriptor(signing, b64(a)[:64]+"\n…"), nil, `that is damaged base64: the character "…" in line 2 is none of base64`},
		"private key":              {keyDescriptor(signing, b64([]byte{0x30, 3, 2, 1, 0})), nil, "contains a private key: never send one, and replace this one if it is in use; take it out"},
		"private key to decrypt":   {keyDescriptor(` use="encryption"`, b64([]byte{0x30, 3, 2, 1, 0})), nil, "contains a private key"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m, err := saml.ParseMetadata([]byte(keys(tt.keys)), saml.Given{}, now)
			if tt.message != "" {
				requireMessage(t, err, tt.message)
				return
			}
			require.NoError(t, err)
			require.Equal(t, sums(tt.want...), fingerprints(m.Certificates))
		})
	}
}

// Only what is used is judged: a value that is given replaces that of the metadata.
func TestGiven(t *testing.T) {
	t.Parallel()
	certificate := issued(1)[0]
	broken := func(change func(p *parts)) string {
		return with(func(p *parts) {
			p.services = service("SingleSignOnService", "HTTP-POST", signin) + service("SingleLogoutService", "HTTP-POST", signout)
			p.keys = keyDescriptor("", b64(certificate))
			change(p)
		})
	}
	all := saml.Given{SigninURL: true, SignoutURL: true, Certificates: true}
	for name, tt := range map[string]struct {
		document string
		given    saml.Given
		message  string // where it is not given
	}{
		"expired certificate":    {broken(func(p *parts) { p.keys = keyDescriptor("", b64(expired())) }), saml.Given{Certificates: true}, "has only expired"},
		"unreadable certificate": {broken(func(p *parts) { p.keys = keyDescriptor("", "?") }), saml.Given{Certificates: true}, "has an X509Certificate"},
		"many certificates":      {broken(func(p *parts) { p.keys = strings.Repeat(keyDescriptor("", b64(expired())), 20) }), saml.Given{Certificates: true}, "has only expired"},
		"logout by http":         {strings.ReplaceAll(broken(func(*parts) {}), signout, "http://idp.example.com"), saml.Given{SignoutURL: true}, "has a SingleLogoutService"},
		"login by http":          {strings.ReplaceAll(broken(func(*parts) {}), strings.ReplaceAll(signin, "&", "&amp;"), "http://idp.example.com"), saml.Given{SigninURL: true}, "has a SingleSignOnService"},
		"no login":               {broken(func(p *parts) { p.services = "" }), saml.Given{SigninURL: true}, "has no SingleSignOnService"},
		"no entity id":           {broken(func(p *parts) { p.entity = "" }), saml.Given{EntityID: "urn:idp"}, "is missing or empty"},
		"long entity id":         {broken(func(p *parts) { p.entity = fmt.Sprintf("entityID=%q", strings.Repeat("a", 1025)) }), saml.Given{EntityID: strings.Repeat("a", 1025)}, "must have at most 1024 characters"},
		"everything":             {broken(func(p *parts) { p.services, p.keys = "", keyDescriptor("", "?") }), all, "has no SingleSignOnService"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m, err := saml.ParseMetadata([]byte(tt.document), tt.given, now)
			require.NoError(t, err)
			require.Equal(t, tt.given.SigninURL, m.SigninURL == "", "what is given is not returned")
			require.Equal(t, tt.given.Certificates, len(m.Certificates) == 0)
			_, err = saml.ParseMetadata([]byte(tt.document), saml.Given{}, now)
			requireMessage(t, err, tt.message)
		})
	}
	for name, document := range map[string]string{
		"two in base64": b64([]byte(entities("", usual(), usual()))), "DOCTYPE": "<!DOCTYPE a>" + usual().String(),
		"expired":     entityAttributes(`entityID="urn:idp" validUntil="2020-01-01T00:00:00Z"`),
		"private key": keys(keyDescriptor("", block("PRIVATE KEY", []byte("key")))),
		"prefix":      keys("<ds:KeyDescriptor/>"),
	} {
		_, err := saml.ParseMetadata([]byte(document), all, now)
		requireMessage(t, err, "")
		require.Error(t, err, name)
	}
}
