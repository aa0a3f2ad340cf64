package provision

import (
	"encoding/json"
	"maps"
	"slices"

	"sendgrid-sso-integration/internal/problem"
	"sendgrid-sso-integration/internal/protocol"
	"sendgrid-sso-integration/internal/request"
)

// baseline is what SendGrid showed of an integration after this function's last write. So SendGrid's
// own spelling of a URL, for instance, is not drift. It lacks completed_integration, because SendGrid
// changes that.
type baseline struct {
	Fields map[string]any `json:"fields"`
	// Certificates are the SHA-256 of those that the integration had, nil if they were never read.
	Certificates []string `json:"certificates,omitzero"`
}

// maxKnown bounds the certificates that the ledger keeps of a baseline, so that an entry stays small. Those of
// an integration that had more are not compared.
const maxKnown = 100

// shownBaseline returns what SendGrid shows as a baseline.
func (a *connectionAttempt) shownBaseline() baseline {
	b := baseline{Fields: request.Shown(*a.seen.integration)}
	if !a.seen.certificatesRead {
		return b
	}
	b.Certificates = a.seen.hashes()
	if a.entry.Settles.After(a.asOf) { // They may not be shown yet.
		b.Certificates = append(b.Certificates, a.entry.Added...)
	}
	slices.Sort(b.Certificates)
	b.Certificates = slices.Compact(b.Certificates)
	return b
}

// parseBaseline reads the baseline that the ledger keeps.
func parseBaseline(text string) (b baseline, found bool) {
	return b, json.Unmarshal([]byte(text), &b) == nil
}

// String returns the baseline as the ledger keeps it.
func (b baseline) String() string {
	if len(b.Certificates) > maxKnown {
		b.Certificates = nil
	}
	return request.Text(b)
}

// withBaseline returns an entry with what SendGrid shows as its baseline. A certificate that is new
// there and was not requested does not enter the baseline by a request about something else.
func (a *connectionAttempt) withBaseline(e protocol.Entry) protocol.Entry {
	b := a.shownBaseline()
	switch before, found := parseBaseline(e.Baseline); {
	case !found || before.Certificates == nil:
	case b.Certificates == nil:
		b.Certificates = before.Certificates
	default:
		b.Certificates = slices.DeleteFunc(b.Certificates, func(sha256 string) bool {
			return !slices.Contains(before.Certificates, sha256) && !slices.Contains(a.asked.Certificates, sha256) && !slices.Contains(e.Added, sha256)
		})
	}
	e.Baseline = b.String()
	return e
}

// learn updates the baseline after each write that took effect, whatever the outcome of the request. A renewal
// sends most fields as SendGrid has them, so its update is learned field by field ([attempt.renewBaseline]).
func (a *connectionAttempt) learn(w protocol.Write) {
	b, found := parseBaseline(a.entry.Baseline)
	switch w.Kind {
	case protocol.UpdateResource:
		if found && !a.asked.Renews && a.seen.integration.ID == a.entry.IntegrationID {
			b.Fields = request.Shown(*a.seen.integration)
			a.entry.Baseline = b.String()
		}
	case protocol.CreateCertificate:
		if found && b.Certificates != nil && !slices.Contains(b.Certificates, w.Subject) {
			b.Certificates = append(b.Certificates, w.Subject)
			a.entry.Baseline = b.String()
		}
	case protocol.DeleteCertificate:
		if found && b.Certificates != nil {
			b.Certificates = slices.DeleteFunc(b.Certificates, func(sha256 string) bool { return sha256 == w.Subject })
			a.entry.Baseline = b.String()
		}
	case protocol.CreateResource: // Its baseline is taken when its request is completed.
	case protocol.DeleteResource: // It has no baseline any more.
	}
}

// keepBaseline returns an entry with a baseline: its own or, if an earlier version stored none, what
// SendGrid shows of the integration that it records.
func (a *connectionAttempt) keepBaseline(e protocol.Entry) protocol.Entry {
	if i := a.seen.integration; e.Baseline == "" && e.State == protocol.Completed && i != nil && i.ID == e.IntegrationID {
		return a.withBaseline(e)
	}
	return e
}

// edits returns what somebody changed, for a request that finds the integration there. While a renewal
// has not recorded its changes, they look like edits; the next audit distinguishes them.
func (a *connectionAttempt) edits() []problem.Change {
	if a.entry.Renewing {
		return nil
	}
	return a.drift()
}

// drift returns what somebody changed in SendGrid since this function's last write: from the
// baseline to what SendGrid shows. While that may be older than the write, it returns nothing.
func (a *connectionAttempt) drift() []problem.Change {
	before, found := parseBaseline(a.entry.Baseline)
	settled := !a.entry.Stale.After(a.asOf) && !a.entry.Settles.After(a.asOf)
	if !found || !settled || a.seen.integration.ID != a.entry.IntegrationID {
		return nil
	}
	now := a.shownBaseline()
	var changes []problem.Change
	for _, field := range slices.Sorted(maps.Keys(before.Fields)) {
		if before.Fields[field] != now.Fields[field] {
			changes = append(changes, problem.Change{Field: field, From: before.Fields[field], To: now.Fields[field]})
		}
	}
	if before.Certificates == nil || now.Certificates == nil { // They were not read then, or not now.
		return changes
	}
	for _, sha256 := range before.Certificates {
		if !slices.Contains(now.Certificates, sha256) {
			changes = append(changes, problem.Change{Field: certificateField, From: sha256})
		}
	}
	for _, sha256 := range now.Certificates {
		if !slices.Contains(before.Certificates, sha256) {
			changes = append(changes, problem.Change{Field: certificateField, To: sha256})
		}
	}
	return changes
}
