package audit

import (
	"encoding/json"
	"slices"
	"time"

	"sendgrid-sso-integration/internal/request"
)

const (
	// maxStored bounds the text of the findings of a connection, so that its entry stays small.
	maxStored = 8 << 10
	// maxStoredOfAccount bounds the text of the account's findings, which are in one entry.
	maxStoredOfAccount = 32 << 10
)

// record is what the ledger keeps of the audit of a connection.
type record struct {
	// Last is when the last certificate in use expires, zero if none is known.
	Last     time.Time `json:"last,omitzero"`
	Findings []stored  `json:"findings"`
}

// stored is a finding as the ledger keeps it.
type stored struct {
	Finding
	// Identity is that of the finding, because what it was made of may be left out.
	Identity string `json:"identity"`
}

// store returns the text for the ledger, of at most so many bytes. Where the findings are too long, their changes are left out and
// then, of all but the first few, everything but their identity, so that they are still not new.
func store(findings []Finding, last time.Time, most int) string {
	const few = 10
	all := []stored{}
	for _, f := range findings {
		all = append(all, stored{f, f.identity()})
	}
	size := len(request.Text(record{last, all}))
	shorten := func(least int, shorter func(Finding) Finding) {
		for at := len(all) - 1; size > most && at >= least; at-- {
			size -= len(request.Text(all[at]))
			all[at].Finding = shorter(all[at].Finding)
			size += len(request.Text(all[at]))
		}
	}
	shorten(0, func(f Finding) Finding { f.Changes = nil; return f })
	shorten(few, func(Finding) Finding { return Finding{} })
	for ; size > most; all = all[:len(all)-1] {
		size -= len(request.Text(all[len(all)-1])) + len(",")
	}
	return request.Text(record{last.UTC(), all})
}

// load reads the text that the ledger keeps. What a later version wrote is empty.
func load(text string) (r record) {
	if json.Unmarshal([]byte(text), &r) != nil {
		return record{}
	}
	return r
}

// Stored returns the findings in the text that the ledger keeps, as far as there was room for them.
func Stored(text string) []Finding {
	findings := []Finding{}
	for _, s := range load(text).Findings {
		if s.Code != "" {
			s.known = s.Identity
			findings = append(findings, s.Finding)
		}
	}
	return findings
}

// ofTeammates returns the findings about teammates in the text that the ledger keeps. Of those that were
// shortened, it is not known what they are about; they have nothing but their identity.
func ofTeammates(text string) (findings []Finding) {
	for _, s := range load(text).Findings {
		if s.Email != "" || s.Code == "" {
			s.known = s.Identity
			findings = append(findings, s.Finding)
		}
	}
	return findings
}

// readable returns the findings that were not shortened.
func readable(findings []Finding) []Finding {
	return slices.DeleteFunc(slices.Clone(findings), func(f Finding) bool { return f.Code == "" })
}

// LastExpiry returns when the last certificate in use expires, as the ledger keeps it; zero if that is not
// known.
func LastExpiry(text string) time.Time { return load(text).Last }

// newFindings returns the findings that are not in the text that the ledger keeps.
func newFindings(text string, findings []Finding) (fresh []Finding) {
	before := load(text).Findings
	for _, f := range findings {
		if !slices.ContainsFunc(before, func(s stored) bool { return s.Identity == f.identity() }) {
			fresh = append(fresh, f)
		}
	}
	return fresh
}
