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

// teammateBaseline is what SendGrid showed of a teammate after this function's last write. No response shows a
// persona, so only the baseline tells whether it was changed.
type teammateBaseline struct {
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

func teammateBaselineOf(t sendgrid.Teammate) teammateBaseline {
	p := teammateBaseline{FirstName: t.FirstName, LastName: t.LastName, IsAdmin: t.IsAdmin, Restricted: t.HasRestrictedSubuserAccess, Scopes: slices.Sorted(slices.Values(t.Scopes))}
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
	if s.Username == "" { // Only its id is known.
		text = fmt.Sprintf("%d: %s", s.ID, s.PermissionType)
	}
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

// parseTeammateBaseline reads the baseline that the ledger keeps.
func parseTeammateBaseline(text string) (p teammateBaseline, found bool) {
	return p, json.Unmarshal([]byte(text), &p) == nil
}

// String returns the baseline as the ledger keeps it.
func (p teammateBaseline) String() string { return request.Text(p) }

// changes returns how another baseline differs from this one.
func (p teammateBaseline) changes(to teammateBaseline) []problem.Change {
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
		changes = append(changes, setChanges("scopes", declarable(p.Scopes), declarable(to.Scopes))...)
	}
	return append(changes, setChanges("subuser_access", p.Access, to.Access)...)
}

// declarable returns the scopes without those by which SendGrid shows settings of the account and the teammate, such
// as whether the account requires a second factor. It adds and exchanges them by itself.
func declarable(scopes []string) []string {
	return slices.DeleteFunc(slices.Clone(scopes), func(scope string) bool {
		return strings.HasPrefix(scope, "2fa_") || strings.HasPrefix(scope, "sender_verification_")
	})
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

// drift returns what somebody changed in SendGrid since this function's last write. It returns nothing while SendGrid may
// show an older state, while a write that took effect is not recorded, and if the request has not read what the
// teammate may do.
func (a *teammateAttempt) drift() []problem.Change {
	before, found := parseTeammateBaseline(a.entry.Baseline)
	known := a.entry.State == protocol.Completed && a.entry.Settling(a.asOf) == 0 && a.request.Kind == request.Present
	if !found || !known || a.seen == nil || a.entry.IntegrationID == "" {
		return nil
	}
	return before.changes(teammateBaselineOf(*a.seen))
}

// differences returns the known changes that the request makes to a teammate. The scopes of a persona are not
// known.
func (a *teammateAttempt) differences(from sendgrid.Teammate) []problem.Change {
	if from.Email == "" { // There is no such teammate, so it has nothing.
		return a.declared()
	}
	kept, managed := request.ParseKeptTeammate(a.entry.Kept)
	if before, found := parseTeammateBaseline(a.entry.Baseline); found && managed && a.entry.KeptIdentity == a.asked.Identity {
		return teammateBaselineOf(from).changes(before) // What was edited since is undone.
	}
	var changes []problem.Change
	field := func(name string, from, to any) {
		if from != to {
			changes = append(changes, problem.Change{Field: name, From: from, To: to})
		}
	}
	field("first_name", from.FirstName, a.asks.FirstName)
	field("last_name", from.LastName, a.asks.LastName)
	field("is_admin", from.IsAdmin, a.asks.IsAdmin)
	field("persona", orNull(kept.Teammate.Persona), orNull(a.asks.Persona))
	var gone []string
	if !from.IsAdmin && !a.asks.IsAdmin && a.asks.Persona == "" { // Else nobody can tell.
		gone = without(declarable(from.Scopes), a.asks.Scopes)
	}
	changes = append(changes, setChanges("scopes", gone, without(a.asks.Scopes, from.Scopes))...)
	return append(changes, a.accessChanges(from, kept.Teammate)...)
}

// declared returns what a create makes.
func (a *teammateAttempt) declared() []problem.Change {
	changes := []problem.Change{{Field: "first_name", To: a.asks.FirstName}, {Field: "last_name", To: a.asks.LastName}, {Field: "is_admin", To: a.asks.IsAdmin}}
	if a.asks.Persona != "" {
		changes = append(changes, problem.Change{Field: "persona", To: a.asks.Persona})
	}
	changes = append(changes, setChanges("scopes", nil, a.asks.Scopes)...)
	return append(changes, a.accessChanges(sendgrid.Teammate{}, request.Teammate{})...)
}

// accessChanges returns how the access to subusers differs. SendGrid adds scopes to it, so what is not declared counts
// only where it is not known to be SendGrid's: kept is what was declared before, if that is known.
func (a *teammateAttempt) accessChanges(from sendgrid.Teammate, kept request.Teammate) []problem.Change {
	there := map[int64]sendgrid.SubuserAccess{}
	if from.HasRestrictedSubuserAccess {
		for _, s := range from.SubuserAccess {
			there[s.ID] = s
		}
	}
	var declared []string
	for i, g := range a.access.SubuserAccess {
		asks, seen := a.asks.Access[i], there[g.ID]
		to := sendgrid.SubuserAccess{Subuser: sendgrid.Subuser{ID: g.ID, Username: seen.Username}, PermissionType: g.PermissionType, Scopes: g.Scopes}
		if _, isID := asks.ID(); !isID {
			to.Username = asks.Subuser
		}
		before := slices.IndexFunc(kept.Access, func(k request.Access) bool {
			id, isID := k.ID()
			return k.Subuser == to.Username || isID && id == g.ID
		})
		if seen.PermissionType == g.PermissionType && len(without(g.Scopes, seen.Scopes)) == 0 && before >= 0 && len(without(kept.Access[before].Scopes, g.Scopes)) == 0 {
			delete(there, g.ID)
			continue
		}
		declared = append(declared, describe(to))
	}
	var gone []string
	for _, s := range there {
		gone = append(gone, describe(s))
	}
	slices.Sort(gone)
	slices.Sort(declared)
	return setChanges("subuser_access", gone, declared)
}

func orNull(text string) any {
	if text == "" {
		return nil
	}
	return text
}
