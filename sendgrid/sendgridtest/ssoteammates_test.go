package sendgridtest_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"sendgrid-sso-integration/sendgrid"
	"sendgrid-sso-integration/sendgrid/sendgridtest"
)

const ssoTeammates = "/v3/sso/teammates"

// own are the scopes that SendGrid adds.
const own = "2fa_exempt sender_verification_eligible sender_verification_legacy"

// account is a server with two subusers, an administrator and a teammate of each kind.
func account(t *testing.T) *sendgridtest.Server {
	t.Helper()
	s := sendgridtest.New()
	for i, name := range []string{"one", "two"} {
		s.AddSubuser(sendgrid.Subuser{ID: int64(i + 1), Username: name, Email: name + "@example.com"})
	}
	s.AddTeammate(sendgrid.Teammate{Username: "pw", Email: "pw@example.com", IsSSO: new(false)})
	s.AddTeammate(sendgrid.Teammate{Email: "unknown@example.com"})
	s.AddPendingTeammate("pending@example.com")
	for email, access := range map[string]string{
		"admin": `"is_admin":true`, "scoped": `"scopes":["mail.send"]`,
		"restricted": `"has_restricted_subuser_access":true,"subuser_access":[{"id":1,"permission_type":"restricted","scopes":["stats.read"]}]`,
	} {
		require.Equal(t, http.StatusCreated, send(t, s, http.MethodPost, ssoTeammates, teammateBody(email+"@example.com", access)).Code)
	}
	return s
}

func teammateBody(email, access string) string {
	body := `{"first_name":"Jane","last_name":"Doe"`
	if email != "" {
		body += `,"email":"` + email + `"`
	}
	if access != "" {
		body += "," + access
	}
	return body + "}"
}

// summary is what matters of a response.
type summary struct {
	Status     int
	Kind       string
	Scopes     string // an administrator's in one word
	Restricted bool
	Subusers   []string
}

func TestCreateTeammate(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		access string
		want   summary
	}{
		"an administrator": {`"is_admin":true`, summary{Kind: "admin", Scopes: "all"}},
		"a persona":        {`"persona":"observer"`, summary{Kind: "teammate", Scopes: "2fa_exempt messages.read sender_verification_eligible sender_verification_legacy stats.read"}},
		"scopes":           {`"scopes":["stats.read","mail.send","mail.send"],"is_admin":false`, summary{Kind: "teammate", Scopes: "2fa_exempt mail.send sender_verification_eligible sender_verification_legacy stats.read"}},
		"subusers": {
			`"has_restricted_subuser_access":true,"subuser_access":[{"id":2,"permission_type":"admin"},{"id":1,"permission_type":"restricted","scopes":["stats.read"]}]`,
			summary{Kind: "teammate", Scopes: own, Restricted: true, Subusers: []string{
				"two admin", "one restricted stats.read user.account.read user.profile.read user.username.read",
			}},
		},
		"one scope of one subuser is invalid": {
			`"has_restricted_subuser_access":true,"subuser_access":[{"id":2,"permission_type":"admin"},{"id":1,"permission_type":"restricted","scopes":["stats.read","2fa_exempt"]}]`,
			summary{Kind: "teammate", Scopes: own},
		},
		"nothing for a subuser": {
			`"has_restricted_subuser_access":true,"subuser_access":[{"id":1,"permission_type":"restricted"}]`,
			summary{Kind: "teammate", Scopes: own, Restricted: true, Subusers: []string{"one restricted user.account.read user.profile.read user.username.read"}},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := account(t)
			w := send(t, s, http.MethodPost, ssoTeammates, teammateBody("Jane@example.com", tt.access))
			tt.want.Status = http.StatusCreated
			response := decode[map[string]any](t, w)
			require.Equal(t, tt.want, summaryOf(w.Code, decode[sendgrid.Teammate](t, w)))
			require.NotContains(t, response, "persona")
			require.Equal(t, len(tt.want.Subusers) > 0, response["subuser_access"] != nil, "it is missing where there is none")
			for field, value := range map[string]any{
				"username": "Jane@example.com", "email": "Jane@example.com", "first_name": "Jane", "last_name": "Doe", "is_sso": true,
				"is_admin": tt.want.Kind == "admin",
			} {
				require.Equal(t, value, response[field], field)
			}
			stored := s.Teammates()
			require.Equal(t, tt.want, summaryOf(http.StatusCreated, stored[len(stored)-1]))
			w = send(t, s, http.MethodPost, ssoTeammates, teammateBody("jANE@example.com", tt.access))
			require.Equal(t, http.StatusBadRequest, w.Code)
			require.Len(t, s.Teammates(), len(stored))
		})
	}
}

func TestEveryPersonaHasScopes(t *testing.T) {
	t.Parallel()
	s := sendgridtest.New()
	seen := map[string]bool{own: true}
	for _, persona := range sendgrid.Personas() {
		w := send(t, s, http.MethodPost, ssoTeammates, teammateBody(persona+"@example.com", `"persona":"`+persona+`"`))
		scopes := strings.Join(decode[sendgrid.Teammate](t, w).Scopes, " ")
		require.False(t, seen[scopes], persona)
		seen[scopes] = true
	}
}

func summaryOf(status int, t sendgrid.Teammate) summary {
	got := summary{Status: status, Kind: t.UserType, Scopes: strings.Join(t.Scopes, " "), Restricted: t.HasRestrictedSubuserAccess}
	if len(t.Scopes) > 200 {
		got.Scopes = "all"
	}
	for _, each := range t.SubuserAccess {
		got.Subusers = append(got.Subusers, strings.Join(append([]string{each.Username, each.PermissionType}, each.Scopes...), " "))
	}
	return got
}

func TestUpdateTeammate(t *testing.T) {
	t.Parallel()
	all := summary{Kind: "admin", Scopes: "all"}
	none := summary{Kind: "teammate", Scopes: own}
	restricted := summary{Kind: "teammate", Scopes: own, Restricted: true, Subusers: []string{"one restricted stats.read user.account.read user.profile.read user.username.read"}}
	observer := summary{Kind: "teammate", Scopes: "2fa_exempt messages.read sender_verification_eligible sender_verification_legacy stats.read"}
	scoped := summary{Kind: "teammate", Scopes: "2fa_exempt mail.send sender_verification_eligible sender_verification_legacy"}
	const access = `"has_restricted_subuser_access":true,"subuser_access":[{"id":2,"permission_type":"admin"}]`
	two := summary{Kind: "teammate", Scopes: own, Restricted: true, Subusers: []string{"two admin"}}
	for name, tt := range map[string]struct {
		email, access string
		want          summary
	}{
		"nothing":                                      {"scoped", ``, scoped},
		"to an administrator":                          {"SCOPED", `"is_admin":true,"has_restricted_subuser_access":false`, all},
		"a restricted one to an administrator":         {"restricted", `"is_admin":true,"has_restricted_subuser_access":false`, all},
		"to a persona":                                 {"scoped", `"is_admin":false,"persona":"observer"`, observer},
		"a restricted one to a persona":                {"restricted", `"has_restricted_subuser_access":false,"persona":"observer"`, observer},
		"an administrator to scopes":                   {"admin", `"is_admin":false,"scopes":["mail.send"]`, scoped},
		"an administrator remains one":                 {"admin", `"scopes":["mail.send"]`, all},
		"an administrator no more":                     {"admin", `"is_admin":false`, none},
		"to subusers":                                  {"scoped", `"is_admin":false,` + access, two},
		"an administrator to subusers":                 {"admin", `"is_admin":false,` + access, two},
		"to other subusers":                            {"restricted", access, two},
		"subusers stay":                                {"restricted", `"is_admin":false`, restricted},
		"no subusers, though still restricted":         {"restricted", `"subuser_access":[]`, summary{Kind: "teammate", Scopes: own, Restricted: true}},
		"restricted no more, which leaves nothing":     {"restricted", `"has_restricted_subuser_access":false`, none},
		"the scopes of a subuser that is administered": {"scoped", `"has_restricted_subuser_access":true,"subuser_access":[{"id":2,"permission_type":"admin","scopes":["mail.send"]}]`, two},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := account(t)
			w := send(t, s, http.MethodPatch, ssoTeammates+"/"+tt.email+"@example.com", teammateBody("", tt.access))
			require.Equal(t, http.StatusOK, w.Code, w.Body.String())
			tt.want.Status = http.StatusOK
			require.Equal(t, tt.want, summaryOf(w.Code, decode[sendgrid.Teammate](t, w)))
			for _, each := range s.Teammates() {
				if strings.EqualFold(each.Email, tt.email+"@example.com") {
					require.Equal(t, tt.want, summaryOf(200, each))
				}
			}
		})
	}
}

func TestRefusedTeammates(t *testing.T) {
	t.Parallel()
	const (
		post   = "POST "
		one    = `"subuser_access":[{"id":1,"permission_type":"admin"}]`
		forOne = `"has_restricted_subuser_access":true,` + one
		beside = "cannot specify scopes for a restricted subuser access teammate"
		only   = "only one of is_admin, persona and scopes can be specified"
	)
	for name, tt := range map[string]struct {
		to, body string
		status   int
		want     map[string]string // by field
	}{
		"no access":                         {post, teammateBody("a@example.com", `"is_admin":false`), 400, map[string]string{"scopes": "scopes cannot be empty"}},
		"no scopes":                         {post, teammateBody("a@example.com", `"scopes":[]`), 400, map[string]string{"scopes": "scopes cannot be empty"}},
		"no scopes beside subusers":         {post, teammateBody("a@example.com", `"scopes":[],`+forOne), 400, map[string]string{"scopes": "scopes cannot be empty"}},
		"scopes beside subusers":            {post, teammateBody("a@example.com", `"scopes":["mail.send"],`+forOne), 400, map[string]string{"scopes": beside}},
		"a persona beside subusers":         {post, teammateBody("a@example.com", `"persona":"observer",`+forOne), 400, map[string]string{"scopes": beside}},
		"an administrator beside subusers":  {post, teammateBody("a@example.com", `"is_admin":true,`+forOne), 400, map[string]string{"is_admin": "a restricted subuser access teammate cannot be an admin"}},
		"an administrator with scopes":      {post, teammateBody("a@example.com", `"is_admin":true,"scopes":["mail.send"]`), 400, map[string]string{"scopes": only}},
		"a persona with scopes":             {post, teammateBody("a@example.com", `"persona":"observer","scopes":["mail.send"]`), 400, map[string]string{"scopes": only}},
		"subusers of somebody unrestricted": {post, teammateBody("a@example.com", one), 400, map[string]string{"has_restricted_subuser_access": "must be true where there is subuser_access"}},
		"an unknown scope":                  {post, teammateBody("a@example.com", `"scopes":["mail.sent"]`), 400, map[string]string{"scopes": "invalid or unassignable scopes were given"}},
		"a scope of SendGrid's own":         {post, teammateBody("a@example.com", `"scopes":["2fa_exempt"]`), 400, map[string]string{"scopes": "invalid or unassignable scopes were given"}},
		"an unknown persona":                {post, teammateBody("a@example.com", `"persona":"admin"`), 400, map[string]string{"persona": "must be accountant, developer, marketer or observer"}},
		"an unknown subuser":                {post, teammateBody("a@example.com", `"has_restricted_subuser_access":true,"subuser_access":[{"id":9,"permission_type":"admin"}]`), 400, map[string]string{"subuser_access": "the subuser does not exist"}},
		"an unknown permission":             {post, teammateBody("a@example.com", `"has_restricted_subuser_access":true,"subuser_access":[{"id":1,"permission_type":"full"}]`), 400, map[string]string{"subuser_access": "permission_type must be admin or restricted"}},
		"other types": {post, `{"email":1,"first_name":[],"last_name":{},"is_admin":"true","persona":1,"scopes":"mail.send","has_restricted_subuser_access":0,"subuser_access":[{"id":"1"}]}`, 400, map[string]string{
			"email": "must be a string", "first_name": "must be a string", "last_name": "must be a string", "is_admin": "must be a boolean", "persona": "must be a string",
			"scopes": "must be an array", "has_restricted_subuser_access": "must be a boolean", "subuser_access": "must be an array",
		}},
		"nothing": {post, `{}`, 400, map[string]string{
			"email": "this field is required", "first_name": "this field is required", "last_name": "this field is required", "scopes": "scopes cannot be empty",
		}},
		"no email":                        {post, teammateBody("", `"email":"","is_admin":true`), 400, map[string]string{"email": "must be an email address"}},
		"a password teammate's email":     {post, teammateBody("PW@example.com", `"is_admin":true`), 400, map[string]string{"email": "a teammate with this email already exists"}},
		"the email of an invitation":      {post, teammateBody("PENDING@example.com", `"is_admin":true`), 400, map[string]string{"email": "a teammate with this email already exists"}},
		"an update with nothing":          {"/scoped@example.com", `{}`, 400, map[string]string{"first_name": "this field is required", "last_name": "this field is required"}},
		"an update with no scopes":        {"/scoped@example.com", teammateBody("", `"scopes":[]`), 400, map[string]string{"scopes": "scopes cannot be empty"}},
		"an update of who is restricted":  {"/restricted@example.com", teammateBody("", `"scopes":["mail.send"]`), 400, map[string]string{"scopes": beside}},
		"an administrator is restricted":  {"/admin@example.com", teammateBody("", forOne), 400, map[string]string{"is_admin": "a restricted subuser access teammate cannot be an admin"}},
		"an update with an invalid scope": {"/restricted@example.com", teammateBody("", `"subuser_access":[{"id":1,"permission_type":"restricted","scopes":["2fa_exempt"]}]`), 500, map[string]string{"": "invalid scopes provided"}},
		"an update of nobody":             {"/nobody@example.com", teammateBody("", `"is_admin":true`), 404, map[string]string{"": "username not found"}},
		"an update of an invitation":      {"/pending@example.com", teammateBody("", `"is_admin":true`), 404, map[string]string{"": "username not found"}},
		"an update of a password":         {"/pw@example.com", teammateBody("", `"is_admin":true`), 404, map[string]string{"": "username not found"}},
		"an update of who knows":          {"/unknown@example.com", teammateBody("", `"is_admin":true`), 404, map[string]string{"": "username not found"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := account(t)
			before := s.Teammates()
			method, target := http.MethodPatch, ssoTeammates+tt.to
			if tt.to == post {
				method, target = http.MethodPost, ssoTeammates
			}
			w := send(t, s, method, target, tt.body)
			require.Equal(t, tt.status, w.Code)
			require.Equal(t, tt.want, fieldErrors(t, w))
			require.Equal(t, before, s.Teammates())
		})
	}
}

func TestScopesOfTeammates(t *testing.T) {
	t.Parallel()
	ops := map[sendgrid.Op][2]string{
		sendgrid.OpCreateTeammate: {http.MethodPost, ssoTeammates}, sendgrid.OpUpdateTeammate: {http.MethodPatch, ssoTeammates + "/a@example.com"},
		sendgrid.OpListTeammates: {http.MethodGet, teammates}, sendgrid.OpListPending: {http.MethodGet, teammates + "/pending"},
		sendgrid.OpGetTeammate:    {http.MethodGet, teammates + "/a@example.com"},
		sendgrid.OpDeleteTeammate: {http.MethodDelete, teammates + "/a@example.com"}, sendgrid.OpListSubuserAccess: {http.MethodGet, teammates + "/a/subuser_access"},
		sendgrid.OpFindSubuser: {http.MethodGet, subusers},
	}
	require.Len(t, ops, len(teammatesOps))
	for op, request := range ops {
		s := sendgridtest.New()
		s.SetScopes("with", op.Scope())
		s.SetScopes("without", sendgrid.ScopeCreate, sendgrid.ScopeRead, sendgrid.ScopeUpdate, sendgrid.ScopeDelete, "mail.send")
		require.NotEqual(t, http.StatusForbidden, send(t, s, request[0], request[1], "{}", "Authorization", "Bearer with").Code, op)
		require.Equal(t, http.StatusForbidden, send(t, s, request[0], request[1], "{}", "Authorization", "Bearer without").Code, op)
		require.Equal(t, 2, s.Count(op))
	}
}
