package provision

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"sendgrid-sso-integration/internal/problem"
	"sendgrid-sso-integration/internal/protocol"
	"sendgrid-sso-integration/internal/request"
	"sendgrid-sso-integration/sendgrid"
)

// person is the baseline of a teammate: what SendGrid showed after this function's last write. No answer shows a
// persona, so this is how one is known.
type person struct {
	FirstName  string `json:"first_name"`
	LastName   string `json:"last_name"`
	IsAdmin    bool   `json:"is_admin"`
	Restricted bool   `json:"restricted,omitempty"`
	// Scopes are nil if they were not shown.
	Scopes []string `json:"scopes,omitzero"`
	// Access describes the access to each subuser.
	Access []string `json:"access,omitempty"`
}

// maxScopesShown bounds how many scopes of a subuser are named; more are counted.
const maxScopesShown = 12

func personOf(t sendgrid.Teammate) person {
	p := person{FirstName: t.FirstName, LastName: t.LastName, IsAdmin: t.IsAdmin, Restricted: t.HasRestrictedSubuserAccess, Scopes: slices.Sorted(slices.Values(t.Scopes))}
	if t.Scopes == nil {
		p.Scopes = nil
	}
	if p.Restricted {
		for _, s := range t.SubuserAccess {
			p.Access = append(p.Access, describe(s))
		}
		slices.Sort(p.Access)
	}
	return p
}

// describe names the access to a subuser: "12 (acme): restricted to mail.send".
func describe(s sendgrid.SubuserAccess) string {
	text := fmt.Sprintf("%d (%s): %s", s.ID, s.Username, s.PermissionType)
	scopes := slices.Sorted(slices.Values(s.Scopes))
	if len(scopes) == 0 {
		return text
	}
	more := ""
	if n := len(scopes) - maxScopesShown; n > 0 {
		sum := request.Digest(scopes)
		more = fmt.Sprintf(" and %d more (%s)", n, sum[:12])
		scopes = scopes[:maxScopesShown]
	}
	return text + " to " + strings.Join(scopes, ", ") + more
}

// parsePerson reads the baseline that the ledger keeps.
func parsePerson(text string) (p person, found bool) {
	return p, json.Unmarshal([]byte(text), &p) == nil
}

// String returns the baseline as the ledger keeps it.
func (p person) String() string { return request.Text(p) }

// changes returns how another person differs from this one.
func (p person) changes(to person) []problem.Change {
	var changes []problem.Change
	field := func(name string, from, to any) {
		if from != to {
			changes = append(changes, problem.Change{Field: name, From: from, To: to})
		}
	}
	field("first_name", p.FirstName, to.FirstName)
	field("last_name", p.LastName, to.LastName)
	field("is_admin", p.IsAdmin, to.IsAdmin)
	if p.IsAdmin == to.IsAdmin && p.Scopes != nil && to.Scopes != nil { // Else they all differ.
		changes = append(changes, setChanges("scopes", p.Scopes, to.Scopes)...)
	}
	return append(changes, setChanges("subuser_access", p.Access, to.Access)...)
}

func setChanges(name string, from, to []string) []problem.Change {
	var changes []problem.Change
	for _, each := range without(from, to) {
		changes = append(changes, problem.Change{Field: name, From: each})
	}
	for _, each := range without(to, from) {
		changes = append(changes, problem.Change{Field: name, To: each})
	}
	return changes
}

// drift returns what somebody changed in SendGrid since this function's last write. While SendGrid may show what was
// there before that, or a write has taken effect that is not recorded, nothing is known; nor is it by a request that
// has not read what the teammate may do.
func (a *teammateAttempt) drift() []problem.Change {
	before, found := parsePerson(a.entry.Baseline)
	known := a.entry.State == protocol.Completed && a.entry.Settling(a.asOf) == 0 && a.request.Kind == request.Present
	if !found || !known || a.seen == nil || a.entry.IntegrationID == "" {
		return nil
	}
	return before.changes(personOf(*a.seen))
}

// differences returns what the request changes in a teammate, as far as that is known: a persona has no scopes of
// its own.
func (a *teammateAttempt) differences(from sendgrid.Teammate) []problem.Change {
	var changes []problem.Change
	field := func(name string, from, to any) {
		if from != to {
			changes = append(changes, problem.Change{Field: name, From: from, To: to})
		}
	}
	known := func(value any) any { // A teammate that does not exist has nothing.
		if from.Email == "" {
			return nil
		}
		return value
	}
	field("first_name", known(from.FirstName), a.asks.FirstName)
	field("last_name", known(from.LastName), a.asks.LastName)
	field("is_admin", known(from.IsAdmin), a.asks.IsAdmin)
	if a.asks.Persona != "" {
		changes = append(changes, problem.Change{Field: "persona", To: a.asks.Persona})
	}
	changes = append(changes, setChanges("scopes", nil, without(a.asks.Scopes, from.Scopes))...)
	var declared []string
	for i, g := range a.access.SubuserAccess {
		name := a.asks.Access[i].Subuser
		if _, isID := a.asks.Access[i].ID(); isID {
			name = "" // SendGrid knows it.
		}
		declared = append(declared, describe(sendgrid.SubuserAccess{Subuser: sendgrid.Subuser{ID: g.ID, Username: name}, PermissionType: g.PermissionType, Scopes: g.Scopes}))
	}
	slices.Sort(declared)
	return append(changes, setChanges("subuser_access", personOf(from).Access, declared)...)
}
