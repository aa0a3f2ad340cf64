package samltest

import (
	"encoding/base64"
	"strings"
	"text/template"
	"time"
)

// Params are the values of one identity provider. Every endpoint that must not be taken, one
// of another binding for instance, has a URL that only begins with these.
type Params struct {
	EntityID  string
	SigninURL string
	// SignoutURL is the single-logout location; shapes without single logout leave it out.
	SignoutURL string
	// Certificates are the signing certificates as DER.
	Certificates [][]byte
	// Encryption is the certificate of a key that is not for signing, as DER. Shapes that
	// publish one publish the first signing certificate if it is empty.
	Encryption []byte
	// ValidUntil is the end of validity in shapes that publish one; empty is in the far future.
	ValidUntil time.Time
}

// Shape is the form in which one product publishes its SAML metadata.
type Shape struct {
	// Name is the product.
	Name string
	// SingleLogout reports whether the shape has SignoutURL in it.
	SingleLogout bool

	text string
}

// Build returns the SAML metadata document of an identity provider in this shape.
func (s Shape) Build(p Params) []byte {
	if len(p.Encryption) == 0 && len(p.Certificates) > 0 {
		p.Encryption = p.Certificates[0]
	}
	if p.ValidUntil.IsZero() {
		p.ValidUntil = time.Date(2099, 12, 31, 23, 59, 59, 0, time.UTC)
	}
	var b strings.Builder
	if err := template.Must(template.New(s.Name).Funcs(functions).Parse(s.text)).Execute(&b, p); err != nil {
		panic("samltest: " + err.Error())
	}
	return []byte(strings.TrimLeft(b.String(), "\n"))
}

var functions = template.FuncMap{
	"base64": base64.StdEncoding.EncodeToString,
	// lines splits base64 at 76 columns as some products do; each line begins with the indent.
	"lines": func(indent string, der []byte) string {
		var b strings.Builder
		for text := base64.StdEncoding.EncodeToString(der); text != ""; {
			n := min(76, len(text))
			b.WriteString(indent + text[:n])
			text = text[n:]
		}
		return b.String()
	},
	"time": func(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000Z") },
}

// Shapes returns the published shapes.
func Shapes() []Shape {
	return []Shape{
		{"Entra", true, entra},
		{"ADFS", true, adfs},
		{"Okta", false, okta},
		{"Google", false, google},
		{"OneLogin", true, oneLogin},
		{"Keycloak", true, keycloak},
		{"Keycloak wrapped", true, keycloakWrapped},
		{"Shibboleth", true, shibboleth},
		{"OpenAM", true, openAM},
	}
}
