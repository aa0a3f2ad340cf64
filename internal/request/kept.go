package request

import (
	"encoding/json"
	"slices"
	"strings"
	"time"

	"sendgrid-sso-integration/internal/saml"
)

// Kept is a request as the ledger keeps it while the connection is managed. It is not validated again.
type Kept struct {
	Name                 string `json:"name"`
	Enabled              bool   `json:"enabled"`
	SigninURL            string `json:"signin_url"`
	SignoutURL           string `json:"signout_url"`
	EntityID             string `json:"entity_id"`
	CompletedIntegration *bool  `json:"completed_integration,omitempty"`
	// Certificates are those that the request gave, or that its SAML metadata supplied last.
	Certificates []KeptCertificate `json:"certificates,omitempty"`
	// Supplied reports whether SAML metadata supplied Certificates.
	Supplied bool `json:"supplied,omitempty"`
	// Source is the SAML metadata that supplies what the request did not give itself. Those fields have
	// the values that it supplied last.
	Source   Source            `json:"source,omitzero"`
	Metadata map[string]string `json:"metadata,omitempty"`
	// Retired is the time since which the SAML metadata lacks a certificate that it supplied before, by SHA-256.
	Retired map[string]time.Time `json:"retired,omitempty"`
	// UnreadSince is since when the SAML metadata could not be read, zero if it was read at the last try.
	UnreadSince time.Time `json:"unread_since,omitzero"`
	// By is who sent the request, empty if that is not known, and At when it was applied.
	By string    `json:"by,omitempty"`
	At time.Time `json:"at"`
}

// KeptCertificate is a certificate of a kept request.
type KeptCertificate struct {
	SHA256   string    `json:"sha256"`
	NotAfter time.Time `json:"not_after"`
}

// maxKept bounds the text of a kept request, so that its entry stays below 64 KiB. Only metadata of many thousands of
// characters that JSON escapes makes it longer.
const maxKept = 40 << 10

// WithMetadata returns the kept request with other metadata. If there is no room for it, only the id of the
// application is kept.
func (k Kept) WithMetadata(metadata map[string]string) Kept {
	if k.Metadata = metadata; len(k.String()) <= maxKept {
		return k
	}
	k.Metadata = map[string]string{}
	for _, key := range matchable {
		if value, given := metadata[key]; given {
			k.Metadata[key] = value
		}
	}
	return k
}

// Keep returns the request as the ledger keeps it.
func (r Resolved) Keep(by string, at time.Time) Kept {
	k := Kept{
		Name: r.Name, Enabled: r.Enabled, SigninURL: r.SigninURL, SignoutURL: r.SignoutURL, EntityID: r.EntityID,
		CompletedIntegration: r.CompletedIntegration, Certificates: keepCertificates(r.Certificates), Supplied: r.Supplied, Source: r.Source,
		By: by, At: at.UTC().Truncate(time.Second),
	}
	return k.WithMetadata(r.Metadata)
}

func keepCertificates(all []saml.Certificate) []KeptCertificate {
	var kept []KeptCertificate
	for _, c := range all {
		kept = append(kept, KeptCertificate{SHA256: c.SHA256, NotAfter: c.NotAfter.UTC()})
	}
	return kept
}

// ParseKept reads the text of a kept request. It reports false for one that this version cannot read.
func ParseKept(text string) (Kept, bool) {
	var k Kept
	if text == "" || json.Unmarshal([]byte(text), &k) != nil {
		return Kept{}, false
	}
	return k, true
}

// String returns the text that [ParseKept] reads.
func (k Kept) String() string { return Text(k) }

// Text returns the JSON of a value that the ledger stores as text. It does not escape for HTML, which
// would make it longer.
func Text(value any) string {
	var text strings.Builder
	encoder := json.NewEncoder(&text)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(value); err != nil {
		panic(err) // Strings, booleans, numbers and times always encode.
	}
	return strings.TrimSpace(text.String())
}

// Valid returns the certificates that have not expired.
func (k Kept) Valid(now time.Time) []KeptCertificate {
	return slices.DeleteFunc(slices.Clone(k.Certificates), func(c KeptCertificate) bool { return !c.NotAfter.After(now) })
}
