package request

import (
	"encoding/json"
	"slices"
	"strconv"
	"strings"
	"time"

	"sendgrid-sso-integration/sendgrid"
)

// Teammate is a person who should be able to log in. Of a request that removes or forgets one, only Email is set.
type Teammate struct {
	// Email is in lower case. It identifies the teammate.
	Email     string `json:"email"`
	FirstName string `json:"first_name,omitempty"`
	LastName  string `json:"last_name,omitempty"`
	// Exactly one of the following is set.
	IsAdmin bool     `json:"is_admin,omitempty"`
	Persona string   `json:"persona,omitempty"`
	Scopes  []string `json:"scopes,omitempty"`         // sorted
	Access  []Access `json:"subuser_access,omitempty"` // sorted
}

// Access is what a teammate may do in one subuser.
type Access struct {
	// Subuser is the name of the subuser, or its ID in decimal.
	Subuser        string   `json:"subuser"`
	PermissionType string   `json:"permission_type"`
	Scopes         []string `json:"scopes,omitempty"` // sorted
}

// ID returns the id of the subuser, and reports whether the request gave that.
func (a Access) ID() (id int64, given bool) {
	id, err := strconv.ParseInt(a.Subuser, 10, 64)
	return id, err == nil && id > 0
}

// Administers reports whether the teammate would administer the account or one of its subusers, or get a scope that
// changes SSO or teammates: whoever has one can make an administrator.
func (t Teammate) Administers() bool {
	return t.IsAdmin || slices.ContainsFunc(t.Scopes, administrative) || slices.ContainsFunc(t.Access, func(a Access) bool {
		return a.PermissionType == sendgrid.PermissionAdmin || slices.ContainsFunc(a.Scopes, administrative)
	})
}

// administrative reports whether a scope changes SSO or teammates.
func administrative(scope string) bool {
	scope = strings.ToLower(scope)
	return (strings.HasPrefix(scope, "sso.") || strings.HasPrefix(scope, "teammates.")) && !strings.HasSuffix(scope, ".read")
}

// Identity identifies what is declared: two declarations with the same identity are the same.
func (t Teammate) Identity() string { return digest([]any{"teammate", Text(t)}) }

// KeptTeammate is a declaration as the ledger keeps it while the teammate is managed.
type KeptTeammate struct {
	Teammate Teammate          `json:"teammate"`
	Metadata map[string]string `json:"metadata,omitempty"`
	// By is who sent the request, empty if that is not known, and At when it was applied.
	By string    `json:"by,omitempty"`
	At time.Time `json:"at"`
}

// String returns the text that the ledger keeps.
func (k KeptTeammate) String() string { return Text(k) }

// ParseKeptTeammate reads the text of a kept declaration. It reports false for one that this version cannot read.
func ParseKeptTeammate(text string) (KeptTeammate, bool) {
	var k KeptTeammate
	if text == "" || json.Unmarshal([]byte(text), &k) != nil || k.Teammate.Email == "" {
		return KeptTeammate{}, false
	}
	return k, true
}
