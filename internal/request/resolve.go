package request

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"time"

	"sendgrid-sso-integration/internal/problem"
	"sendgrid-sso-integration/internal/saml"
)

// retryFetch is when to try again after SAML metadata could not be fetched.
const retryFetch = 30 * time.Second

// Fetcher gets SAML metadata from a URL. It is a *saml.Fetcher.
type Fetcher interface {
	// CheckURL reports why a URL will never be fetched, as a *saml.Error.
	CheckURL(rawURL string) error
	// Fetch returns the document. Its errors are of type *saml.FetchError.
	Fetch(ctx context.Context, rawURL string) ([]byte, error)
}

// Resolved is a request whose fields are all known and valid, which [Request.Resolve] makes.
type Resolved struct {
	Request
	// Source is where SAML metadata was fetched, zero if the request gave everything itself.
	Source Source
}

// Source is the SAML metadata that a request names by URL.
type Source struct {
	URL string `json:"url"`
	// Given are the fields that the request gives itself, in the order of the list of fields. The SAML
	// metadata supplies the others.
	Given []string `json:"given"`
}

// Supplies reports whether the SAML metadata supplies a field.
func (s Source) Supplies(field string) bool {
	return s.URL != "" && !slices.Contains(s.Given, field)
}

// Resolve fetches the SAML metadata that a request names by URL, and supplies what it does not
// give itself. f may be nil; then the field saml_metadata_url is refused. The errors are
// *problem.Error with the code InvalidRequest, InvalidMetadata or MetadataUnavailable.
func (r Request) Resolve(ctx context.Context, f Fetcher) (Resolved, error) {
	if r.SAMLMetadataURL == "" {
		return Resolved{Request: r}, nil
	}
	if f == nil {
		return Resolved{}, invalidRequest([]problem.FieldError{{Field: "saml_metadata_url", Message: "is not supported here; send the document as saml_metadata"}})
	}
	if err := f.CheckURL(r.SAMLMetadataURL); err != nil {
		return Resolved{}, invalidRequest([]problem.FieldError{{Field: "saml_metadata_url", Message: err.Error()}})
	}
	document, err := f.Fetch(ctx, r.SAMLMetadataURL)
	if err != nil {
		return Resolved{}, fetchFailed(err)
	}
	parsed, err := saml.ParseMetadata(document, r.beside(), time.Now())
	if err != nil {
		e := invalidMetadata(err.Error(), byValues)
		e.Err = err
		return Resolved{}, e
	}
	source := Source{URL: r.SAMLMetadataURL, Given: []string{}}
	for _, f := range fields {
		if r.given[f.name] {
			source.Given = append(source.Given, f.name)
		}
	}
	r.supply(parsed)
	r.given = nil
	if broken := checkRemoved(r); broken != "" {
		return Resolved{}, invalidRequest([]problem.FieldError{{Field: "remove_certificates", Message: broken}})
	}
	if problems := r.problems(nil); len(problems) > 0 {
		e := invalidMetadata("does not supply a valid request", byValues)
		e.Fields = problems
		return Resolved{}, e
	}
	return Resolved{Request: r, Source: source}, nil
}

func fetchFailed(err error) *problem.Error {
	var failure *saml.FetchError
	if !errors.As(err, &failure) {
		return problem.From(err)
	}
	if !failure.Retryable {
		e := invalidMetadata(failure.Message, "send the document as saml_metadata")
		e.Err = err
		return e
	}
	return &problem.Error{
		Code: problem.MetadataUnavailable, RetryAfter: retryFetch, Err: err,
		Message: "The SAML metadata " + failure.Message + "; nothing was sent to SendGrid. Send the request again.",
	}
}

// byValues is the workaround for SAML metadata that only the identity provider could change.
const byValues = "send its values one by one (signin_url, signout_url, entity_id, public_certificate)"

// invalidMetadata reports what saml_metadata_url returned. The fault is a predicate, and
// workaround what to send in place of the URL.
func invalidMetadata(fault, workaround string) *problem.Error {
	return &problem.Error{
		Code:    problem.InvalidMetadata,
		Message: "The SAML metadata at saml_metadata_url " + fault + ". If that cannot be changed, leave saml_metadata_url out and " + workaround + ".",
	}
}

// beside returns the fields that the request gives besides SAML metadata.
func (r *Request) beside() saml.Given {
	return saml.Given{
		EntityID: r.EntityID, SigninURL: r.given["signin_url"], SignoutURL: r.given["signout_url"], Certificates: r.given["public_certificate"],
	}
}

// supply fills in what the request does not give itself.
func (r *Request) supply(m *saml.Metadata) {
	for _, field := range []struct {
		name string
		into *string
		from string
	}{
		{"signin_url", &r.SigninURL, m.SigninURL},
		{"signout_url", &r.SignoutURL, m.SignoutURL},
		{"entity_id", &r.EntityID, m.EntityID},
	} {
		if !r.given[field.name] {
			*field.into = field.from
		}
	}
	if !r.given["public_certificate"] {
		r.Certificates, r.Supplied = m.Certificates, true
	}
	r.SAMLMetadataURL, r.samlMetadata = "", "" // Nothing is awaited any more.
}

// readSAMLMetadata keeps the document; it is parsed once the whole request is read, because
// entity_id may name the identity provider.
func readSAMLMetadata(value json.RawMessage, r *Request, _ time.Time) string {
	return readNonEmpty(value, &r.samlMetadata)
}

// readCertificates reads public_certificate. No message repeats any of it.
func readCertificates(value json.RawMessage, r *Request, now time.Time) string {
	var text string
	if wrong := readString(value, &text); wrong != "" {
		return wrong
	}
	var err error
	if r.Certificates, err = saml.ParseCertificates(text, now); err != nil {
		return r.refused(err)
	}
	return ""
}

// refused returns the message of an error about certificates or SAML metadata, and records whether
// it is about a private key.
func (r *Request) refused(err error) string {
	var refusal *saml.Error
	if errors.As(err, &refusal) {
		r.hasPrivateKey = r.hasPrivateKey || refusal.PrivateKey
	}
	return err.Error()
}

func unquote(value json.RawMessage) string {
	var text string
	_ = json.Unmarshal(value, &text) // What is not a string is empty.
	return text
}
