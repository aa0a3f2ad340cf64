// Package request defines requests: their fields and rules, their JSON, and what SAML metadata
// supplies. It has no I/O except by the fetcher that Resolve is given.
package request

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"sendgrid-sso-integration/internal/problem"
	"sendgrid-sso-integration/internal/saml"
	"sendgrid-sso-integration/sendgrid"
)

// The bounds of a request. Lengths are in characters except where the name says bytes.
const (
	// MaxRequestBytes bounds the JSON text of one request.
	MaxRequestBytes = 256 << 10

	maxName          = 256
	maxMetadata      = 20
	maxMetadataKey   = 64
	maxMetadataValue = 256
)

// Request asks for one SSO integration or one teammate. Its fields are SendGrid's own, plus metadata.
type Request struct {
	Name                 string
	Enabled              bool
	SigninURL            string
	SignoutURL           string
	EntityID             string
	CompletedIntegration *bool
	// Certificates are the IdP's signing certificates, without duplicates.
	Certificates []saml.Certificate
	// Supplied reports whether SAML metadata supplies Certificates. Then the identity provider signs
	// with no others.
	Supplied bool
	// SAMLMetadataURL is the URL of the SAML metadata that supplies missing fields. It is empty
	// once [Request.Resolve] has done so.
	SAMLMetadataURL string
	IfExists        IfExists
	// DryRun asks for what the request would do. Nothing is written.
	DryRun bool
	// Kind is what the request is for. Unless it is Present, the request has only an entity id or Match, and Metadata.
	Kind Kind
	// Match selects connections by the metadata of their kept requests, in place of the entity id.
	Match map[string]string
	// RemoveCertificates are the SHA-256 of the certificates that are deleted in SendGrid.
	RemoveCertificates []string
	// Teammate is the person that the request is about, nil if it is about a connection. Beside it, only Kind,
	// IfExists, DryRun and Metadata are set.
	Teammate *Teammate
	// Metadata is never sent to SendGrid. It is returned in the result, for a ticket number
	// for instance.
	Metadata map[string]string

	// given are the fields that came with the request itself, nil once nothing else supplies any.
	given map[string]bool
	// within has why fields within teammate could not be read, and unknownWithin the names there that are not fields.
	within        map[string]string
	unknownWithin []string
	// samlMetadata is the document that came with the request, empty once it is parsed.
	samlMetadata string
	// hasPrivateKey reports whether a private key was found while the fields were read.
	hasPrivateKey bool
}

// Kind is what a request is for.
type Kind int

// The kinds of requests.
const (
	// Present asks for a connection. It is the zero value.
	Present Kind = iota
	// Absent ends a connection: it is disabled and, if the function is configured for that, deleted later.
	Absent
	// Forget makes the ledger forget a connection. Nothing in SendGrid changes.
	Forget
)

// NeedsRight reports whether the request needs the right to update integrations.
func (r Request) NeedsRight() bool { return r.IfExists.Updates() || r.Kind != Present }

// IfExists is what to do where the integration exists and differs.
type IfExists string

// The values of if_exists.
const (
	// ReportConflict returns Conflict and changes nothing. It is the zero value.
	ReportConflict IfExists = ""
	// UpdateExisting changes the integration to what the request asks for.
	UpdateExisting IfExists = "update"
	// Restore changes it as UpdateExisting does, and undoes what was edited since, too.
	Restore IfExists = "restore"
)

// Updates reports whether a request may change an integration that exists.
func (i IfExists) Updates() bool { return i == UpdateExisting || i == Restore }

// awaitsMetadata reports whether SAML metadata still has to supply fields.
func (r Request) awaitsMetadata() bool { return r.SAMLMetadataURL != "" || r.samlMetadata != "" }

// problems returns the first problem of each field: why it could not be read, or else the
// rule that its value breaks. What SAML metadata at a URL will supply is not checked before it
// is fetched.
func (r Request) problems(unread map[string]string) []problem.FieldError {
	var problems []problem.FieldError
	for _, f := range fields {
		message := unread[f.name]
		metadata := r.awaitsMetadata() || unread["saml_metadata"] != "" || unread["saml_metadata_url"] != ""
		pending := f.fromMetadata && metadata && !r.given[f.name]
		if !r.isForConnection() && !r.given[f.name] {
			pending = true // It is not needed.
		}
		if message == "" && f.check != nil && !pending {
			message = f.check(r)
		}
		if message != "" {
			problems = append(problems, problem.FieldError{Field: f.name, Message: message})
		}
	}
	return append(problems, r.teammateProblems()...)
}

// isForConnection reports whether the request describes a connection.
func (r Request) isForConnection() bool { return r.Kind == Present && !r.given["teammate"] }

func checkName(name string) string {
	switch length := utf8.RuneCountInString(name); {
	case strings.TrimSpace(name) == "":
		return "must not be empty"
	case length > maxName:
		return fmt.Sprintf("must have at most %d characters, has %d", maxName, length)
	case strings.ContainsFunc(name, isControl):
		return "must not contain control characters"
	}
	return ""
}

// checkOptionalURL checks a URL that an IdP without single logout does not have.
func checkOptionalURL(text string) string {
	if text == "" {
		return ""
	}
	return saml.URLProblem(text)
}

func checkMetadata(metadata map[string]string) string {
	if len(metadata) > maxMetadata {
		return fmt.Sprintf("must have at most %d pairs, has %d", maxMetadata, len(metadata))
	}
	for _, key := range slices.Sorted(maps.Keys(metadata)) {
		switch {
		case key == "":
			return "must not have an empty key"
		case utf8.RuneCountInString(key) > maxMetadataKey:
			return fmt.Sprintf("must have keys of at most %d characters", maxMetadataKey)
		case utf8.RuneCountInString(metadata[key]) > maxMetadataValue:
			return fmt.Sprintf("must have values of at most %d characters; that of %q is longer", maxMetadataValue, key)
		}
	}
	return ""
}

// isControl reports whether r is a control character, or the replacement character that a
// decoder puts where the text was not Unicode: two different ids must not become equal.
func isControl(r rune) bool { return unicode.IsControl(r) || r == utf8.RuneError }

// Integration returns what is sent to SendGrid.
func (r Request) Integration() sendgrid.IntegrationRequest {
	return sendgrid.IntegrationRequest{
		Name:                 r.Name,
		Enabled:              r.Enabled,
		SigninURL:            r.SigninURL,
		SignoutURL:           r.SignoutURL,
		EntityID:             r.EntityID,
		CompletedIntegration: r.CompletedIntegration,
	}
}
