package sendgridtest_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"sendgrid-sso-integration/internal/keytest"
	"sendgrid-sso-integration/sendgrid"
	"sendgrid-sso-integration/sendgrid/sendgridtest"
)

const teammates = "/v3/teammates"

// listed returns the emails that a list shows.
func listed(t *testing.T, s *sendgridtest.Server, query string, header ...string) []string {
	t.Helper()
	emails := []string{}
	for _, row := range decode[map[string][]map[string]any](t, send(t, s, http.MethodGet, teammates+query, "", header...))["result"] {
		emails = append(emails, row["email"].(string))
	}
	return emails
}

// errorsOf returns the messages of a response whose errors have an object around them.
func errorsOf(t *testing.T, w *httptest.ResponseRecorder) []string {
	t.Helper()
	messages := []string{}
	for _, each := range decode[map[string][]map[string]any](t, w)["errors"] {
		messages = append(messages, each["message"].(string))
	}
	return messages
}

func TestTeammatesAreShown(t *testing.T) {
	t.Parallel()
	s := sendgridtest.New()
	require.Empty(t, listed(t, s, ""))
	s.AddTeammate(sendgrid.Teammate{Username: "boss", Email: "owner@example.com", FirstName: "O", LastName: "Wner", UserType: sendgrid.UserTypeOwner})
	s.AddTeammate(sendgrid.Teammate{Username: "pw", Email: "pw@example.com", IsSSO: new(false), Scopes: []string{"mail.send"}})
	s.AddTeammate(sendgrid.Teammate{Email: "sso@example.com", IsSSO: new(true), IsAdmin: true, IsReadOnly: true, Scopes: []string{}})
	s.AddPendingTeammate("pending@example.com")

	row := func(username, email, kind string, admin bool) map[string]any {
		return map[string]any{"username": username, "email": email, "first_name": "", "last_name": "", "user_type": kind, "is_admin": admin}
	}
	owner, password, sso := row("boss", "owner@example.com", "owner", true), row("pw", "pw@example.com", "teammate", false), row("sso@example.com", "sso@example.com", "admin", true)
	owner["first_name"], owner["last_name"] = "O", "Wner"
	password["is_sso"], sso["is_sso"], sso["is_read_only"] = false, true, true
	require.Equal(t, []map[string]any{owner, password, sso}, decode[map[string][]map[string]any](t, send(t, s, http.MethodGet, teammates, ""))["result"])

	get := func(name string) map[string]any {
		return decode[map[string]any](t, send(t, s, http.MethodGet, teammates+"/"+name, ""))
	}
	shown := get("BOSS")
	require.Greater(t, len(shown["scopes"].([]any)), 200, "the owner has all")
	delete(shown, "scopes")
	require.Equal(t, owner, shown)
	require.Equal(t, []any{"mail.send"}, get("pw")["scopes"])
	require.Equal(t, []any{}, get("SSO@example.com")["scopes"])
	require.Equal(t, []string{"username not found"}, errorsOf(t, send(t, s, http.MethodGet, teammates+"/pending@example.com", "")))
	require.Equal(t, []string{"pending@example.com"}, listed(t, s, "/pending"))
	require.Empty(t, listed(t, s, "/pending", "On-Behalf-Of", "subuser"))
	require.Equal(t, http.StatusNotFound, send(t, s, http.MethodGet, teammates+"/boss", "", "On-Behalf-Of", "subuser").Code)
	require.Empty(t, listed(t, s, "", "On-Behalf-Of", "subuser"))
}

func TestTeammatesPages(t *testing.T) {
	t.Parallel()
	s := sendgridtest.New()
	for i := range 502 {
		s.AddTeammate(sendgrid.Teammate{Email: fmt.Sprint(i)})
	}
	for query, want := range map[string][3]any{ // how many, the first and the last
		"": {500, "0", "499"}, "?limit=2": {2, "0", "1"}, "?limit=2&offset=500": {2, "500", "501"}, "?offset=501": {1, "501", "501"},
		"?limit=1000": {500, "0", "499"}, "?limit=x&offset=-1": {500, "0", "499"},
	} {
		got := listed(t, s, query)
		require.Equal(t, want, [3]any{len(got), got[0], got[len(got)-1]}, query)
	}
	require.Empty(t, listed(t, s, "?offset=502"))
	require.Empty(t, listed(t, s, "?offset=9999"))
	require.Empty(t, listed(t, s, "?limit=0"))
}

// The name is the username, but the email of those who log in by SSO.
func TestDeleteTeammate(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		path   string
		status int
		header []string
	}{
		"by a username":                      {"/PW", 204, nil},
		"by the email of one with SSO":       {"/SSO@example.com", 204, nil},
		"not by the username of that":        {"/sso", 404, nil},
		"not by the email of another":        {"/pw@example.com", 404, nil},
		"not the owner":                      {"/owner", 403, nil},
		"not an invitation":                  {"/pending@example.com", 404, nil},
		"nobody":                             {"/nobody", 404, nil},
		"not for another account":            {"/pw", 404, []string{"On-Behalf-Of", "subuser"}},
		"not with the scope of integrations": {"/pw", 403, []string{"Authorization", "Bearer deleter"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := sendgridtest.New()
			s.SetScopes("deleter", sendgrid.ScopeDelete)
			s.AddTeammate(sendgrid.Teammate{Username: "owner", Email: "owner@example.com", UserType: sendgrid.UserTypeOwner})
			s.AddTeammate(sendgrid.Teammate{Username: "pw", Email: "pw@example.com"})
			s.AddTeammate(sendgrid.Teammate{Username: "sso", Email: "sso@example.com", IsSSO: new(true)})
			s.AddPendingTeammate("pending@example.com")
			w := send(t, s, http.MethodDelete, teammates+tt.path, "", tt.header...)
			require.Equal(t, tt.status, w.Code)
			if tt.status == http.StatusNoContent {
				require.Empty(t, w.Body.String())
				require.Len(t, s.Teammates(), 2)
				require.Equal(t, http.StatusNotFound, send(t, s, http.MethodDelete, teammates+tt.path, "").Code)
				return
			}
			require.NotEmpty(t, errorsOf(t, w))
			require.Len(t, s.Teammates(), 3)
		})
	}
}

func TestTeammatesLag(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := sendgridtest.New()
		s.SetLag(5*time.Second, 2*time.Second)
		added := s.AddTeammate(sendgrid.Teammate{Email: "a@example.com", FirstName: "A", IsSSO: new(true)})
		shows := func() [2]int {
			return [2]int{len(listed(t, s, "")), send(t, s, http.MethodGet, teammates+"/a@example.com", "").Code}
		}
		require.Equal(t, [2]int{0, 404}, shows())
		require.Equal(t, 404, send(t, s, http.MethodGet, teammates+"/a@example.com/subuser_access", "").Code)
		time.Sleep(2 * time.Second)
		require.Equal(t, [2]int{0, 200}, shows())
		require.Equal(t, 200, send(t, s, http.MethodGet, teammates+"/a@example.com/subuser_access", "").Code)
		time.Sleep(3 * time.Second)
		require.Equal(t, [2]int{1, 200}, shows())

		require.True(t, s.EditTeammate("A@example.com", func(t *sendgrid.Teammate) { t.FirstName, *t.IsSSO = "B", false }))
		require.True(t, *added.IsSSO, "it is a copy")
		require.Equal(t, "B", s.Teammates()[0].FirstName)
		require.False(t, s.Teammates()[0].SSO())
		require.True(t, s.DeleteTeammate("A@example.com"))
		require.False(t, s.DeleteTeammate("a@example.com"))
		require.False(t, s.EditTeammate("a@example.com", func(*sendgrid.Teammate) { t.Error("edited who is not there") }))
		require.Empty(t, s.Teammates())
		require.Equal(t, [2]int{1, 200}, shows())
		time.Sleep(2 * time.Second)
		require.Equal(t, [2]int{1, 404}, shows())
		time.Sleep(3 * time.Second)
		require.Equal(t, [2]int{0, 404}, shows())
	})
}

// The client reads all of a list, whatever the pages.
func TestClientReadsAllPages(t *testing.T) {
	t.Parallel()
	s := sendgridtest.New()
	restricted := sendgrid.Teammate{Email: "restricted@example.com", IsSSO: new(true), HasRestrictedSubuserAccess: true}
	for i := range 305 {
		username := fmt.Sprint("sub", i)
		if i == 304 {
			username = "sub" // Like all of them begin.
		}
		subuser := s.AddSubuser(sendgrid.Subuser{Username: username})
		restricted.SubuserAccess = append(restricted.SubuserAccess, sendgrid.SubuserAccess{Subuser: subuser, PermissionType: sendgrid.PermissionAdmin})
	}
	s.AddTeammate(restricted)
	for i := range 1000 {
		s.AddTeammate(sendgrid.Teammate{Email: fmt.Sprint(i), IsAdmin: true})
	}
	server := httptest.NewServer(s)
	t.Cleanup(server.Close)
	c := &sendgrid.Client{Keys: keytest.Fixed("key"), BaseURL: server.URL}

	all, err := c.ListTeammates(t.Context())
	require.NoError(t, err)
	require.Len(t, all, 1001)
	require.Equal(t, "999", all[1000].Email)
	require.Equal(t, 3, s.Count(sendgrid.OpListTeammates))

	list, err := c.ListSubuserAccess(t.Context(), "restricted@example.com")
	require.NoError(t, err)
	require.Equal(t, &sendgrid.SubuserAccessList{Restricted: true, Subusers: restricted.SubuserAccess}, list)
	require.Equal(t, 4, s.Count(sendgrid.OpListSubuserAccess))
	list, err = c.ListSubuserAccess(t.Context(), "7")
	require.NoError(t, err)
	require.Equal(t, &sendgrid.SubuserAccessList{}, list, "an administrator is not restricted")

	subuser, exists, err := c.FindSubuser(t.Context(), "sub")
	require.NoError(t, err)
	require.True(t, exists)
	require.Equal(t, restricted.SubuserAccess[304].Subuser, subuser)
	require.Equal(t, 4, s.Count(sendgrid.OpFindSubuser))
	_, exists, err = c.FindSubuser(t.Context(), "su")
	require.NoError(t, err)
	require.False(t, exists)
}

// A fault leaves fields out of each teammate of a list.
func TestOmitInAListOfTeammates(t *testing.T) {
	t.Parallel()
	s := sendgridtest.New()
	s.AddTeammate(sendgrid.Teammate{Email: "a@example.com", IsSSO: new(true)})
	s.Script(sendgridtest.Fault{Op: sendgrid.OpListTeammates, Omit: []string{"is_sso", "result"}})
	rows := decode[map[string][]map[string]any](t, send(t, s, http.MethodGet, teammates, ""))["result"]
	require.Len(t, rows, 1)
	require.NotContains(t, rows[0], "is_sso")
	require.Equal(t, "a@example.com", rows[0]["email"])
}
