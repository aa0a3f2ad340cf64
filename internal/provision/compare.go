package provision

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"slices"

	"sendgrid-sso-integration/sendgrid"
)

// Difference is a field in which an integration is not what a request asks for.
type Difference struct {
	Field              string
	Current, Requested any
}

// differences returns the compared fields in which an integration is not as requested.
func (r Request) differences(i sendgrid.Integration) []Difference {
	var found []Difference
	for _, f := range fields {
		if f.requested == nil {
			continue
		}
		if current, requested := f.current(i), f.requested(r); current != requested {
			found = append(found, Difference{Field: f.name, Current: current, Requested: requested})
		}
	}
	return found
}

// matches reports whether an integration is as requested. A list has many of other entities,
// for which comparing each field would be most of the work of a request.
func (r Request) matches(i sendgrid.Integration) bool {
	return i.EntityID == r.EntityID && len(r.differences(i)) == 0
}

// needsUpdate reports whether an update has to be sent to make an integration as requested.
func (r Request) needsUpdate(i sendgrid.Integration) bool {
	completed := i.CompletedIntegration != nil && *i.CompletedIntegration
	return !r.matches(i) || r.CompletedIntegration != nil && *r.CompletedIntegration != completed
}

// fingerprint identifies what the request asks for: two requests with the same fingerprint
// want the same integration. Metadata and if_exists do not count.
func (r Request) fingerprint() string {
	var values []any
	for _, f := range fields {
		if f.requested != nil {
			values = append(values, f.requested(r))
		}
	}
	if r.CompletedIntegration != nil {
		values = append(values, "completed_integration", *r.CompletedIntegration)
	}
	if len(r.Certificates) > 0 {
		values = append(values, "certificates", r.certificateHashes())
	}
	text, err := json.Marshal(values)
	if err != nil {
		panic(err) // Strings and booleans always encode.
	}
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:])
}

// certificateHashes returns the SHA-256 of the certificates, sorted.
func (r Request) certificateHashes() []string {
	var hashes []string
	for _, c := range r.Certificates {
		hashes = append(hashes, c.SHA256)
	}
	slices.Sort(hashes)
	return hashes
}
