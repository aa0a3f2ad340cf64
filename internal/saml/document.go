package saml

import (
	"bytes"
	"encoding/xml"
	"fmt"
	"strings"
	"unicode/utf8"
)

const (
	// MaxMetadataBytes bounds a metadata document.
	MaxMetadataBytes = 1 << 20

	nsMetadata  = "urn:oasis:names:tc:SAML:2.0:metadata"
	nsSignature = "http://www.w3.org/2000/09/xmldsig#"

	// orValues is the way round for whoever cannot change the metadata.
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

// decode reads a metadata document and returns its root element.
func decode(document []byte) (*element, error) {
	if len(document) > MaxMetadataBytes {
		return nil, &Error{fmt.Sprintf("must have at most %d bytes", MaxMetadataBytes)}
	}
	document = bytes.TrimPrefix(document, byteOrderMark)
	switch {
	case len(bytes.TrimSpace(document)) == 0:
		return nil, &Error{"must not be empty"}
	case !utf8.Valid(document), bytes.HasPrefix(document, []byte("<\x00")), bytes.HasPrefix(document, []byte("\x00<")):
		return nil, &Error{notUTF8}
	case !IsXML(document):
		return nil, &Error{"must be an XML document; send the text of the metadata file as it is"}
	}
	return read(document)
}

const notUTF8 = "must be encoded in UTF-8; convert the document"
