package saml

import (
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
)

const (
	// MaxMetadataBytes bounds a metadata document.
	MaxMetadataBytes = 1 << 20
	maxDepth         = 32 // levels of elements
	maxAttributes    = 64 // of an element

	nsMetadata = "urn:oasis:names:tc:SAML:2.0:metadata"
)

var byteOrderMark = []byte("\uFEFF")

// attributes are the attributes of an element. They are searched by [attributes.attr]
// and not bound to fields by name, because encoding/xml would also bind attributes of
// other namespaces, namespace declarations included.
type attributes struct {
	Attrs []xml.Attr `xml:",any,attr"`
}

func (a attributes) attr(local string) string {
	for _, attr := range a.Attrs {
		if attr.Name == (xml.Name{Local: local}) {
			return strings.TrimSpace(attr.Value)
		}
	}
	return ""
}

// The elements of SAML metadata that are read (saml-metadata-2.0-os, section 2).
type (
	group struct {
		attributes
		Entities []entity `xml:"urn:oasis:names:tc:SAML:2.0:metadata EntityDescriptor"`
		Groups   []group  `xml:"urn:oasis:names:tc:SAML:2.0:metadata EntitiesDescriptor"`
	}
	entity struct {
		attributes
		Roles []role `xml:"urn:oasis:names:tc:SAML:2.0:metadata IDPSSODescriptor"`
	}
	role struct {
		attributes
		Keys    []key      `xml:"urn:oasis:names:tc:SAML:2.0:metadata KeyDescriptor"`
		Signin  []endpoint `xml:"urn:oasis:names:tc:SAML:2.0:metadata SingleSignOnService"`
		Signout []endpoint `xml:"urn:oasis:names:tc:SAML:2.0:metadata SingleLogoutService"`
	}
	endpoint struct{ attributes }
	key      struct {
		attributes
		Info []struct {
			Data []struct {
				Certificates []string `xml:"http://www.w3.org/2000/09/xmldsig# X509Certificate"`
			} `xml:"http://www.w3.org/2000/09/xmldsig# X509Data"`
		} `xml:"http://www.w3.org/2000/09/xmldsig# KeyInfo"`
	}
)

// IsXML reports whether data starts as an XML document does. JSON never does.
func IsXML(data []byte) bool {
	return bytes.HasPrefix(bytes.TrimSpace(bytes.TrimPrefix(data, byteOrderMark)), []byte("<"))
}

// decode reads a metadata document into one group, also where its root is a single
// EntityDescriptor.
func decode(document []byte) (group, error) {
	switch {
	case len(document) > MaxMetadataBytes:
		return group{}, &Error{fmt.Sprintf("must have at most %d bytes", MaxMetadataBytes)}
	case bytes.HasPrefix(document, []byte{0xfe, 0xff}), bytes.HasPrefix(document, []byte{0xff, 0xfe}),
		bytes.HasPrefix(document, []byte("<\x00")), bytes.HasPrefix(document, []byte("\x00<")):
		return group{}, &Error{notUTF8}
	}
	document = bytes.TrimPrefix(document, byteOrderMark)
	switch {
	case len(bytes.TrimSpace(document)) == 0:
		return group{}, &Error{"must not be empty"}
	case !IsXML(document):
		return group{}, &Error{"must be an XML document; send the text of the metadata file as it is"}
	}

	raw := xml.NewDecoder(bytes.NewReader(document))
	raw.CharsetReader = func(string, io.Reader) (io.Reader, error) { return nil, &Error{notUTF8} }
	root, err := decodeRoot(xml.NewTokenDecoder(&guard{raw: raw}))
	if known := (*Error)(nil); errors.As(err, &known) {
		return group{}, known
	}
	if err != nil { // The decoder's own words would repeat the document.
		line, _ := raw.InputPos()
		return group{}, &Error{fmt.Sprintf("is not well-formed XML (line %d); send the metadata file as it is", line)}
	}
	return root, nil
}

const notUTF8 = "must be encoded in UTF-8; convert the document"

// decodeRoot reads the root element and makes sure that no other follows.
func decodeRoot(d *xml.Decoder) (root group, err error) {
	found := false
	for {
		token, err := d.Token()
		if errors.Is(err, io.EOF) && found {
			return root, nil
		}
		if err != nil {
			return group{}, err
		}
		switch t := token.(type) {
		case xml.CharData:
			if len(bytes.TrimSpace(t)) > 0 {
				return group{}, errors.New("text outside the root element")
			}
		case xml.StartElement:
			if found {
				return group{}, errors.New("a second root element")
			}
			found = true
			if root, err = decodeElement(d, t); err != nil {
				return group{}, err
			}
		}
	}
}

func decodeElement(d *xml.Decoder, start xml.StartElement) (root group, err error) {
	switch start.Name {
	case xml.Name{Space: nsMetadata, Local: "EntitiesDescriptor"}:
		return root, d.DecodeElement(&root, &start)
	case xml.Name{Space: nsMetadata, Local: "EntityDescriptor"}:
		root.Entities = make([]entity, 1)
		return root, d.DecodeElement(&root.Entities[0], &start)
	}
	return group{}, &Error{"must have EntityDescriptor or EntitiesDescriptor of SAML 2.0 as its root element; " +
		"send the identity provider's metadata, not another document"}
}

// guard passes on the tokens of a decoder and refuses what encoding/xml allows, but
// metadata never needs: a DOCTYPE, deep nesting, and attributes given twice. It reads raw
// tokens: resolving namespaces is up to the decoder that reads from it.
type guard struct {
	raw   *xml.Decoder
	depth int
}

func (g *guard) Token() (xml.Token, error) {
	token, err := g.raw.RawToken()
	switch t := token.(type) {
	case xml.Directive:
		return nil, &Error{"must not contain a DOCTYPE; if this is an HTML page, send the metadata document instead"}
	case xml.StartElement:
		if g.depth++; g.depth > maxDepth {
			return nil, &Error{fmt.Sprintf("must have at most %d levels of elements", maxDepth)}
		}
		if len(t.Attr) > maxAttributes {
			return nil, &Error{fmt.Sprintf("must have at most %d attributes in an element", maxAttributes)}
		}
		for i, a := range t.Attr {
			if slices.ContainsFunc(t.Attr[:i], func(b xml.Attr) bool { return a.Name == b.Name }) {
				return nil, errors.New("an attribute given twice")
			}
		}
	case xml.EndElement:
		g.depth--
	}
	return token, err
}
