package sendgrid

import (
	"cmp"
	"net/http"
	"slices"
	"strings"
)

// Op names an operation of the API, in errors, logs and metrics.
type Op string

// The operations of this client.
const (
	OpCreateIntegration Op = "create integration"
	OpListIntegrations  Op = "list integrations"
	OpGetIntegration    Op = "get integration"
	OpUpdateIntegration Op = "update integration"
	OpDeleteIntegration Op = "delete integration"
	OpCreateCertificate Op = "create certificate"
	OpListCertificates  Op = "list certificates"
	OpDeleteCertificate Op = "delete certificate"
	OpListScopes        Op = "list scopes"
	OpCreateTeammate    Op = "create teammate"
	OpUpdateTeammate    Op = "update teammate"
	OpListTeammates     Op = "list teammates"
	OpListPending       Op = "list pending teammates"
	OpGetTeammate       Op = "get teammate"
	OpDeleteTeammate    Op = "delete teammate"
	OpListSubuserAccess Op = "list subuser access"
	OpFindSubuser       Op = "find subuser"
)

// The operations on one certificate, which this client does not make. The simulator carries
// them out, because people make them by hand.
const (
	OpGetCertificate    Op = "get certificate"
	OpUpdateCertificate Op = "update certificate"
)

// The scopes that an API key needs for the operations.
//
// https://www.twilio.com/docs/sendgrid/api-reference/how-to-use-the-sendgrid-v3-api/authorization
const (
	ScopeCreate = "sso.settings.create"
	ScopeRead   = "sso.settings.read"
	ScopeUpdate = "sso.settings.update"
	ScopeDelete = "sso.settings.delete"

	ScopeTeammatesCreate = "sso.teammates.create"
	ScopeTeammatesUpdate = "sso.teammates.update"
	ScopeTeammatesRead   = "teammates.read"
	ScopeTeammatesDelete = "teammates.delete"
	ScopeSubusersRead    = "subusers.read"
)

// traits are what the rest of the code has to know about an operation.
type traits struct {
	op     Op
	words  string
	method string
	scope  string
	// idempotent operations may be repeated when it is unknown whether they were carried out.
	idempotent bool
}

// operations is the one place that a new operation is added to.
var operations = []traits{
	{OpCreateIntegration, "create an integration", http.MethodPost, ScopeCreate, false},
	{OpListIntegrations, "list the integrations", http.MethodGet, ScopeRead, true},
	{OpGetIntegration, "read an integration", http.MethodGet, ScopeRead, true},
	{OpUpdateIntegration, "update an integration", http.MethodPatch, ScopeUpdate, true},
	{OpDeleteIntegration, "delete an integration", http.MethodDelete, ScopeDelete, true},
	{OpCreateCertificate, "add a certificate", http.MethodPost, ScopeCreate, false},
	{OpListCertificates, "list the certificates", http.MethodGet, ScopeRead, true},
	{OpDeleteCertificate, "delete a certificate", http.MethodDelete, ScopeDelete, true},
	{OpListScopes, "list the scopes of the API key", http.MethodGet, "", true},
	{OpCreateTeammate, "create a teammate", http.MethodPost, ScopeTeammatesCreate, false},
	{OpUpdateTeammate, "update a teammate", http.MethodPatch, ScopeTeammatesUpdate, true},
	{OpListTeammates, "list the teammates", http.MethodGet, ScopeTeammatesRead, true},
	{OpListPending, "list the invitations of teammates", http.MethodGet, ScopeTeammatesRead, true},
	{OpGetTeammate, "read a teammate", http.MethodGet, ScopeTeammatesRead, true},
	{OpDeleteTeammate, "delete a teammate", http.MethodDelete, ScopeTeammatesDelete, true},
	{OpListSubuserAccess, "list the subusers of a teammate", http.MethodGet, ScopeTeammatesRead, true},
	{OpFindSubuser, "find a subuser", http.MethodGet, ScopeSubusersRead, true},
}

// byHand are the operations that this client does not make.
var byHand = []traits{
	{OpGetCertificate, "read a certificate", http.MethodGet, ScopeRead, true},
	{OpUpdateCertificate, "update a certificate", http.MethodPatch, ScopeUpdate, true},
}

// Ops returns every operation of this client.
func Ops() []Op {
	ops := make([]Op, 0, len(operations))
	for _, each := range operations {
		ops = append(ops, each.op)
	}
	return ops
}

// Words returns the operation as it continues "to", for a message to a person; the operation
// itself for an unknown one.
func (op Op) Words() string { return cmp.Or(op.traits().words, string(op)) }

// Scope returns the scope that an API key needs for the operation, empty if it needs none.
func (op Op) Scope() string { return op.traits().scope }

// Writes reports whether the operation changes something. It is false for an unknown one.
func (op Op) Writes() bool { return op.traits().method != "" && op.traits().method != http.MethodGet }

// Idempotent reports whether repeating the operation has no further effect. It is false for
// an unknown operation.
func (op Op) Idempotent() bool { return op.traits().idempotent }

// OfTeammates reports whether the operation is about teammates or what they may do.
func (op Op) OfTeammates() bool {
	return strings.HasPrefix(op.Scope(), "sso.teammates.") || strings.HasPrefix(op.Scope(), "teammates.") || op.Scope() == ScopeSubusersRead
}

func (op Op) traits() traits {
	for _, each := range slices.Concat(operations, byHand) {
		if each.op == op {
			return each
		}
	}
	return traits{}
}
