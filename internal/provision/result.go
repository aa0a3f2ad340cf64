package provision

import (
	"cmp"
	"math"
	"slices"
	"time"

	"sendgrid-sso-integration/internal/problem"
	"sendgrid-sso-integration/internal/protocol"
	"sendgrid-sso-integration/sendgrid"
)

// OutcomeOf returns the outcome of a request that failed: rejected if a retry cannot help,
// else failed.
func OutcomeOf(failure *problem.Error) protocol.Outcome {
	if failure.Retryable() {
		return protocol.OutcomeFailed
	}
	return protocol.OutcomeRejected
}

// maxCertificates bounds the certificates of a result, so that it fits into an event. An
// integration has a few.
const maxCertificates = 20

// Result is the outcome of a request that succeeded, with its data.
type Result struct {
	Outcome protocol.Outcome `json:"outcome"`
	// Integration is empty where none was read: in a dry run that would create one, for instance.
	Integration sendgrid.Integration `json:"integration,omitzero"`
	// GoneID is the id of an integration that was deleted or ended, if one is known. Then Integration is empty.
	GoneID string `json:"-"`
	// Teammate is the one that the request is about, nil for a connection, and in a plan to create one.
	Teammate *Teammate `json:"teammate,omitempty"`
	// Integrations are all integrations that a request ended, if there are several.
	Integrations []sendgrid.Integration `json:"integrations,omitempty"`
	// DeleteAfter is the time after which an audit deletes what the request ended, nil if none does.
	DeleteAfter *time.Time `json:"delete_after,omitempty"`
	// Steps are what would be sent, in a dry run only.
	Steps []Step `json:"steps,omitzero"`
	// Changes are what this request changed in SendGrid, or would change.
	Changes []problem.Change `json:"changes,omitzero"`
	// Certificates are those that the integration has, at most maxCertificates. They are
	// there if the request brought any.
	Certificates []Certificate `json:"certificates,omitempty"`
	// DaysLeft is the result of the function DaysLeft for Certificates.
	DaysLeft *int              `json:"days_left,omitempty"`
	Warnings []Warning         `json:"warnings,omitempty"`
	Metadata map[string]string `json:"metadata,omitempty"`
	// Adopted reports whether the response to the create was lost, and the integration was
	// found by reading SendGrid.
	Adopted bool `json:"-"`
}

// Teammate is a teammate as a result shows it. Of one that is not there, only the email is known.
type Teammate struct {
	Email     string `json:"email"`
	FirstName string `json:"first_name,omitempty"`
	LastName  string `json:"last_name,omitempty"`
	IsAdmin   *bool  `json:"is_admin,omitempty"`
	// Scopes are those of the account itself. SendGrid adds some by itself.
	Scopes                     []string `json:"scopes,omitempty"`
	HasRestrictedSubuserAccess bool     `json:"has_restricted_subuser_access,omitempty"`
	// SubuserAccess is without scopes, which may be thousands.
	SubuserAccess []sendgrid.SubuserAccess `json:"subuser_access,omitempty"`
}

// Certificate is a certificate of an integration.
type Certificate struct {
	// ID is SendGrid's, empty if SendGrid did not return it.
	ID        string    `json:"id,omitempty"`
	SHA256    string    `json:"sha256"` // empty if it cannot be read
	NotBefore time.Time `json:"not_before"`
	NotAfter  time.Time `json:"not_after"`
}

// DaysLeft returns the number of whole days until the last of the certificates expires: 0 on
// its last day, negative once it has expired, nil without certificates. As long as it is not
// negative, people can log in by one of them.
func DaysLeft(certificates []Certificate, now time.Time) *int {
	if len(certificates) == 0 {
		return nil
	}
	last := slices.MaxFunc(certificates, func(a, b Certificate) int { return a.NotAfter.Compare(b.NotAfter) })
	days := int(math.Floor(float64(last.NotAfter.Unix()-now.Add(time.Second-1).Unix()) / (24 * 60 * 60)))
	return &days
}

// result returns the result of the attempt.
func (a *connectionAttempt) result(outcome protocol.Outcome) *Result {
	r := &Result{Outcome: outcome, Integration: *a.seen.integration, Changes: a.changes, Adopted: a.adopted}
	if len(a.request.Certificates) > 0 {
		for _, c := range a.shownCertificates() {
			r.Certificates = append(r.Certificates, c.shown())
		}
	}
	if last := a.lastExpiry(); !last.IsZero() {
		r.DaysLeft = DaysLeft([]Certificate{{NotAfter: last}}, time.Now())
	}
	return r
}

// lastExpiry returns until when people can log in by the certificates, zero if none is known. Where SAML
// metadata supplies them, the others are not in use, so one that was added early does not hide an expiry.
func (a *connectionAttempt) lastExpiry() (last time.Time) {
	if len(a.request.Certificates) == 0 {
		return last
	}
	for _, inUse := range []bool{a.request.Supplied, false} {
		for _, c := range a.seen.certificates {
			if c.notAfter.After(last) && (!inUse || slices.Contains(a.asked.Certificates, c.sha256)) {
				last = c.notAfter
			}
		}
		if !last.IsZero() {
			break
		}
	}
	return last
}

// superseded returns the result of a request whose integration was deleted or ended. Nobody can decide whether to
// create it again, so it stays so.
func (a *connectionAttempt) superseded() *Result {
	a.missing = true
	return &Result{Outcome: protocol.OutcomeSuperseded, GoneID: cmp.Or(a.entry.IntegrationID, a.entry.Gone)}
}

// shownCertificates returns the certificates for the result. Where there are too many, those
// of the request come first, then those that are valid longest.
func (a *connectionAttempt) shownCertificates() []storedCertificate {
	if len(a.seen.certificates) <= maxCertificates {
		return a.seen.certificates
	}
	requested := func(c storedCertificate) int {
		if slices.Contains(a.asked.Certificates, c.sha256) {
			return 0
		}
		return 1
	}
	shown := slices.Clone(a.seen.certificates)
	slices.SortStableFunc(shown, func(x, y storedCertificate) int {
		return cmp.Or(requested(x)-requested(y), y.notAfter.Compare(x.notAfter))
	})
	return shown[:maxCertificates]
}
