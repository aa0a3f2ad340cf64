package saml_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

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
				m, err := saml.ParseMetadata(document, "", now)
				require.NoError(t, err)
				require.Equal(t, entityID, m.EntityID)
				require.Equal(t, signin, m.SigninURL)
				require.Equal(t, map[bool]string{true: signout}[shape.SingleLogout], m.SignoutURL)
				require.Equal(t, sums(ders[:count]...), fingerprints(m.Certificates))

				named, err := saml.ParseMetadata(document, entityID, now)
				require.NoError(t, err)
				require.Equal(t, m, named)
			})
		}
	}
}

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

func TestDocuments(t *testing.T) {
	t.Parallel()
	document := usual().String()
	nested := func(levels int) string {
		return strings.Repeat("<a>", levels) + strings.Repeat("</a>", levels)
	}
	for name, tt := range map[string]struct {
		document string
		message  string // empty where it is accepted
	}{
		"usual":                         {document, ""},
		"byte order mark":               {"\uFEFF" + document, ""},
		"declaration":                   {`<?xml version="1.0" encoding="utf-8"?>` + document, ""},
		"comments and white space":      {"\n<!-- a -->\n" + document + "\n<!-- b -->\n", ""},
		"comment with a DOCTYPE":        {"<!-- <!DOCTYPE a> -->" + document, ""},
		"prefix bound to another":       {strings.NewReplacer("<EntityD", "<o:EntityD", "</EntityD", "</o:EntityD", "xmlns=", `xmlns="urn:oasis:names:tc:SAML:2.0:metadata" xmlns:o=`).Replace(document), ""},
		"unknown elements":              {services(usual().services + "<Extensions><a/></Extensions>"), ""},
		"30 levels":                     {services(usual().services + nested(30)), ""},
		"attribute of another space":    {entityAttributes(`entityID="urn:idp" xmlns:o="urn:o" o:entityID="urn:other"`), ""},
		"namespace named entityID":      {entityAttributes(`entityID="urn:idp" xmlns:entityID="urn:other"`), ""},
		"just small enough":             {document + strings.Repeat(" ", saml.MaxMetadataBytes-len(document)), ""},
		"as many attributes as allowed": {entityAttributes(manyAttributes(62) + ` entityID="urn:idp"`), ""},
		"empty":                         {"", "must not be empty"},
		"white space":                   {"\uFEFF \n", "must not be empty"},
		"JSON":                          {`{"entity_id":"urn:idp"}`, "must be an XML document"},
		"too large":                     {document + strings.Repeat(" ", saml.MaxMetadataBytes), "at most 1048576 bytes"},
		"31 levels":                     {services(nested(31)), "at most 32 levels"},
		"many attributes":               {entityAttributes(manyAttributes(65)), "at most 64 attributes"},
		"very deep":                     {services(strings.Repeat("<a>", 100_000)), "at most 32 levels"},
		"text before":                   {"<?a b?>text" + document, "not well-formed XML (line 1)"},
		"text after":                    {document + "\n\ntext", "not well-formed XML (line 3)"},
		"two roots":                     {document + document, "not well-formed XML"},
		"no root":                       {"<!-- nothing -->", "not well-formed XML"},
		"cut off":                       {document[:len(document)-5], "not well-formed XML"},
		"end of another element":        {strings.Replace(document, "</IDPSSO", "</SPSSO", 1), "not well-formed XML"},
		"attribute given twice":         {entityAttributes(`entityID="urn:idp" entityID="urn:idp"`), "not well-formed XML"},
		"undefined entity":              {entityAttributes(`entityID="&idp;"`), "not well-formed XML"},
		"invalid UTF-8":                 {entityAttributes("entityID=\"\xff\""), "not well-formed XML"},
		"DOCTYPE":                       {"<!DOCTYPE EntityDescriptor>" + document, "must not contain a DOCTYPE"},
		"DOCTYPE with entities":         {`<!DOCTYPE a [<!ENTITY idp "urn:idp">]>` + entityAttributes(`entityID="&idp;"`), "DOCTYPE"},
		"DOCTYPE behind the root":       {document + "<!DOCTYPE a>", "must not contain a DOCTYPE"},
		"DOCTYPE in the root":           {services("<!DOCTYPE a>"), "must not contain a DOCTYPE"},
		"HTML":                          {"<!doctype html><html><body>Sign in</body></html>", "if this is an HTML page"},
		"HTML without DOCTYPE":          {"<html><body>Sign in</body></html>", "as its root element"},
		"declared Latin-1":              {`<?xml version="1.0" encoding="ISO-8859-1"?>` + document, "must be encoded in UTF-8"},
		"declared UTF-16":               {`<?xml version="1.0" encoding="UTF-16"?>` + document, "must be encoded in UTF-8"},
		"UTF-16":                        {"<\x00E\x00", "must be encoded in UTF-8"},
		"UTF-16 with byte order mark":   {"\xff\xfe<\x00E\x00", "must be encoded in UTF-8"},
		"no namespace":                  {strings.Replace(document, "xmlns=", "a=", 1), "as its root element"},
		"undeclared prefix":             {strings.ReplaceAll(document, "EntityD", "md:EntityD"), "as its root element"},
		"namespace of SAML 1.1":         {strings.Replace(document, "SAML:2.0:metadata", "SAML:1.1:metadata", 1), "as its root element"},
		"namespace by two steps": {strings.NewReplacer("<EntityD", "<a:EntityD", "</EntityD", "</a:EntityD",
			"xmlns=", `xmlns:a="b" xmlns:b=`).Replace(document), "as its root element"},
		"a SAML response":       {`<Response xmlns="urn:oasis:names:tc:SAML:2.0:protocol"/>`, "as its root element"},
		"role of another space": {strings.Replace(document, "<IDPSSODescriptor", `<IDPSSODescriptor xmlns="urn:o"`, 1), "describes no SAML 2.0 identity provider"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m, err := saml.ParseMetadata([]byte(tt.document), "", now)
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

func TestWhichIdentityProvider(t *testing.T) {
	t.Parallel()
	named := func(id string) parts {
		p := usual()
		p.entity = fmt.Sprintf("entityID=%q", id)
		return p
	}
	sp := strings.ReplaceAll(usual().String(), "IDPSSO", "SPSSO")
	saml11 := strings.Replace(usual().String(), "SAML:2.0:protocol", "SAML:1.1:protocol", 1)
	two := entities("", named("urn:a"), named("urn:b"))
	nested := `<EntitiesDescriptor xmlns="urn:oasis:names:tc:SAML:2.0:metadata">` + sp + entities("", named("urn:a")) +
		entities("", named("urn:b")) + `</EntitiesDescriptor>`
	var many []parts
	for i := range 30 {
		many = append(many, named(fmt.Sprintf("urn:%d:%s", i, strings.Repeat("ü", 1000))))
	}
	other := strings.Replace(fmt.Sprintf(idpRole, "", "", service("SingleSignOnService", "HTTP-POST", "https://old.example.com")),
		"SAML:2.0:protocol", "SAML:1.1:protocol", 1)
	for name, tt := range map[string]struct {
		document, entityID string
		want, message      string
	}{
		"the only one":               {usual().String(), "", "urn:idp", ""},
		"the only one, named":        {usual().String(), "urn:idp", "urn:idp", ""},
		"the only one in a group":    {nestedGroups(30, usual()), "", "urn:idp", ""},
		"the first of two":           {two, "urn:a", "urn:a", ""},
		"the second of two":          {two, "urn:b", "urn:b", ""},
		"in an inner group":          {nested, "urn:b", "urn:b", ""},
		"white space around":         {entityAttributes(`entityID=" urn:idp&#10;"`), "urn:idp", "urn:idp", ""},
		"several protocols":          {strings.Replace(usual().String(), `n="urn`, `n="urn:o  urn`, 1), "", "urn:idp", ""},
		"a role of SAML 1.1 as well": {strings.Replace(usual().String(), "<IDPSSO", other+"<IDPSSO", 1), "", "urn:idp", ""},
		"longest name":               {entityAttributes(fmt.Sprintf("entityID=%q", strings.Repeat("ü", 1024))), "", strings.Repeat("ü", 1024), ""},

		"two, none named":     {two, "", "", `describes more than one identity provider; name one of them in entity_id: "urn:a", "urn:b"`},
		"two, another named":  {two, "urn:c", "", `that entity_id names, but "urn:a", "urn:b"`},
		"one, another named":  {usual().String(), "urn:IDP", "", `that entity_id names, but "urn:idp"`},
		"names are clipped":   {entities("", many...), "", "", `"urn:0:` + strings.Repeat("ü", 58) + `…", "urn:1`},
		"names are few":       {entities("", many...), "urn:0", "", ` and 25 more`},
		"the same twice":      {entities("", usual(), usual()), "urn:idp", "", "names more than once"},
		"two roles":           {strings.Replace(usual().String(), "<IDPSSO", fmt.Sprintf(idpRole, "", "", "")+"<IDPSSO", 1), "", "", "more than one"},
		"empty group":         {entities(""), "", "", "describes no SAML 2.0 identity provider"},
		"service provider":    {sp, "", "", "not that of SendGrid or another service provider"},
		"SAML 1.1":            {saml11, "", "", "describes no SAML 2.0 identity provider"},
		"no protocol":         {strings.Replace(usual().String(), "protocolSupport", "noProtocol", 1), "", "", "describes no SAML 2.0"},
		"WS-Federation alone": {strings.ReplaceAll(usual().String(), "IDPSSODescriptor", "RoleDescriptor"), "", "", "describes no SAML 2.0"},

		"no entity id":         {entityAttributes(""), "", "", "has an entityID that is missing or empty"},
		"empty entity id":      {entityAttributes(`entityID=" "`), "", "", "has an entityID that is missing or empty"},
		"white space within":   {entityAttributes(`entityID="urn: idp"`), "", "", "contains white space"},
		"control character":    {entityAttributes("entityID=\"urn:\u0085idp\""), "", "", "contains white space or control"},
		"too long":             {entityAttributes(fmt.Sprintf("entityID=%q", strings.Repeat("ü", 1025))), "", "", "longer than 1024 characters"},
		"template":             {entityAttributes(`entityID="https://sts.windows.net/{tenantid}/"`), "", "", "is a template for all tenants"},
		"template, one named":  {entityAttributes(`entityID="https://sts.windows.net/{tenantid}/"`), "https://sts.windows.net/7/", "", `("https://sts.windows.net/{tenantid}/"); send the metadata of your own tenant`},
		"template among other": {entities("", named("urn:{x}"), usual()), "urn:{x}", "", "is a template for all tenants"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m, err := saml.ParseMetadata([]byte(tt.document), tt.entityID, now)
			if tt.message != "" {
				requireMessage(t, err, tt.message)
				return
			}
			require.NoError(t, err)
			require.Equal(t, &saml.Metadata{EntityID: tt.want, SigninURL: signin}, m)
		})
	}
}

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

func TestLocations(t *testing.T) {
	t.Parallel()
	sso := func(binding, location string) string { return service("SingleSignOnService", binding, location) }
	slo := func(binding, location string) string { return service("SingleLogoutService", binding, location) }
	post := sso("HTTP-POST", signin)
	long := "https://idp.example.com/" + strings.Repeat("a", 2048-24)
	for name, tt := range map[string]struct{ services, signin, signout, message string }{
		"POST":                  {post, signin, "", ""},
		"Redirect":              {sso("HTTP-Redirect", signin), signin, "", ""},
		"POST before Redirect":  {sso("HTTP-Redirect", signin+"/r") + post, signin, "", ""},
		"first POST":            {post + sso("HTTP-POST", signin+"/2"), signin, "", ""},
		"Artifact and SOAP":     {sso("HTTP-Artifact", signin+"/a") + sso("SOAP", signin+"/s") + post, signin, "", ""},
		"SimpleSign":            {sso("HTTP-POST-SimpleSign", signin+"/s") + post, signin, "", ""},
		"unused one with http":  {post + sso("HTTP-Redirect", "http://idp.example.com"), signin, "", ""},
		"port and IPv6":         {sso("HTTP-POST", "https://[2001:db8::1]:8443/sso"), "https://[2001:db8::1]:8443/sso", "", ""},
		"white space around":    {sso("HTTP-POST", "\n "+signin+" "), signin, "", ""},
		"longest":               {sso("HTTP-POST", long), long, "", ""},
		"logout by POST":        {post + slo("HTTP-Redirect", signout+"/r") + slo("HTTP-POST", signout), signin, signout, ""},
		"logout by Redirect":    {post + slo("HTTP-Redirect", signout), signin, signout, ""},
		"logout by SOAP":        {post + slo("SOAP", signout), signin, "", ""},
		"ResponseLocation":      {post + strings.Replace(slo("HTTP-POST", signout), "/>", ` ResponseLocation="http://x"/>`, 1), signin, signout, ""},
		"none":                  {"", "", "", "has no SingleSignOnService with the binding"},
		"SOAP alone":            {sso("SOAP", signin), "", "", "has no SingleSignOnService with the binding"},
		"of another namespace":  {strings.Replace(post, "/>", ` xmlns="urn:o"/>`, 1), "", "", "has no SingleSignOnService"},
		"http":                  {sso("HTTP-POST", "http://idp.example.com"), "", "", "SingleSignOnService whose Location must be an absolute URL that begins with https://"},
		"http, Redirect https":  {sso("HTTP-POST", "http://idp.example.com") + sso("HTTP-Redirect", signin), "", "", "must be an absolute URL that begins with https://"},
		"too long":              {sso("HTTP-POST", long+"a"), "", "", "at most 2048 bytes, has 2049"},
		"logout with http":      {post + slo("HTTP-POST", "http://idp.example.com"), "", "", "SingleLogoutService whose Location must be an absolute URL that begins with https://"},
		"logout with user info": {post + slo("HTTP-POST", "https://u@idp.example.com"), "", "", "SingleLogoutService whose Location must not contain a user"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m, err := saml.ParseMetadata([]byte(services(tt.services)), "", now)
			if tt.message != "" {
				requireMessage(t, err, tt.message)
				return
			}
			require.NoError(t, err)
			require.Equal(t, &saml.Metadata{EntityID: "urn:idp", SigninURL: tt.signin, SignoutURL: tt.signout}, m)
		})
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
		"ten":                      {keyDescriptor(signing, eleven[:10]...), ders[:10], ""},
		"ten and an expired one":   {keyDescriptor(signing, append(eleven[:10:10], b64(old))...), ders[:10], ""},
		"one expired":              {keyDescriptor(signing, b64(old), b64(a)), [][]byte{a}, ""},
		"of another namespace":     {strings.Replace(keyDescriptor(signing, b64(a)), "xmldsig#", "xmldsig", 1), nil, ""},
		"all expired":              {keyDescriptor(signing, b64(old)), nil, "has only expired signing certificates"},
		"valid one for encryption": {keyDescriptor(signing, b64(old)) + keyDescriptor(` use="encryption"`, b64(a)), nil, "only expired"},
		"eleven":                   {keyDescriptor(signing, eleven...), nil, "at most 10 signing certificates, not 11"},
		"unreadable":               {keyDescriptor(signing, b64(a), b64([]byte{0x30})), nil, "has an X509Certificate that cannot be read"},
		"empty":                    {keyDescriptor(signing, " "), nil, "has an X509Certificate that must not be empty"},
		"cut off":                  {keyDescriptor(signing, b64(a)[:120]), nil, "has an X509Certificate that is cut off"},
		"private key":              {keyDescriptor(signing, b64([]byte{0x30, 3, 2, 1, 0})), nil, "contains a private key"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m, err := saml.ParseMetadata([]byte(keys(tt.keys)), "", now)
			if tt.message != "" {
				requireMessage(t, err, tt.message)
				return
			}
			require.NoError(t, err)
			require.Equal(t, sums(tt.want...), fingerprints(m.Certificates))
		})
	}
}

func TestValidUntil(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct{ value, message string }{
		"later":             {"2026-07-14T12:00:01Z", ""},
		"later, fraction":   {"2026-07-14T12:00:00.001Z", ""},
		"later, with zone":  {"2026-07-14T10:00:01-02:00", ""},
		"later, no zone":    {"2026-07-14T12:00:01", ""},
		"now":               {"2026-07-14T12:00:00Z", "expired on 2026-07-14 (validUntil)"},
		"earlier":           {"2025-12-31T23:59:59.999Z", "expired on 2025-12-31 (validUntil)"},
		"earlier with zone": {"2026-07-14T13:00:00+02:00", "expired on 2026-07-14"},
		"date alone":        {"2099-01-01", "validUntil that is not a date and time"},
		"word":              {"never", "validUntil that is not a date and time"},
	} {
		attribute := fmt.Sprintf(` validUntil=%q`, tt.value)
		for place, document := range map[string]string{
			"entity":      entityAttributes(`entityID="urn:idp"` + attribute),
			"role":        roleAttributes(attribute),
			"group":       entities(attribute, usual()),
			"outer group": `<EntitiesDescriptor xmlns="urn:oasis:names:tc:SAML:2.0:metadata"` + attribute + `>` + entities("", usual()) + `</EntitiesDescriptor>`,
		} {
			t.Run(name+" on "+place, func(t *testing.T) {
				t.Parallel()
				_, err := saml.ParseMetadata([]byte(document), "", now)
				if tt.message != "" {
					requireMessage(t, err, tt.message)
					return
				}
				require.NoError(t, err)
			})
		}
	}
	past := samltest.Params{EntityID: entityID, SigninURL: signin, ValidUntil: now.Add(-time.Hour)}
	other := usual()
	other.entity += ` validUntil="2020-01-01T00:00:00Z"`
	for _, shape := range samltest.Shapes() {
		if shape.Name == "Google" {
			_, err := saml.ParseMetadata(shape.Build(past), "", now)
			requireMessage(t, err, "expired on 2026-07-14")
		}
	}
	sibling := usual()
	sibling.entity = `entityID="urn:sibling"`
	_, err := saml.ParseMetadata([]byte(entities("", other, sibling)), "urn:sibling", now)
	require.NoError(t, err, "another one's validity does not count")
}

func TestIsXML(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]bool{
		"<a/>": true, " \r\n\t<a": true, "\uFEFF<": true, "\uFEFF \n<": true,
		"": false, "{}": false, `"<a/>"`: false, "\uFEFF": false, "a<": false,
	} {
		require.Equal(t, want, saml.IsXML([]byte(text)), "%q", text)
	}
}
