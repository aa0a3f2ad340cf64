package sendgridtest

import (
	"cmp"
	"net/http"
	"slices"
	"strings"

	"sendgrid-sso-integration/sendgrid"
)

const (
	// firstSubuserID is the number of the first subuser; SendGrid's are as long.
	firstSubuserID = 57132954
	// subusersPage is the default of a page, and maxSubusersPage the largest.
	subusersPage, maxSubusersPage = 100, 500
)

// AddSubuser adds a subuser. One without an id gets one.
func (s *Server) AddSubuser(in sendgrid.Subuser) sendgrid.Subuser {
	s.mu.Lock()
	defer s.mu.Unlock()
	in.ID = cmp.Or(in.ID, firstSubuserID+int64(len(s.subusers)))
	s.subusers = append(s.subusers, in)
	return in
}

// subuser returns the subuser with an id, nil where there is none.
func (s *Server) subuser(id int64) *sendgrid.Subuser {
	for i := range s.subusers {
		if s.subusers[i].ID == id {
			return &s.subusers[i]
		}
	}
	return nil
}

// findSubusers lists the subusers whose name begins like that of the request: the filter is not
// documented to be exact.
func (s *Server) findSubusers(c *call) response {
	found := []any{}
	for _, each := range s.subusers {
		if strings.HasPrefix(each.Username, c.parameter("username")) {
			found = append(found, map[string]any{"id": each.ID, "username": each.Username, "email": each.Email, "disabled": each.Disabled})
		}
	}
	from := c.number("offset", 0, len(found))
	to := min(from+c.number("limit", subusersPage, maxSubusersPage), len(found))
	return jsonResponse(http.StatusOK, found[from:to])
}

// listSubuserAccess lists the access of a teammate, by the numbers of the subusers. An administrator
// has access to all of them.
func (s *Server) listSubuserAccess(c *call) response {
	t, exists := s.shownTeammate(c)
	if !exists {
		return c.refusal(http.StatusNotFound, "username not found")
	}
	access := slices.Clone(t.SubuserAccess)
	if t.IsAdmin {
		access = nil
		for _, each := range s.subusers {
			access = append(access, sendgrid.SubuserAccess{Subuser: each, PermissionType: sendgrid.PermissionAdmin})
		}
	}
	slices.SortFunc(access, func(a, b sendgrid.SubuserAccess) int { return cmp.Compare(a.ID, b.ID) })
	after := int64(c.number("after_subuser_id", 0, 1<<31-1))
	from := slices.IndexFunc(access, func(a sendgrid.SubuserAccess) bool { return a.ID > after })
	if from < 0 {
		from = len(access)
	}
	limit := c.number("limit", subusersPage, maxSubusersPage)
	to := min(from+limit, len(access))
	page := append([]sendgrid.SubuserAccess{}, access[from:to]...) // Never null.
	metadata := map[string]any{}
	if to < len(access) && to > from {
		metadata["next_params"] = map[string]any{"limit": limit, "after_subuser_id": access[to-1].ID}
	}
	return jsonResponse(http.StatusOK, map[string]any{
		"has_restricted_subuser_access": t.HasRestrictedSubuserAccess, "subuser_access": page, "_metadata": metadata,
	})
}
