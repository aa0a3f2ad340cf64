package saml

import (
	"bytes"
	"encoding/xml"
	"fmt"
	"strings"
	"unicode/utf8"
)

const (
	// MaxMetadataBytes bounds a SAML metadata document.
	MaxMetadataBytes = 1 << 20

	nsMetadata  = "urn:oasis:names:tc:SAML:2.0:metadata"
	nsSignature = "http://www.w3.org/2000/09/xmldsig#"

	// orValues is the workaround for whoever cannot change the SAML metadata.
	orValues = "or send the values one by one (signin_url, signout_url, entity_id, public_certificate)"
)

// structure has the elements of SAML metadata that are read, by the element that they are in,
// with their namespaces (saml-metadata-2.0-os, section 2). No two of them share a name.
var structure = map[string]map[string]string{
	"":                   {"EntityDescriptor": nsMetadata, "EntitiesDescriptor": nsMetadata},
	"EntitiesDescriptor": {"EntityDescriptor": nsMetadata, "EntitiesDescriptor": nsMetadata},
	"EntityDescriptor":   {"IDPSSODescriptor": nsMetadata},
	"IDPSSODescriptor":   {"KeyDescriptor": nsMetadata, "SingleSignOnService": nsMetadata, "SingleLogoutService": nsMetadata},
	"KeyDescriptor":      {"KeyInfo": nsSignature},
	"KeyInfo":            {"X509Data": nsSignature},
	"X509Data":           {"X509Certificate": nsSignature},
}

// element is an element that structure has.
type element struct {
	name     string
	at       place
	attrs    []xml.Attr
	children []*element
	text     []byte // of an X509Certificate
}

// attr returns an attribute of no namespace, without the white space around it.
func (e *element) attr(local string) string {
	for _, attr := range e.attrs {
		if attr.Name == (xml.Name{Local: local}) {
			return strings.TrimSpace(attr.Value)
		}
	}
	return ""
}

// find returns the elements at a path of names below e.
func (e *element) find(path ...string) []*element {
	found := []*element{e}
	for _, name := range path {
		var next []*element
		for _, parent := range found {
			for _, child := range parent.children {
				if child.name == name {
					next = append(next, child)
				}
			}
		}
		found = next
	}
	return found
}

// decode reads a SAML metadata document and returns its root element.
func decode(document []byte) (*element, error) {
	if len(document) > MaxMetadataBytes {
		return nil, &Error{Message: fmt.Sprintf("must have at most %d bytes", MaxMetadataBytes)}
	}
	document = unwrap(document)
	switch {
	case IsUTF16(document, '<'):
		return nil, &Error{Message: "is encoded in UTF-16; convert it to UTF-8, or send its text as saml_metadata"}
	case len(trimMarks(document)) == 0:
		return nil, &Error{Message: "must not be empty"}
	case !utf8.Valid(document):
		return nil, &Error{Message: fmt.Sprintf("is not encoded in UTF-8 %s; convert it to UTF-8, or send its text as saml_metadata", invalidUTF8(document))}
	case !IsXML(document):
		return nil, notXML(document)
	}
	return read(CutMark(document)) // Columns are counted without it.
}

// invalidUTF8 returns where a document ceases to be UTF-8.
func invalidUTF8(document []byte) place {
	at := 0
	for at < len(document) {
		r, size := utf8.DecodeRune(document[at:])
		if r == utf8.RuneError && size == 1 {
			break
		}
		at += size
	}
	return place{bytes.Count(document[:at], []byte("\n")) + 1, at - bytes.LastIndexByte(document[:at], '\n')}
}

// notXML returns why a document that does not begin with < is not SAML metadata, and where what it
// seems to be goes.
func notXML(document []byte) *Error {
	text := trimMarks(document)
	first, _ := utf8.DecodeRune(text)
	_, wrong := readCertificates(string(document))
	switch {
	case wrong == nil:
		return &Error{Message: "is a certificate; it goes in public_certificate"}
	case wrong.isSecret():
		return wrong.error()
	case URLProblem(string(bytes.TrimSpace(text))) == "":
		return &Error{Message: "is a URL; it goes in saml_metadata_url"}
	}
	return &Error{Message: fmt.Sprintf("must be the XML of the identity provider's SAML metadata, which begins with <, not with %q; "+
		"a URL goes in saml_metadata_url", string(first))}
}
