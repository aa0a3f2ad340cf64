package saml_test

import (
	"strings"
	"testing"
)

func TestXML(t *testing.T) {
	t.Parallel()
	document := usual().String()
	nested := func(levels int) string {
		return strings.Repeat("<a>", levels) + strings.Repeat("</a>", levels)
	}
	runDocuments(t, map[string]documentCase{
		"comments and white space":   {"\n<!-- a -->\n" + document + "\n<!-- b -->\n", ""},
		"comment with a DOCTYPE":     {"<!-- <!DOCTYPE a> -->" + document, ""},
		"unknown elements":           {services(usual().services + "<Extensions><a/></Extensions>"), ""},
		"text between elements":      {services(usual().services + "text"), ""},
		"attribute of another space": {entityAttributes(`entityID="urn:idp" xmlns:o="urn:o" o:entityID="urn:other"`), ""},
		"namespace named entityID":   {entityAttributes(`entityID="urn:idp" xmlns:entityID="urn:other"`), ""},
		"30 levels":                  {services(usual().services + nested(30)), ""},
		"31 levels":                  {services(nested(31)), "must have at most 32 levels of elements (line 1, column 257)"},
		"very deep":                  {services(strings.Repeat("<a>", 100_000)), "at most 32 levels"},
		"62 and two more attributes": {entityAttributes(manyAttributes(62) + ` entityID="urn:idp"`), ""},
		"65 attributes":              {entityAttributes(manyAttributes(64)), "must have at most 64 attributes in an element (line 1, column 1)"},
		"text before":                {"<?a b?>text" + document, "is not well-formed XML (line 1, column 8): there is text outside of the root element"},
		"text after":                 {document + "\n\ntext", "is not well-formed XML (line 1, column 342): there is text outside"},
		"two roots":                  {document + "\n" + document, "(line 2, column 1): a second root element begins"},
		"a second root of another":   {document + "<a/>", "a second root element begins"},
		"no root":                    {"<!-- nothing -->", "(line 1, column 17): it ends too early"},
		"cut off":                    {document[:len(document)-5], "it ends too early; send the metadata file as it is, or send the values one by one"},
		"cut off after an element":   {strings.TrimSuffix(document, "</EntityDescriptor>"), "it ends too early"},
		"end of another element":     {strings.Replace(document, "</IDPSSO", "</SPSSO", 1), "SPSSODescriptor ends, but is not the element that began last"},
		"end of another prefix":      {strings.Replace(document, "</IDPSSO", "</a:IDPSSO", 1), "a:IDPSSODescriptor ends, but"},
		"one end too many":           {document + "</a>", "a ends, but is not the element that began last"},
		"attribute given twice":      {entityAttributes(`entityID="urn:idp" entityID="urn:idp"`), "the attribute entityID is given twice"},
		"undefined entity":           {entityAttributes(`entityID="&idp;"`), "an & has to be written as &amp;"},
		"URL with a bare ampersand":  {services(strings.ReplaceAll(usual().services, "&amp;", "&")), "(line 1, column 295): an & has to be written as &amp;"},
		"forbidden character":        {entityAttributes("entityID=\"\x01\""), "(line 1, column 76): illegal character code U+0001"},
		"XML 1.1":                    {`<?xml version="1.1"?>` + document, "its XML declaration has to name version 1.0"},
		"unquoted attribute":         {entityAttributes("entityID=urn:idp"), "is not well-formed XML (line 1, column 74); send the metadata file as it is"},
		"DOCTYPE":                    {"\n<!DOCTYPE EntityDescriptor>" + document, "must not contain a DOCTYPE (line 2, column 1)"},
		"DOCTYPE with entities":      {`<!DOCTYPE a [<!ENTITY idp "urn:idp">]>` + entityAttributes(`entityID="&idp;"`), "must not contain a DOCTYPE"},
		"DOCTYPE behind the root":    {document + "<!DOCTYPE a>", "must not contain a DOCTYPE"},
		"DOCTYPE in the root":        {services("<!DOCTYPE a>"), "must not contain a DOCTYPE"},
		"an ENTITY alone":            {`<!ENTITY idp "urn:idp">` + document, "must not contain a DOCTYPE"},
	})
}

func TestPrefixes(t *testing.T) {
	t.Parallel()
	document := usual().String()
	replace := strings.ReplaceAll
	prefixed := replace(replace(replace(document, "<", "<md:"), "<md:/", "</md:"), "xmlns=", "xmlns:md=")
	runDocuments(t, map[string]documentCase{
		"everywhere":                 {prefixed, ""},
		"declared where it is used":  {strings.Replace(document, "<Single", `<s:SingleLogoutService xmlns:s="urn:oasis:names:tc:SAML:2.0:metadata"/><Single`, 1), ""},
		"redeclared, and back again": {strings.Replace(document, "<IDPSSO", `<o:a xmlns="urn:o" xmlns:o="urn:p"><b/></o:a><IDPSSO`, 1), ""},
		"of XML itself":              {services(usual().services + `<Extensions xml:lang="en"/>`), ""},
		"default one to another":     {strings.NewReplacer("<EntityD", "<o:EntityD", "</EntityD", "</o:EntityD", "xmlns=", `xmlns="urn:oasis:names:tc:SAML:2.0:metadata" xmlns:o=`).Replace(document), ""},
		"not on the root":            {replace(prefixed, "xmlns:md=", "xmlns:m="), "has md:EntityDescriptor (line 1, column 1), whose prefix is not declared; add xmlns:md with its namespace, or send the values one by one"},
		"not on a certificate":       {replace(keys("\n"+keyDescriptor("", b64(issued(1)[0]))), "xmlns:x=", "xmlns:y="), "has x:KeyInfo (line 2, column 16), whose prefix is not declared"},
		"not on a service":           {replace(document, "<Single", "<md:Single"), "has md:SingleSignOnService (line 1, column"},
		"not within an extension":    {services(usual().services + "<Extensions>\n<a><mdui:UIInfo/></a></Extensions>"), "has mdui:UIInfo (line 2, column 4), whose prefix is not declared"},
		"not on an attribute":        {roleAttributes(` xsi:type="a"`), "has xsi:type (line 1, column 83), whose prefix is not declared"},
		"of a sibling":               {services(usual().services + `<a xmlns:o="urn:o"/><o:b/>`), "has o:b (line 1, column"},
		"declared as nothing":        {services(usual().services + `<o:a xmlns:o=""/>`), "has o:a (line 1, column"},
		"by two steps":               {strings.NewReplacer("<EntityD", "<a:EntityD", "</EntityD", "</a:EntityD", "xmlns=", `xmlns:a="b" xmlns:b=`).Replace(document), `has the element a:EntityDescriptor (line 1, column 1) in the namespace "b"`},
		"xmlns itself":               {services(usual().services + "<xmlns:a/>"), "has xmlns:a"},
	})
}
