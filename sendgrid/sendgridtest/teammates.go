package sendgridtest

import (
	"cmp"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"sendgrid-sso-integration/sendgrid"
)

// maxTeammatesPage is the largest page, and the default.
const maxTeammatesPage = 500

// invited is how long an invitation is valid.
const invited = 7 * 24 * time.Hour

// Teammates returns the teammates of all accounts in the order of their creation.
func (s *Server) Teammates() []sendgrid.Teammate {
	s.mu.Lock()
	defer s.mu.Unlock()
	all := []sendgrid.Teammate{}
	for _, each := range s.teammates {
		if t, exists := each.now(); exists {
			all = append(all, cloneTeammate(t))
		}
	}
	return all
}

// AddTeammate adds a teammate to the account without a subuser, as if someone had added one in
// SendGrid's UI: one with a password, or the owner, where IsSSO and UserType say so. Unlike the API
// it takes any scopes. Where they are missing, the username is the email, and the type of user and
// the scopes of an administrator follow from IsAdmin.
func (s *Server) AddTeammate(t sendgrid.Teammate) sendgrid.Teammate {
	s.mu.Lock()
	defer s.mu.Unlock()
	t.Username = cmp.Or(t.Username, t.Email)
	t.IsAdmin = t.IsAdmin || t.UserType == sendgrid.UserTypeOwner
	t.UserType = cmp.Or(t.UserType, userType(t.IsAdmin))
	if t.IsAdmin && t.Scopes == nil {
		t.Scopes = assignable
	}
	return s.addTeammate("", t)
}

// AddPendingTeammate invites somebody who has not accepted yet. The list of teammates lacks them, and
// nobody with this email can be created.
func (s *Server) AddPendingTeammate(email string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.pending = append(s.pending, email)
}

// EditTeammate changes the teammate with an email, as if someone had edited it in SendGrid's UI, and
// reports whether there is one. The function must not call the server.
func (s *Server) EditTeammate(email string, edit func(*sendgrid.Teammate)) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	found := s.teammateOf("", email)
	if found == nil {
		return false
	}
	t, _ := found.now()
	t = cloneTeammate(t)
	edit(&t)
	found.set(cloneTeammate(t))
	return true
}

// DeleteTeammate deletes the teammate with an email and reports whether there was one.
func (s *Server) DeleteTeammate(email string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	found := s.teammateOf("", email)
	if found == nil {
		return false
	}
	found.delete()
	return true
}

// addTeammate stores a teammate, and returns a copy.
func (s *Server) addTeammate(account string, t sendgrid.Teammate) sendgrid.Teammate {
	s.teammates = append(s.teammates, newHistory(account, cloneTeammate(t)))
	return cloneTeammate(t)
}

// teammateOf returns the teammate of an account with an email, nil where there is none now.
func (s *Server) teammateOf(account, email string) *history[sendgrid.Teammate] {
	for _, each := range s.teammates {
		if t, exists := each.now(); exists && each.account == account && strings.EqualFold(t.Email, email) {
			return each
		}
	}
	return nil
}

// named reports whether a path that ends in a name is about a teammate. It is the email of an SSO
// teammate, even if the username differs.
func named(t sendgrid.Teammate, name string) bool {
	if t.SSO() {
		return strings.EqualFold(t.Email, name)
	}
	return strings.EqualFold(t.Username, name)
}

// taken reports whether an email is a teammate's, or that of a pending invitation.
func (s *Server) taken(account, email string) bool {
	return s.teammateOf(account, email) != nil ||
		account == "" && slices.ContainsFunc(s.pending, func(pending string) bool { return strings.EqualFold(pending, email) })
}

func (s *Server) listTeammates(c *call) response {
	all := []any{}
	for _, each := range s.teammates {
		if t, exists := each.before(s.listLag); exists && each.account == c.account {
			all = append(all, showTeammate(t))
		}
	}
	from := c.number("offset", 0, len(all))
	to := min(from+c.number("limit", maxTeammatesPage, maxTeammatesPage), len(all))
	return jsonResponse(http.StatusOK, map[string]any{"result": all[from:to]})
}

// listPending lists the invitations. Each has the scopes that it gives, and a token.
func (s *Server) listPending(c *call) response {
	all := []any{}
	for _, email := range s.pending {
		if c.account == "" {
			all = append(all, map[string]any{"email": email, "scopes": []string{}, "is_admin": false, "token": "token-of-" + email, "expiration_date": time.Now().Add(invited).Unix()})
		}
	}
	return jsonResponse(http.StatusOK, map[string]any{"result": all})
}

func (s *Server) getTeammate(c *call) response {
	t, exists := s.shownTeammate(c)
	if !exists {
		return c.refusal(http.StatusNotFound, "username not found")
	}
	shown := showTeammate(t)
	shown["scopes"] = append([]string{}, t.Scopes...) // Never null.
	return jsonResponse(http.StatusOK, shown)
}

// shownTeammate returns the teammate that a request names, as a read of one shows it.
func (s *Server) shownTeammate(c *call) (t sendgrid.Teammate, exists bool) {
	for _, each := range s.teammates {
		if t, exists := each.before(s.getLag); exists && each.account == c.account && named(t, c.id) {
			return t, true
		}
	}
	return t, false
}

// deleteTeammate deletes a teammate, but not the owner of the account.
func (s *Server) deleteTeammate(c *call) response {
	for _, each := range s.teammates {
		t, exists := each.now()
		switch {
		case !exists || each.account != c.account || !named(t, c.id):
		case t.UserType == sendgrid.UserTypeOwner:
			return c.refusal(http.StatusForbidden, "access forbidden")
		default:
			each.delete()
			return response{status: http.StatusNoContent}
		}
	}
	return c.refusal(http.StatusNotFound, "username not found")
}

// showTeammate returns a teammate as a list shows it. How one logs in is missing where it is not
// known, and no response has the persona.
func showTeammate(t sendgrid.Teammate) map[string]any {
	shown := map[string]any{
		"username": t.Username, "email": t.Email, "first_name": t.FirstName, "last_name": t.LastName,
		"user_type": t.UserType, "is_admin": t.IsAdmin,
	}
	if t.IsSSO != nil {
		shown["is_sso"] = *t.IsSSO
	}
	if t.IsReadOnly {
		shown["is_read_only"] = true
	}
	return shown
}

func userType(isAdmin bool) string {
	if isAdmin {
		return "admin"
	}
	return "teammate"
}

// cloneTeammate copies a teammate with what it points to, so that no caller shares it.
func cloneTeammate(t sendgrid.Teammate) sendgrid.Teammate {
	if t.IsSSO != nil {
		t.IsSSO = new(*t.IsSSO)
	}
	t.Scopes = slices.Clone(t.Scopes)
	t.SubuserAccess = slices.Clone(t.SubuserAccess)
	for i := range t.SubuserAccess {
		t.SubuserAccess[i].Scopes = slices.Clone(t.SubuserAccess[i].Scopes)
	}
	return t
}

// number returns a parameter of the query, the default where it is no number from 0 up to a maximum.
func (c *call) number(name string, otherwise, maximum int) int {
	n, err := strconv.Atoi(c.parameter(name))
	if err != nil || n < 0 {
		return otherwise
	}
	return min(n, maximum)
}

// parameter returns a parameter of the query, empty where there is none.
func (c *call) parameter(name string) string {
	query, _ := url.ParseQuery(c.request.RawQuery) // What can be parsed of it.
	return query.Get(name)
}
