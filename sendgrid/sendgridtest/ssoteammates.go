package sendgridtest

import (
	"net/http"
	"slices"
	"strings"

	"sendgrid-sso-integration/sendgrid"
)

// teammateFields is the body of a create or an update request.
type teammateFields struct {
	email, firstName, lastName, persona string
	isAdmin, restricted                 bool
	scopes                              []string
	access                              []sendgrid.SubuserGrant
}

func decodeTeammate(d *decoder) (in teammateFields) {
	d.require("first_name", &in.firstName)
	d.require("last_name", &in.lastName)
	d.accept("is_admin", &in.isAdmin)
	d.accept("persona", &in.persona)
	d.accept("scopes", &in.scopes)
	d.accept("has_restricted_subuser_access", &in.restricted)
	d.accept("subuser_access", &in.access)
	return in
}

// createTeammate creates an SSO teammate. Where a scope of a subuser is not valid, it drops all
// access to subusers, and says nothing.
func (s *Server) createTeammate(c *call) response {
	d := newDecoder(c.body)
	in := decodeTeammate(d)
	d.require("email", &in.email)
	switch {
	case !strings.Contains(in.email, "@") && len(d.problems) == 0:
		d.report("email", "must be an email address")
	case s.taken(c.account, in.email):
		d.report("email", "a teammate with this email already exists")
	}
	if !in.isAdmin && !d.has("persona") && !d.has("scopes") && !d.has("subuser_access") {
		d.report("scopes", "scopes cannot be empty")
	}
	if len(d.problems) == 0 {
		s.checkAccess(d, in)
	}
	if len(d.problems) > 0 {
		return jsonResponse(http.StatusBadRequest, d.problems)
	}
	if hasInvalidScope(in.access) {
		in.restricted, in.access = false, nil
	}
	t := sendgrid.Teammate{Username: in.email, Email: in.email, IsSSO: new(true)}
	s.apply(&t, d, in)
	return jsonResponse(http.StatusCreated, showSSOTeammate(s.addTeammate(c.account, t)))
}

// updateTeammate changes what is sent, and leaves the rest as it is: who is an administrator remains
// one, whatever the scopes, until is_admin is false. It replaces the whole access to subusers.
func (s *Server) updateTeammate(c *call) response {
	found := s.teammateOf(c.account, c.id)
	if found == nil {
		return c.refusal(http.StatusNotFound, "username not found")
	}
	t, _ := found.now()
	if !t.SSO() {
		return c.refusal(http.StatusNotFound, "username not found")
	}
	t = cloneTeammate(t)
	d := newDecoder(c.body)
	in := decodeTeammate(d)
	if !d.has("is_admin") {
		in.isAdmin = t.IsAdmin
	}
	if !d.has("has_restricted_subuser_access") {
		in.restricted = t.HasRestrictedSubuserAccess
	}
	if len(d.problems) == 0 {
		s.checkAccess(d, in)
	}
	switch {
	case len(d.problems) > 0:
		return jsonResponse(http.StatusBadRequest, d.problems)
	case hasInvalidScope(in.access):
		return c.refusal(http.StatusInternalServerError, "invalid scopes provided")
	}
	s.apply(&t, d, in)
	found.set(t)
	return jsonResponse(http.StatusOK, showSSOTeammate(t))
}

// checkAccess reports the access that SendGrid refuses, by what it says or by its reference.
func (s *Server) checkAccess(d *decoder, in teammateFields) {
	if d.has("scopes") && len(in.scopes) == 0 {
		d.report("scopes", "scopes cannot be empty")
	}
	if !allAssignable(in.scopes) {
		d.report("scopes", "invalid or unassignable scopes were given")
	}
	if d.has("persona") && !slices.Contains(sendgrid.Personas(), in.persona) {
		d.report("persona", "must be accountant, developer, marketer or observer")
	}
	given := len(in.scopes) > 0 || d.has("persona")
	switch {
	case in.restricted && given:
		d.report("scopes", "cannot specify scopes for a restricted subuser access teammate")
	case in.restricted && in.isAdmin:
		d.report("is_admin", "a restricted subuser access teammate cannot be an admin")
	case in.isAdmin && d.has("is_admin") && given, len(in.scopes) > 0 && d.has("persona"):
		d.report("scopes", "only one of is_admin, persona and scopes can be specified")
	case !in.restricted && len(in.access) > 0:
		d.report("has_restricted_subuser_access", "must be true where there is subuser_access")
	}
	for _, grant := range in.access {
		if grant.PermissionType != sendgrid.PermissionAdmin && grant.PermissionType != sendgrid.PermissionRestricted {
			d.report("subuser_access", "permission_type must be admin or restricted")
		}
		if s.subuser(grant.ID) == nil {
			d.report("subuser_access", "the subuser does not exist")
		}
	}
}

// hasInvalidScope reports whether the access to a subuser has a scope that no teammate can be given.
func hasInvalidScope(access []sendgrid.SubuserGrant) bool {
	return slices.ContainsFunc(access, func(grant sendgrid.SubuserGrant) bool { return !allAssignable(grant.Scopes) })
}

// apply makes a teammate what a request asks for.
func (s *Server) apply(t *sendgrid.Teammate, d *decoder, in teammateFields) {
	demoted := t.IsAdmin && !in.isAdmin
	t.FirstName, t.LastName = in.firstName, in.lastName
	t.IsAdmin, t.UserType, t.HasRestrictedSubuserAccess = in.isAdmin, userType(in.isAdmin), in.restricted
	switch {
	case in.isAdmin:
		t.Scopes = withOthers(assignable, ownScopes)
	case d.has("persona"):
		t.Scopes = withOthers(personaScopes[in.persona], ownScopes)
	case d.has("scopes"):
		t.Scopes = withOthers(in.scopes, ownScopes)
	case in.restricted, demoted, t.Scopes == nil:
		t.Scopes = withOthers(nil, ownScopes)
	}
	if d.has("subuser_access") || !in.restricted {
		t.SubuserAccess = nil
		for _, grant := range in.access {
			t.SubuserAccess = append(t.SubuserAccess, s.granted(grant))
		}
	}
}

// granted returns the access that a grant gives. An administrator's has no scopes.
func (s *Server) granted(grant sendgrid.SubuserGrant) sendgrid.SubuserAccess {
	access := sendgrid.SubuserAccess{Subuser: *s.subuser(grant.ID), PermissionType: grant.PermissionType}
	if grant.PermissionType == sendgrid.PermissionRestricted {
		access.Scopes = withOthers(grant.Scopes, subuserBaseline)
	}
	return access
}

// showSSOTeammate returns a teammate as the response to a create or an update shows it: without
// subuser_access where there is none.
func showSSOTeammate(t sendgrid.Teammate) map[string]any {
	shown := showTeammate(t)
	shown["scopes"], shown["has_restricted_subuser_access"] = t.Scopes, t.HasRestrictedSubuserAccess
	if len(t.SubuserAccess) > 0 {
		shown["subuser_access"] = t.SubuserAccess
	}
	return shown
}
