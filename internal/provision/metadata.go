package provision

import (
	"context"
	"encoding/json"
	"errors"
	"time"

	"sendgrid-sso-integration/internal/problem"
	"sendgrid-sso-integration/internal/saml"
)

// MetadataFetcher gets SAML metadata from a URL. It is a *saml.Fetcher.
type MetadataFetcher interface {
	// CheckURL reports why a URL will never be fetched, as a *saml.Error.
	CheckURL(rawURL string) error
	// Fetch returns the document. Its errors are of type *saml.FetchError.
	Fetch(ctx context.Context, rawURL string) ([]byte, error)
}

// Resolve fetches the SAML metadata that a request names by URL, and returns the request
// with what the metadata supplies. A request without a URL is returned as it is. Its errors
// are *problem.Error with the code InvalidRequest, InvalidMetadata or MetadataUnavailable.
func (p *Provisioner) Resolve(ctx context.Context, r Request) (Request, error) {
	if r.SAMLMetadataURL == "" {
		return r, nil
	}
	if p.SAMLMetadata == nil {
		return r, invalidRequest([]problem.FieldError{{Field: "saml_metadata_url", Message: "is not supported here; send the document as saml_metadata"}})
	}
	if err := p.SAMLMetadata.CheckURL(r.SAMLMetadataURL); err != nil {
		return r, invalidRequest([]problem.FieldError{{Field: "saml_metadata_url", Message: err.Error()}})
	}
	document, err := p.SAMLMetadata.Fetch(ctx, r.SAMLMetadataURL)
	if err != nil {
		return r, fetchFailed(err)
	}
	parsed, err := saml.ParseMetadata(document, r.EntityID, time.Now())
	if err != nil {
		return r, invalidMetadata(err)
	}
	r.supply(parsed)
	r.given = nil
	if problems := r.problems(nil); len(problems) > 0 {
		e := invalidMetadata(errors.New("does not supply a valid request"))
		e.Fields = problems
		return r, e
	}
	return r, nil
}

func fetchFailed(err error) *problem.Error {
	var failure *saml.FetchError
	if !errors.As(err, &failure) {
		return problem.From(err)
	}
	if !failure.Retryable {
		e := invalidMetadata(errors.New(failure.Message))
		e.Err = err
		return e
	}
	return &problem.Error{
		Code: problem.MetadataUnavailable, RetryAfter: retrySoon, Err: err,
		Message: "The SAML metadata " + failure.Message + "; nothing was sent to SendGrid. Send the request again.",
	}
}

// invalidMetadata reports what saml_metadata_url returned. The text of err is a predicate.
func invalidMetadata(err error) *problem.Error {
	return &problem.Error{
		Code: problem.InvalidMetadata, Err: err,
		Message: "The SAML metadata at saml_metadata_url " + err.Error() + ". Correct the URL or what it returns, and send the request again.",
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
		r.Certificates = m.Certificates
	}
	r.SAMLMetadataURL, r.samlMetadata = "", "" // Nothing is awaited any more.
}

// readSAMLMetadata keeps the document; it is parsed once the whole request is read, because
// entity_id may name the identity provider.
func readSAMLMetadata(value json.RawMessage, r *Request, _ time.Time) string {
	if wrong := readString(value, &r.samlMetadata); wrong != "" {
		return wrong
	}
	if !saml.IsXML([]byte(r.samlMetadata)) {
		return "must be the SAML metadata XML of the identity provider; a URL belongs into saml_metadata_url"
	}
	return ""
}

// readCertificates reads public_certificate. No message repeats any of it, because it may be
// a private key.
func readCertificates(value json.RawMessage, r *Request, now time.Time) string {
	var text string
	if wrong := readString(value, &text); wrong != "" {
		return wrong
	}
	var err error
	if r.Certificates, err = saml.ParseCertificates(text, now); err != nil {
		return err.Error()
	}
	return ""
}

// IfExists is what to do where the integration exists and differs.
type IfExists string

// The values of if_exists.
const (
	// ReportConflict answers Conflict and changes nothing. It is the zero value.
	ReportConflict IfExists = ""
	// UpdateExisting changes the integration to what the request asks for.
	UpdateExisting IfExists = "update"
)

func readIfExists(value json.RawMessage, r *Request, _ time.Time) string {
	var text string
	if wrong := readString(value, &text); wrong != "" {
		return wrong
	}
	switch text {
	case "conflict":
		r.IfExists = ReportConflict
	case string(UpdateExisting):
		r.IfExists = UpdateExisting
	default:
		return `must be "conflict" or "update"`
	}
	return ""
}

func checkMetadataURL(r Request) string {
	if r.SAMLMetadataURL == "" {
		return ""
	}
	return checkURL(r.SAMLMetadataURL)
}

func unquote(value json.RawMessage) string {
	var text string
	_ = json.Unmarshal(value, &text) // What is not a string is empty.
	return text
}
