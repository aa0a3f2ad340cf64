// Package openapitest checks HTTP traffic against an OpenAPI document, for tests.
package openapitest

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers"
	"github.com/getkin/kin-openapi/routers/legacy"
)

// Document is an OpenAPI document. It may be used concurrently.
type Document struct {
	*openapi3.T
	router routers.Router
	strict bool
}

// Parse reads a document, which has to be valid.
func Parse(text []byte) (*Document, error) {
	doc, err := openapi3.NewLoader().LoadFromData(text)
	if err != nil {
		return nil, err
	}
	router, err := legacy.NewRouter(doc) // It validates the document.
	if err != nil {
		return nil, err
	}
	return &Document{T: doc, router: router}, doc.WalkSchemas(func(at string, s *openapi3.SchemaRef) error {
		switch s.Value.Format {
		case "", "date-time", "uri":
			return nil
		}
		return fmt.Errorf("%s: the format %q would not be checked", at, s.Value.Format)
	})
}

// ParseStrict reads a document that must declare every property and header of a response, save
// for Content-Type.
func ParseStrict(text []byte) (*Document, error) {
	d, err := Parse(text)
	if err != nil {
		return nil, err
	}
	d.strict = true
	seen := map[*openapi3.Schema]bool{}
	for _, item := range d.Paths.Map() {
		for _, operation := range item.Operations() {
			for _, response := range operation.Responses.Map() {
				for _, media := range response.Value.Content {
					if seen[media.Schema.Value] {
						continue // The operations share it.
					}
					media.Schema = sealed(media.Schema)
					if err := media.Schema.WalkSubtree(sealParts(seen)); err != nil {
						return nil, err
					}
				}
			}
		}
	}
	return d, nil
}

// sealParts returns a function that seals the members and items of a schema.
func sealParts(seen map[*openapi3.Schema]bool) openapi3.WalkSchemasFunc {
	return func(_ string, ref *openapi3.SchemaRef) error {
		s := ref.Value
		if seen[s] {
			return openapi3.SkipSubtree
		}
		seen[s] = true
		for name, property := range s.Properties {
			s.Properties[name] = sealed(property)
		}
		s.Items, s.AdditionalProperties.Schema = sealed(s.Items), sealed(s.AdditionalProperties.Schema)
		return nil
	}
}

// sealed returns a schema that refuses the properties that s does not declare. It is around s,
// not in it: a part of an allOf must not refuse what the other parts declare.
func sealed(s *openapi3.SchemaRef) *openapi3.SchemaRef {
	if s == nil {
		return nil
	}
	return openapi3.NewSchemaRef("", &openapi3.Schema{
		AllOf:                 openapi3.SchemaRefs{s},
		UnevaluatedProperties: openapi3.BoolSchema{Has: new(false)},
	})
}

// Request returns what is wrong with a request. Its body can be read again.
func (d *Document) Request(r *http.Request) error {
	in, err := d.input(r)
	if err != nil {
		return err
	}
	return openapi3filter.ValidateRequest(r.Context(), in)
}

// Response returns what is wrong with the response to a request. It reads the body.
func (d *Document) Response(r *http.Request, w *http.Response) error {
	in, err := d.input(r)
	if err != nil {
		return err
	}
	documented := in.Route.Operation.Responses.Status(w.StatusCode)
	if documented == nil { // The library lets some statuses pass.
		return fmt.Errorf("status %d is not documented", w.StatusCode)
	}
	undeclared := w.Header.Clone()
	undeclared.Del("Content-Type")
	for name := range documented.Value.Headers {
		undeclared.Del(name)
	}
	if d.strict && len(undeclared) > 0 {
		return fmt.Errorf("undocumented headers: %v", undeclared)
	}
	return openapi3filter.ValidateResponse(r.Context(), &openapi3filter.ResponseValidationInput{
		RequestValidationInput: in, Status: w.StatusCode, Header: w.Header, Body: w.Body, Options: in.Options,
	})
}

func (d *Document) input(r *http.Request) (*openapi3filter.RequestValidationInput, error) {
	route, parameters, err := d.router.FindRoute(r)
	if err != nil {
		return nil, fmt.Errorf("%s %s: %w", r.Method, r.URL, err)
	}
	return &openapi3filter.RequestValidationInput{Request: r, Route: route, PathParams: parameters, Options: &openapi3filter.Options{
		AuthenticationFunc:                authenticate,
		RejectWhenRequestBodyNotSpecified: true,
		SkipSettingDefaults:               true, // It would change the request.
		SchemaValidationOptions: []openapi3.SchemaValidationOption{
			openapi3.WithStringFormatValidator("uri", openapi3.NewCallbackValidator(checkURI)),
		},
	}}, nil
}

// authenticate checks that a request has the header of a security scheme, whatever its value.
func authenticate(_ context.Context, in *openapi3filter.AuthenticationInput) error {
	scheme, header := in.SecurityScheme, in.RequestValidationInput.Request.Header
	switch {
	case scheme.Type == "apiKey" && scheme.In == "header" && header.Get(scheme.Name) != "":
		return nil
	case scheme.Type == "http":
		if word, value, _ := strings.Cut(header.Get("Authorization"), " "); strings.EqualFold(word, scheme.Scheme) && value != "" {
			return nil
		}
		return in.NewError(errors.New("no Authorization: " + scheme.Scheme))
	}
	return in.NewError(fmt.Errorf("no %s in %s", scheme.Name, scheme.In))
}

func checkURI(text string) error {
	u, err := url.Parse(text)
	if err == nil && !u.IsAbs() {
		err = errors.New("it is relative")
	}
	return err
}
