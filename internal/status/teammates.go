package status

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"

	"sendgrid-sso-integration/internal/audit"
	"sendgrid-sso-integration/internal/request"
)

// maxTeammates bounds the teammates of a report: those with findings come first.
const maxTeammates = 1000

// Teammate is what is known about one teammate.
type Teammate struct {
	// Email is in lower case. Without an address, it is the username.
	Email string `json:"email"`
	// State is that of a connection. It is empty if the ledger could not be read.
	State    audit.State     `json:"state,omitempty"`
	IsAdmin  bool            `json:"is_admin"`
	Findings []audit.Finding `json:"findings"`
}

// checkTeammates returns the check of the teammates, which keeps what it read.
func (r *Reporter) checkTeammates(found *read, mu *sync.Mutex) Check {
	if r.Teammates == nil {
		return Off(nameTeammates, "TEAMMATES is not true: requests for teammates are refused, and nobody checks who can log in without SSO.")
	}
	return Check{nameTeammates, func(ctx context.Context) (string, error) {
		people, err := audit.ReadPeople(ctx, r.Teammates)
		if err != nil {
			return "", listProblem(err, "The teammates could not be read, so only those whose request the ledger keeps are here. Run the status again; if it persists, check SendGrid's status page.")
		}
		mu.Lock()
		found.people, found.peopleRead = people, true
		mu.Unlock()
		return administered(people)
	}}
}

// administered returns the result of the check whether an administrator of the account logs in by SSO.
func administered(p audit.People) (string, error) {
	administrators := p.Administrators()
	if administrators == 0 {
		return "", &Problem{"Nobody administers the account by SSO: people whom SendGrid creates at their first login may only read. Send a request for a teammate with is_admin: true.", nil}
	}
	return fmt.Sprintf("Teammates: %d. Administrators who log in by SSO: %d. Invitations that are pending: %d.", len(p.Listed), administrators, len(p.Pending)), nil
}

// teammates returns what is known about each teammate: what the lists show, in comparison with the ledger, or, where
// they could not be read, what the last audit found about those that the ledger manages. The ledger was read
// concurrently with the lists, so a teammate who is removed at the same time may be missing here.
func (f read) teammates(breakGlass []string) []Teammate {
	byEmail := map[string]*Teammate{}
	add := func(email string, isAdmin bool) {
		if email == "" || byEmail[email] != nil {
			return
		}
		byEmail[email] = &Teammate{Email: email, State: audit.Unmanaged, IsAdmin: isAdmin, Findings: []audit.Finding{}}
	}
	findings := audit.Stored(f.own.Findings)
	if f.peopleRead {
		findings = f.people.Findings(f.persons, breakGlass)
		for _, t := range f.people.Listed {
			add(audit.EmailOf(t), t.IsAdmin)
		}
		for _, p := range f.people.Pending {
			add(strings.ToLower(p.Email), p.IsAdmin)
		}
	}
	for _, e := range f.persons {
		kept, _ := request.ParseKeptTeammate(e.Kept)
		state := audit.StateOf(e)
		if state == audit.Managed { // One that ended, or was never managed, is only of interest if it is there.
			add(e.Teammate, kept.Teammate.IsAdmin)
		}
		if t := byEmail[e.Teammate]; t != nil {
			t.State = state
		}
	}
	for _, found := range findings {
		if t := byEmail[found.Email]; t != nil {
			t.Findings = append(t.Findings, found)
		}
	}
	all := make([]Teammate, 0, len(byEmail))
	for _, t := range byEmail {
		if !f.scanned {
			t.State = ""
		}
		all = append(all, *t)
	}
	slices.SortFunc(all, func(a, b Teammate) int {
		return cmp.Or(cmp.Compare(len(b.Findings), len(a.Findings)), strings.Compare(a.Email, b.Email))
	})
	return all[:min(len(all), maxTeammates)]
}
