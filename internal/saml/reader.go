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
	maxDepth      = 32 // levels of elements
	maxAttributes = 64 // of an element
)

// place is a place in a document. Columns are in bytes.
type place struct{ line, column int }

func (p place) String() string { return fmt.Sprintf("(line %d, column %d)", p.line, p.column) }

// reader reads the elements that structure has. It takes the raw tokens of encoding/xml and
// resolves namespaces itself, because the decoder lets undeclared prefixes pass, and refuses
// what SAML metadata never needs: a DOCTYPE, deep nesting, and attributes given twice.
type reader struct {
	raw  *xml.Decoder
	at   place  // where the current token begins
	open []open // the document itself, and the elements whose ends are awaited
}

type open struct {
	name     xml.Name          // as it is written: Space is the prefix
	prefixes map[string]string // the namespaces that it declares
	read     *element          // nil if structure does not have it
}

// read reads a document that begins as XML does, and returns its root element.
func read(document []byte) (*element, error) {
	file := &element{}
	r := &reader{raw: xml.NewDecoder(bytes.NewReader(document)), open: []open{{read: file}}}
	r.raw.CharsetReader = decoded
	for {
		r.at.line, r.at.column = r.raw.InputPos()
		token, err := r.raw.RawToken()
		known := (*Error)(nil)
		switch {
		case errors.Is(err, io.EOF) && len(r.open) == 1 && len(file.children) == 1:
			return file.children[0], nil
		case errors.As(err, &known):
			return nil, known
		case err != nil:
			r.at.line, r.at.column = r.raw.InputPos()
			return nil, r.malformed(mistake(err))
		}
		if err := r.take(token); err != nil {
			return nil, err
		}
	}
}

// decoded is for an XML declaration that names another encoding than UTF-8. The document is
// UTF-8 anyway: it was decoded on its way here, in a JSON string for instance, or is
// ASCII. Encodings that write other characters in ASCII are the exception, because the text
// would mean something else.
func decoded(encoding string, text io.Reader) (io.Reader, error) {
	for _, hiding := range []string{"utf-7", "utf7", "unicode-1-1-utf-7", "csunicode11utf7", "iso-2022", "iso2022", "csiso2022", "hz"} {
		if strings.HasPrefix(strings.ToLower(encoding), hiding) {
			return nil, &Error{Message: fmt.Sprintf("declares the encoding %q, in which its text means something else; send it in UTF-8", clip(encoding, maxQuoted))}
		}
	}
	return text, nil
}

func (r *reader) take(token xml.Token) error {
	within := r.open[len(r.open)-1]
	switch t := token.(type) {
	case xml.Directive:
		return &Error{Message: fmt.Sprintf("must not contain a DOCTYPE %s; if this is an HTML page, send the metadata document instead", r.at)}
	case xml.CharData:
		switch {
		case len(r.open) == 1 && len(trimMarks(t)) > 0:
			return r.malformed("there is text outside of the root element")
		case within.read != nil && within.read.name == "X509Certificate":
			within.read.text = append(within.read.text, t...)
		}
	case xml.StartElement:
		return r.begin(t)
	case xml.EndElement:
		if len(r.open) == 1 || within.name != t.Name {
			return r.malformed(written(t.Name) + " ends, but is not the element that began last")
		}
		r.open = r.open[:len(r.open)-1]
	}
	return nil
}

func (r *reader) begin(t xml.StartElement) error {
	prefixes, err := r.declarations(t.Attr)
	if err != nil {
		return err
	}
	outer := r.open[len(r.open)-1].read
	if len(r.open) > maxDepth {
		return &Error{Message: fmt.Sprintf("must have at most %d levels of elements %s", maxDepth, r.at)}
	}
	r.open = append(r.open, open{name: t.Name, prefixes: prefixes})
	for _, a := range t.Attr {
		if _, declared := r.namespace(a.Name.Space); !declared && a.Name.Space != "xmlns" {
			return r.undeclared(a.Name)
		}
	}
	namespace, declared := r.namespace(t.Name.Space)
	switch {
	case !declared:
		return r.undeclared(t.Name)
	case outer == nil:
		return nil
	}
	return r.keep(outer, t, namespace)
}

// declarations returns the namespaces that the attributes of an element declare.
func (r *reader) declarations(attrs []xml.Attr) (prefixes map[string]string, err error) {
	if len(attrs) > maxAttributes {
		return nil, &Error{Message: fmt.Sprintf("must have at most %d attributes in an element %s", maxAttributes, r.at)}
	}
	for i, a := range attrs {
		prefix, declares := a.Name.Local, a.Name.Space == "xmlns"
		switch {
		case slices.ContainsFunc(attrs[:i], func(b xml.Attr) bool { return a.Name == b.Name }):
			return nil, r.malformed("the attribute " + written(a.Name) + " is given twice")
		case a.Name == xml.Name{Local: "xmlns"}:
			prefix, declares = "", true
		}
		if declares {
			if prefixes == nil {
				prefixes = map[string]string{}
			}
			prefixes[prefix] = a.Value
		}
	}
	return prefixes, nil
}

// namespace returns what a prefix is bound to in the element that began last.
func (r *reader) namespace(prefix string) (namespace string, declared bool) {
	for _, o := range slices.Backward(r.open) {
		if namespace, declared = o.prefixes[prefix]; declared {
			return namespace, namespace != "" || prefix == ""
		}
	}
	return "", prefix == "" || prefix == "xml"
}

// keep adds the element that began last to the outer one, if structure has it there. An
// element with the right name in a wrong namespace is refused: without its certificate, the
// metadata would be taken for that of an IdP that has none.
func (r *reader) keep(outer *element, t xml.StartElement, namespace string) error {
	wanted, known := structure[outer.name][t.Name.Local]
	root := outer.name == ""
	switch {
	case root && len(outer.children) > 0:
		return r.malformed("a second root element begins")
	case root && !known:
		return &Error{Message: fmt.Sprintf("has the root element %s %s, not EntityDescriptor or EntitiesDescriptor of SAML 2.0; "+
			"send the identity provider's metadata, not another document", written(t.Name), r.at)}
	case !known:
		return nil
	case namespace == "":
		return &Error{Message: fmt.Sprintf("has the element %s %s without its namespace; add xmlns=%q, %s", written(t.Name), r.at, wanted, orValues)}
	case namespace != wanted:
		return &Error{Message: fmt.Sprintf("has the element %s %s in the namespace %q instead of %q; correct it, %s",
			written(t.Name), r.at, clip(namespace, maxQuoted), wanted, orValues)}
	}
	e := &element{name: t.Name.Local, at: r.at, attrs: t.Attr}
	outer.children = append(outer.children, e)
	r.open[len(r.open)-1].read = e
	return nil
}

func (r *reader) undeclared(name xml.Name) error {
	prefix := clip(name.Space, maxQuoted)
	return &Error{Message: fmt.Sprintf("has %s %s, whose prefix is not declared; add xmlns:%s with its namespace, %s", written(name), r.at, prefix, orValues)}
}

func (r *reader) malformed(mistake string) error {
	if mistake != "" {
		mistake = ": " + mistake
	}
	return &Error{Message: fmt.Sprintf("is not well-formed XML %s%s; send the metadata file as it is, %s", r.at, mistake, orValues)}
}

// mistake names the common mistakes. The decoder's own words would repeat the document.
func mistake(err error) string {
	var syntax *xml.SyntaxError
	switch {
	case errors.Is(err, io.EOF), errors.As(err, &syntax) && syntax.Msg == "unexpected EOF":
		return "it ends too early"
	case syntax != nil && strings.HasPrefix(syntax.Msg, "invalid character entity"):
		return "an & has to be written as &amp;"
	case syntax != nil && strings.HasPrefix(syntax.Msg, "illegal character code"):
		return syntax.Msg
	case strings.HasPrefix(err.Error(), "xml: unsupported version"):
		return "its XML declaration has to name version 1.0"
	}
	return ""
}

// written returns a name as it is written in the document.
func written(name xml.Name) string {
	if name.Space == "" {
		return clip(name.Local, maxQuoted)
	}
	return clip(name.Space+":"+name.Local, maxQuoted)
}
