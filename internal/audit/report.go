package audit

import (
	"cmp"
	"encoding/json"
	"math"
	"slices"

	"sendgrid-sso-integration/internal/provision"
	"sendgrid-sso-integration/sendgrid"
)

const (
	// maxReportBytes bounds the JSON of the integrations in a report. Lambda returns 6 MB at
	// most.
	maxReportBytes = 4 << 20
	// maxUnreached bounds how many ids of unreached integrations a report lists.
	maxUnreached = 1000
)

// Report is the outcome of an audit.
type Report struct {
	Summary Summary `json:"summary"`
	// Integrations are those that were reached, the most urgent first.
	Integrations []Integration `json:"integrations"`
	// Omitted is how many reached integrations are left out to bound the report. They are the
	// least urgent ones, and the summary counts them.
	Omitted int `json:"omitted,omitempty"`
	// Unreached are the ids of the integrations that were not reached, at most 1,000.
	Unreached []string `json:"unreached,omitempty"`
	// Next is the id of the integration with which the next audit begins, empty if all were
	// reached.
	Next string `json:"next,omitempty"`
}

// Summary counts the integrations of an audit.
type Summary struct {
	// Total is the number of integrations of the account: Audited, Failed and Unreached.
	Total int `json:"total"`
	// Audited are the integrations whose certificates were listed.
	Audited int `json:"audited"`
	// Failed are those whose certificates could not be listed.
	Failed int `json:"failed"`
	// Unreached are those for which there was no time.
	Unreached int `json:"unreached"`
	// WithoutCertificate and Expiring are of the audited ones. Expiring have no certificate
	// that is valid for another 30 days.
	WithoutCertificate int `json:"without_certificate"`
	Expiring           int `json:"expiring"`
	// Disabled are of all.
	Disabled int `json:"disabled"`
	// DaysLeft is the least DaysLeft of the audited integrations that are enabled, nil if none
	// of them has a certificate.
	DaysLeft *int `json:"days_left,omitempty"`
}

// add adds an integration that was reached.
func (r *Report) add(i Integration) {
	r.Integrations = append(r.Integrations, i)
	s := &r.Summary
	if !i.Enabled {
		s.Disabled++
	}
	if i.has(CertificatesUnknown) {
		s.Failed++
		return
	}
	s.Audited++
	if i.has(provision.NoCertificate) {
		s.WithoutCertificate++
	}
	if i.expiring() {
		s.Expiring++
	}
	if i.Enabled && i.DaysLeft != nil && (s.DaysLeft == nil || *i.DaysLeft < *s.DaysLeft) {
		s.DaysLeft = i.DaysLeft
	}
}

// stop records the integrations that are not reached.
func (r *Report) stop(left []sendgrid.Integration) {
	if len(left) == 0 {
		return
	}
	r.Summary.Unreached, r.Next = len(left), left[0].ID
	for _, i := range left {
		if !i.Enabled {
			r.Summary.Disabled++
		}
		if len(r.Unreached) < maxUnreached {
			r.Unreached = append(r.Unreached, i.ID)
		}
	}
}

// expiring returns the integrations whose last certificate has expired, or will soon.
func (r *Report) expiring() []Integration {
	var expiring []Integration
	for _, i := range r.Integrations {
		if i.expiring() {
			expiring = append(expiring, i)
		}
	}
	return expiring
}

// bound sorts the integrations by urgency, and leaves out those that do not fit.
func (r *Report) bound() {
	slices.SortStableFunc(r.Integrations, func(a, b Integration) int {
		return cmp.Or(cmp.Compare(urgency(a), urgency(b)), cmp.Compare(len(b.Findings), len(a.Findings)))
	})
	size := 0
	for at, i := range r.Integrations {
		text, err := json.Marshal(i)
		if size += len(text) + 1; err != nil || size > maxReportBytes {
			r.Omitted = len(r.Integrations) - at
			r.Integrations = r.Integrations[:at]
			return
		}
	}
}

// urgency orders integrations: first those with the fewest days left, last those of which no
// certificate is known.
func urgency(i Integration) int {
	if i.DaysLeft == nil {
		return math.MaxInt
	}
	return *i.DaysLeft
}
