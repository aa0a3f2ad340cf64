package saml_test

import (
	"fmt"
	"html"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"sendgrid-sso-integration/internal/saml"
)

func TestIsXML(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]bool{
		"<a/>": true, " \r\n\t<a": true, "\uFEFF<": true, "\uFEFF \n<": true, "\u200b<": true, "ï»¿ <a/>": true,
		"": false, "{}": false, `"<a/>"`: false, "\uFEFF": false, "a<": false, "é<": false, "&lt;a": false,
	} {
		require.Equal(t, want, saml.IsXML([]byte(text)), "%q", text)
	}
}

// declared returns a document with an XML declaration that names an encoding.
func declared(encoding, document string) string {
	return fmt.Sprintf("<?xml version=\"1.0\" encoding=%q?>", encoding) + document
}

func TestForms(t *testing.T) {
	t.Parallel()
	document := usual().String()
	umlaut := services(usual().services + "<Extensions>Universität</Extensions>")
	cases := map[string]documentCase{
		"base64":                   {b64([]byte(document)), ""},
		"base64 in lines":          {"\uFEFF" + lines(b64([]byte("\uFEFF"+declared("utf-16", document))), 76, "\r\n\u200b") + "\n", ""},
		"base64 twice":             {b64([]byte(b64([]byte(document)))), "which begins with <, not with"},
		"base64 of something else": {b64([]byte("entityID")), "which begins with <, not with"},
		"base64, cut off":          {b64([]byte(document))[:100], "it ends too early"},
		"base64 of UTF-16":         {b64([]byte("\xff\xfe<\x00E\x00")), "is encoded in UTF-16"},
		"HTML":                     {html.EscapeString(document), ""},
		"HTML, all of it":          {strings.NewReplacer("&quot;", "&#x22;", "&#34;", "&quot;", "&#39;", "&apos;").Replace("\n" + html.EscapeString(declared("utf-8", document))), ""},
		"HTML twice":               {html.EscapeString(html.EscapeString(document)), "which begins with <, not with"},
		"HTML in base64":           {b64([]byte(html.EscapeString(document))), "which begins with <, not with"},
		"base64 in HTML":           {"&lt;" + b64([]byte(document)), "is not well-formed XML"},
		"byte order mark":          {"\uFEFF" + document, ""},
		"byte order mark twice":    {"\uFEFF\uFEFF" + declared("utf-8", document), ""},
		"byte order mark below":    {"\n\uFEFF " + document + "\uFEFF", ""},
		"no width around":          {"\u200b" + document + "\u200b\n", ""},
		"no width within":          {strings.Replace(document, "<IDP", "<\u200bIDP", 1), "is not well-formed XML"},
		"another character before": {"é" + document, `not with "é"`},
		"UTF-16":                   {"<\x00E\x00", "is encoded in UTF-16; convert it to UTF-8, or send its text as saml_metadata"},
		"UTF-16, big-endian":       {"\x00<\x00E", "is encoded in UTF-16"},
		"UTF-16, marked":           {"\xff\xfe<\x00E\x00", "is encoded in UTF-16"},
		"UTF-16, marked, big":      {"\xfe\xff\x00<\x00E", "is encoded in UTF-16"},
		"Latin-1, not decoded":     {declared("ISO-8859-1", "<!-- \xe9 -->"+document), "is not encoded in UTF-8 (line 1, column 49)"},
	}
	for _, mark := range []string{"ï»¿", "Ã¯Â»Â¿", "∩╗┐", "´╗┐", "я╗┐", "п»ї", "Ôªø", "\ufffd\ufffd\ufffd"} {
		cases["byte order mark decoded as "+mark] = documentCase{mark + declared("utf-8", document), ""}
		cases["DOCTYPE behind "+mark] = documentCase{mark + "<!DOCTYPE a>" + document, "must not contain a DOCTYPE (line 1, column 1)"}
	}
	for _, encoding := range []string{"utf-16", "UTF-16LE", "ISO-8859-1", "utf8", "UTF8", "US-ASCII", "windows-1252", "unicode", "Shift_JIS"} {
		cases["declared as "+encoding] = documentCase{declared(encoding, umlaut), ""}
	}
	for _, encoding := range []string{"UTF-7", "utf7", "ISO-2022-JP", "HZ-GB-2312"} {
		cases["declared as "+encoding] = documentCase{declared(encoding, document), fmt.Sprintf("declares the encoding %q, in which its text means something else; send it in UTF-8", encoding)}
	}
	runDocuments(t, cases)
}

// What is refused for security is refused in every form.
func TestAttacksInForms(t *testing.T) {
	t.Parallel()
	document := usual().String()
	entity := `<!DOCTYPE a [<!ENTITY e SYSTEM "file:///etc/passwd">]>` + entityAttributes(`entityID="&e;"`)
	attacks := map[string]documentCase{
		"DOCTYPE":             {"<!DOCTYPE a>" + document, "must not contain a DOCTYPE"},
		"external entity":     {entity, "must not contain a DOCTYPE"},
		"undeclared entity":   {entityAttributes(`entityID="&e;"`), "an & has to be written as &amp;"},
		"two roots":           {document + document, "a second root element begins"},
		"text behind":         {document + "text", "text outside of the root element"},
		"deep":                {services(strings.Repeat("<a>", 40)), "at most 32 levels"},
		"attribute twice":     {entityAttributes(`entityID="urn:a" entityID="urn:b"`), "is given twice"},
		"undeclared prefix":   {strings.Replace(document, "<Single", "<md:Single", 1), "whose prefix is not declared"},
		"http":                {services(service("SingleSignOnService", "HTTP-POST", "http://idp.example.com")), "that begins with https://"},
		"service provider":    {strings.ReplaceAll(document, "IDPSSO", "SPSSO"), "describes no SAML 2.0 identity provider"},
		"the same twice":      {entities("", usual(), usual()), "more than once"},
		"a key to encrypt":    {keys(keyDescriptor(` use="encryption"`, b64([]byte{0x30, 3, 2, 1, 0}))), "contains a private key"},
		"declared as UTF-7":   {declared("utf-7", document), "declares the encoding"},
		"declared in the end": {document + declared("utf-7", ""), "declares the encoding"},
	}
	forms := map[string]func(string) string{
		"base64":                   func(s string) string { return b64([]byte(s)) },
		"base64 with a mark":       func(s string) string { return b64([]byte("\uFEFF" + s)) },
		"HTML":                     html.EscapeString,
		"a byte order mark":        func(s string) string { return "\uFEFF" + s },
		"a wrong byte order mark":  func(s string) string { return "ï»¿" + s },
		"a declaration of UTF-16":  func(s string) string { return declared("utf-16", s) },
		"a declaration of Latin-1": func(s string) string { return declared("ISO-8859-1", s) },
	}
	cases := map[string]documentCase{}
	for attack, tt := range attacks {
		for form, apply := range forms {
			cases[attack+" in "+form] = documentCase{apply(tt.document), tt.message}
		}
	}
	cases["too large in base64"] = documentCase{b64([]byte(strings.Repeat(" ", saml.MaxMetadataBytes))), "at most 1048576 bytes"}
	runDocuments(t, cases)
}
