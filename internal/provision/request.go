package provision

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"sendgrid-sso-integration/internal/problem"

	"sendgrid-sso-integration/sendgrid"
)

// The bounds of a request. Lengths are in characters except where the name says bytes.
const (
	// MaxRequestBytes bounds the JSON text of one request.
	MaxRequestBytes = 64 << 10

	maxName     = 256
	maxURLBytes = 2048
	// maxEntityID is SAML 2.0's own limit (saml-core, 8.3.6).
	maxEntityID      = 1024
	maxMetadata      = 20
	maxMetadataKey   = 64
	maxMetadataValue = 256
)

// Request asks for one SSO integration. Its fields are SendGrid's own, plus metadata.
type Request struct {
	Name                 string
	Enabled              bool
	SigninURL            string
	SignoutURL           string
	EntityID             string
	CompletedIntegration *bool
	// Metadata never goes to SendGrid; it comes back in the result, so that a ticket
	// number travels along.
	Metadata map[string]string
}

// Validate reports every rule that the request breaks, in one problem.InvalidRequest error.
func (r Request) Validate() error {
	if problems := r.problems(); len(problems) > 0 {
		return invalidRequest(problems)
	}
	return nil
}

func invalidRequest(problems []problem.FieldError) *problem.Error {
	message := "One field of the request breaks a rule; correct it and send the request again."
	if len(problems) > 1 {
		message = fmt.Sprintf("The request breaks %d rules; correct them and send the request again.", len(problems))
	}
	return &problem.Error{Code: problem.InvalidRequest, Message: message, Fields: problems}
}

func (r Request) problems() []problem.FieldError {
	var problems []problem.FieldError
	check := func(field, broken string) {
		if broken != "" {
			problems = append(problems, problem.FieldError{Field: field, Message: broken})
		}
	}
	check("name", checkName(r.Name))
	check("signin_url", checkURL(r.SigninURL))
	if r.SignoutURL != "" {
		check("signout_url", checkURL(r.SignoutURL))
	}
	check("entity_id", checkEntityID(r.EntityID))
	check("metadata", checkMetadata(r.Metadata))
	return problems
}

func checkName(name string) string {
	switch length := utf8.RuneCountInString(name); {
	case strings.TrimSpace(name) == "":
		return "must not be empty"
	case length > maxName:
		return fmt.Sprintf("must have at most %d characters, has %d", maxName, length)
	case strings.ContainsFunc(name, isDamaged):
		return "must not contain control characters"
	}
	return ""
}

func checkURL(text string) string {
	u, err := url.Parse(text)
	switch {
	case text == "":
		return "must not be empty"
	case len(text) > maxURLBytes:
		return fmt.Sprintf("must have at most %d bytes, has %d", maxURLBytes, len(text))
	case strings.ContainsFunc(text, isSpaceOrDamaged):
		return "must not contain white space or control characters"
	case err != nil:
		return "must be an absolute https URL" // The parser's own words would repeat the text.
	case u.Scheme != "https":
		return "must be an absolute URL that begins with https://"
	case u.Hostname() == "":
		return "must name a host"
	case u.User != nil:
		return "must not contain a user name or password"
	}
	return ""
}

func checkEntityID(id string) string {
	switch length := utf8.RuneCountInString(id); {
	case id == "":
		return "must not be empty"
	case length > maxEntityID:
		return fmt.Sprintf("must have at most %d characters, has %d", maxEntityID, length)
	case strings.ContainsFunc(id, isSpaceOrDamaged):
		return "must not contain white space or control characters"
	}
	return ""
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

// isDamaged reports control characters, and the character that decoders put where the
// text was no Unicode: two different ids must not meet in it.
func isDamaged(r rune) bool { return unicode.IsControl(r) || r == utf8.RuneError }

func isSpaceOrDamaged(r rune) bool { return unicode.IsSpace(r) || isDamaged(r) }

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

// differences names the fields in which an integration is not what the request asks for.
func (r Request) differences(i sendgrid.Integration) []string {
	var fields []string
	for _, f := range []struct {
		name  string
		equal bool
	}{
		{"name", i.Name == r.Name},
		{"enabled", i.Enabled == r.Enabled},
		{"signin_url", i.SigninURL == r.SigninURL},
		{"signout_url", i.SignoutURL == r.SignoutURL},
		{"entity_id", i.EntityID == r.EntityID},
	} {
		if !f.equal {
			fields = append(fields, f.name)
		}
	}
	return fields
}

// fingerprint identifies what the request asks for: two requests with the same
// fingerprint want the same integration. It covers the fields that are compared with
// SendGrid's, so metadata and completed_integration do not count.
func (r Request) fingerprint() string {
	text, err := json.Marshal([]any{r.Name, r.Enabled, r.SigninURL, r.SignoutURL, r.EntityID})
	if err != nil {
		panic(err) // Strings and a boolean always encode.
	}
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:])
}
