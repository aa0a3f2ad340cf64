package request

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"slices"

	"sendgrid-sso-integration/internal/problem"
	"sendgrid-sso-integration/sendgrid"
)

// Differences returns the compared fields in which an integration is not as requested.
func (r Resolved) Differences(i sendgrid.Integration) []problem.Change {
	var found []problem.Change
	for _, f := range fields {
		if f.requested == nil {
			continue
		}
		if current, requested := f.current(i), f.requested(r.Request); current != requested {
			found = append(found, problem.Change{Field: f.name, From: current, To: requested})
		}
	}
	return found
}

// Updates returns what an update changes in an integration.
func (r Resolved) Updates(i sendgrid.Integration) []problem.Change {
	changes := r.Differences(i)
	if c := r.completion(i); c != nil {
		changes = append(changes, *c)
	}
	return changes
}

// Creates returns the changes of a create.
func (r Resolved) Creates() []problem.Change {
	var changes []problem.Change
	for _, f := range fields {
		if f.requested != nil {
			changes = append(changes, problem.Change{Field: f.name, To: f.requested(r.Request)})
		}
	}
	if r.CompletedIntegration != nil {
		changes = append(changes, problem.Change{Field: completedIntegration, To: *r.CompletedIntegration})
	}
	return changes
}

// completion returns the difference in completed_integration, nil if it is as requested.
func (r Resolved) completion(i sendgrid.Integration) *problem.Change {
	completed := i.CompletedIntegration != nil && *i.CompletedIntegration
	if r.CompletedIntegration == nil || *r.CompletedIntegration == completed {
		return nil
	}
	return &problem.Change{Field: completedIntegration, From: completed, To: *r.CompletedIntegration}
}

// Matches reports whether an integration is as requested. A list has many integrations of
// other entities; comparing each field of those would be most of the work of a request.
func (r Resolved) Matches(i sendgrid.Integration) bool {
	return i.EntityID == r.EntityID && len(r.Differences(i)) == 0
}

// NeedsUpdate reports whether an update has to be sent to make an integration as requested.
func (r Resolved) NeedsUpdate(i sendgrid.Integration) bool {
	return !r.Matches(i) || r.completion(i) != nil
}

// Fingerprint identifies what the request asks for: two requests with the same fingerprint
// want the same integration. Metadata and if_exists do not count.
func (r Resolved) Fingerprint() string {
	return digest(append(r.values(), r.optional(true)...))
}

// Identity identifies the request by the fields as given: what SAML metadata at a URL supplies does
// not count, because it differs from one day to another. Without such a URL it is the fingerprint.
func (r Resolved) Identity() string {
	if r.Source.URL == "" {
		return r.Fingerprint()
	}
	values := []any{"saml_metadata_url", r.Source.URL}
	for _, f := range fields {
		if f.requested != nil && !r.Source.Supplies(f.name) {
			values = append(values, f.name, f.requested(r.Request))
		}
	}
	return digest(append(values, r.optional(!r.Source.Supplies("public_certificate"))...))
}

// optional returns the names and values of the request's fields that are not compared.
func (r Resolved) optional(certificates bool) []any {
	var values []any
	if r.CompletedIntegration != nil {
		values = append(values, completedIntegration, *r.CompletedIntegration)
	}
	if certificates && len(r.Certificates) > 0 {
		values = append(values, "certificates", slices.Sorted(slices.Values(r.CertificateHashes())))
	}
	return values
}

// Digest identifies the compared fields that the request asks for. It is equal to [DigestOf] an
// integration that has them.
func (r Resolved) Digest() string { return digest(r.values()) }

// DigestOf identifies the compared fields that an integration has.
func DigestOf(i sendgrid.Integration) string {
	var values []any
	for _, f := range fields {
		if f.current != nil {
			values = append(values, f.current(i))
		}
	}
	return digest(values)
}

// Shown returns the compared fields of an integration and what it has in them.
func Shown(i sendgrid.Integration) map[string]any {
	shown := map[string]any{}
	for _, f := range fields {
		if f.current != nil {
			shown[f.name] = f.current(i)
		}
	}
	return shown
}

// values returns the values of the compared fields.
func (r Resolved) values() []any {
	var values []any
	for _, f := range fields {
		if f.requested != nil {
			values = append(values, f.requested(r.Request))
		}
	}
	return values
}

// Digest identifies a list of texts.
func Digest(texts []string) string { return digest([]any{texts}) }

func digest(values []any) string {
	text, err := json.Marshal(values)
	if err != nil {
		panic(err) // Strings and booleans always encode.
	}
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:])
}

// CertificateHashes returns the SHA-256 of the certificates.
func (r Resolved) CertificateHashes() []string {
	var hashes []string
	for _, c := range r.Certificates {
		hashes = append(hashes, c.SHA256)
	}
	return hashes
}
