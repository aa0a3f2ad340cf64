package sendgridtest_test

import (
	"fmt"
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"sendgrid-sso-integration/sendgrid"
	"sendgrid-sso-integration/sendgrid/sendgridtest"
)

const subusers = "/v3/subusers"

func TestFindSubusers(t *testing.T) {
	t.Parallel()
	s := sendgridtest.New()
	first := s.AddSubuser(sendgrid.Subuser{Username: "acme", Email: "acme@example.com"})
	require.Equal(t, int64(57132954), first.ID)
	second := s.AddSubuser(sendgrid.Subuser{Username: "acme-eu", Disabled: true})
	other := s.AddSubuser(sendgrid.Subuser{ID: 7, Username: "other"})
	for query, want := range map[string][]sendgrid.Subuser{
		"": {first, second, other}, "?username=acme": {first, second}, "?username=acme-eu": {second}, "?username=ACME": {}, "?username=acme&offset=1": {second},
		"?limit=1": {first}, "?limit=1&offset=2": {other}, "?offset=3": {},
	} {
		require.Equal(t, want, decode[[]sendgrid.Subuser](t, send(t, s, http.MethodGet, subusers+query, "")), query)
	}
	require.Equal(t, map[string]any{"id": 7., "username": "other", "email": "", "disabled": false}, decode[[]map[string]any](t, send(t, s, http.MethodGet, subusers, ""))[2])
	require.Equal(t, []string{"The provided authorization grant is invalid, expired, or revoked"}, errorsOf(t, send(t, s, http.MethodGet, subusers, "", "Authorization", "")))
}

func TestListSubuserAccessOfTeammates(t *testing.T) {
	t.Parallel()
	s := account(t)
	get := func(name, query string) map[string]any {
		return decode[map[string]any](t, send(t, s, http.MethodGet, teammates+"/"+name+"/subuser_access"+query, ""))
	}
	restricted := map[string]any{
		"id": 1., "username": "one", "email": "one@example.com", "disabled": false, "permission_type": "restricted",
		"scopes": []any{"stats.read", "user.account.read", "user.profile.read", "user.username.read"},
	}
	require.Equal(t, map[string]any{"has_restricted_subuser_access": true, "subuser_access": []any{restricted}, "_metadata": map[string]any{}}, get("restricted@example.com", ""))
	require.Equal(t, map[string]any{"has_restricted_subuser_access": false, "subuser_access": []any{}, "_metadata": map[string]any{}}, get("scoped@example.com", ""))
	all := get("admin@example.com", "")
	require.Equal(t, false, all["has_restricted_subuser_access"])
	require.Len(t, all["subuser_access"], 2, "an administrator has them all")
	require.NotContains(t, all["subuser_access"].([]any)[0], "scopes")
	require.Equal(t, []string{"username not found"}, errorsOf(t, send(t, s, http.MethodGet, teammates+"/nobody/subuser_access", "")))
}

func TestSubuserAccessPages(t *testing.T) {
	t.Parallel()
	s := sendgridtest.New()
	teammate := sendgrid.Teammate{Email: "a@example.com", IsSSO: new(true), HasRestrictedSubuserAccess: true}
	for i := 205; i > 0; i-- {
		teammate.SubuserAccess = append(teammate.SubuserAccess, sendgrid.SubuserAccess{Subuser: sendgrid.Subuser{ID: int64(i)}, PermissionType: sendgrid.PermissionAdmin})
	}
	s.AddTeammate(teammate)
	for query, want := range map[string]string{ // from, to, and where the next begins
		"": "1 100 100 100", "?after_subuser_id=100": "101 200 200 100", "?after_subuser_id=200": "201 205 <nil> <nil>",
		"?limit=500": "1 205 <nil> <nil>", "?limit=5&after_subuser_id=200": "201 205 <nil> <nil>", "?limit=4&after_subuser_id=200": "201 204 204 4",
	} {
		response := decode[map[string]any](t, send(t, s, http.MethodGet, teammates+"/a@example.com/subuser_access"+query, ""))
		rows := response["subuser_access"].([]any)
		next, _ := response["_metadata"].(map[string]any)["next_params"].(map[string]any)
		got := fmt.Sprintln(rows[0].(map[string]any)["id"], rows[len(rows)-1].(map[string]any)["id"], next["after_subuser_id"], next["limit"])
		require.Equal(t, want+"\n", got, query)
	}
	response := decode[map[string]any](t, send(t, s, http.MethodGet, teammates+"/a@example.com/subuser_access?after_subuser_id=205", ""))
	require.Equal(t, []any{}, response["subuser_access"])
	require.Equal(t, map[string]any{}, response["_metadata"])
}
