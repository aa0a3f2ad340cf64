package sendgridtest_test

import (
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"sendgrid-sso-integration/internal/keytest"
	"sendgrid-sso-integration/sendgrid"
	"sendgrid-sso-integration/sendgrid/sendgridtest"
)

// teammatesOps are the operations that TestContractOfTeammates makes.
var teammatesOps = []sendgrid.Op{
	sendgrid.OpCreateTeammate, sendgrid.OpUpdateTeammate, sendgrid.OpListTeammates, sendgrid.OpListPending,
	sendgrid.OpGetTeammate, sendgrid.OpDeleteTeammate, sendgrid.OpListSubuserAccess, sendgrid.OpFindSubuser,
}

// Every request of the client about teammates and every response of the simulator is as documented.
func TestContractOfTeammates(t *testing.T) {
	t.Parallel()
	document := newDocument(t)
	for name, tt := range map[string]struct {
		set    func(*sendgridtest.Server)
		status int
	}{
		"success":               {func(*sendgridtest.Server) {}, 200},
		"without a known key":   {func(s *sendgridtest.Server) { s.SetKeys("other") }, 401},
		"without a scope":       {func(s *sendgridtest.Server) { s.SetScopes("key") }, 403},
		"beyond the rate limit": {func(s *sendgridtest.Server) { s.SetRateLimit(0, time.Minute) }, 429},
		"server error": {func(s *sendgridtest.Server) {
			const sso = `[{"message":"internal server error","field":null,"error_id":"e"}]`
			for _, op := range []sendgrid.Op{sendgrid.OpCreateTeammate, sendgrid.OpUpdateTeammate} {
				s.Script(sendgridtest.Fault{Op: op, Times: -1, Status: 500, Body: sso})
			}
			s.Script(sendgridtest.Fault{Times: -1, Status: 500, Body: `{"errors":[{"message":"internal server error","field":null}]}`})
		}, 500},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := sendgridtest.New()
			subuser := s.AddSubuser(sendgrid.Subuser{Username: "sub"})
			s.AddTeammate(sendgrid.Teammate{Username: "owner", Email: "owner@example.com", UserType: sendgrid.UserTypeOwner})
			s.AddPendingTeammate("invited@example.com")
			tt.set(s)
			server := httptest.NewServer(s)
			t.Cleanup(server.Close)
			transport := &validating{t: t, document: document}
			c := &sendgrid.Client{Keys: keytest.Fixed("key"), BaseURL: server.URL, HTTP: &http.Client{Transport: transport}}

			want := []int{}
			// A status of success is that of the operation. The transport checks the rest.
			expect := func(success int) {
				if tt.status == http.StatusOK {
					want = append(want, success)
				} else {
					want = append(want, tt.status)
				}
			}
			for email, access := range map[string]sendgrid.TeammateAccess{
				"admin@example.com": {IsAdmin: true}, "persona@example.com": {Persona: "marketer"}, "scopes@example.com": {Scopes: []string{"mail.send"}},
				"subusers@example.com": {SubuserAccess: []sendgrid.SubuserGrant{{ID: subuser.ID, PermissionType: sendgrid.PermissionRestricted, Scopes: []string{"mail.send"}}}},
				"subuser@example.com":  {SubuserAccess: []sendgrid.SubuserGrant{{ID: subuser.ID, PermissionType: sendgrid.PermissionAdmin}}},
				"dropped@example.com":  {SubuserAccess: []sendgrid.SubuserGrant{{ID: subuser.ID, PermissionType: sendgrid.PermissionRestricted, Scopes: []string{"2fa_exempt"}}}},
			} {
				_, _ = c.CreateTeammate(t.Context(), sendgrid.TeammateRequest{Email: email, Access: access})
				expect(http.StatusCreated)
				_, _ = c.UpdateTeammate(t.Context(), email, sendgrid.TeammateUpdate{Access: access})
				expect(map[bool]int{true: http.StatusInternalServerError, false: http.StatusOK}[email == "dropped@example.com"])
				_, _ = c.GetTeammate(t.Context(), email)
				expect(http.StatusOK)
				_, _ = c.ListSubuserAccess(t.Context(), email)
				expect(http.StatusOK)
				_, _, _ = c.FindSubuser(t.Context(), "sub")
				expect(http.StatusOK)
				_, _ = c.ListTeammates(t.Context())
				expect(http.StatusOK)
				_, _ = c.ListPendingTeammates(t.Context())
				expect(http.StatusOK)
				_ = c.DeleteTeammate(t.Context(), email)
				expect(http.StatusNoContent)
				c = &sendgrid.Client{Keys: c.Keys, BaseURL: c.BaseURL, HTTP: c.HTTP} // It knows of no rate limit.
			}
			require.Equal(t, want, transport.statuses)
			for _, op := range teammatesOps {
				require.NotZero(t, s.Count(op), string(op))
			}
		})
	}
}

// The client does not send what is refused with 400, and asks for nobody by a wrong name.
func TestContractOfRefusedTeammates(t *testing.T) {
	t.Parallel()
	document := newDocument(t)
	for _, tt := range []struct {
		method, target, body string
		status               int
	}{
		{http.MethodPost, ssoTeammates, `{}`, 400},
		{http.MethodPost, ssoTeammates, `{"email":1,"scopes":"x","subuser_access":{}}`, 400},
		{http.MethodPost, ssoTeammates, ``, 400},
		{http.MethodPatch, ssoTeammates + "/sso@example.com", `{}`, 400},
		{http.MethodPatch, ssoTeammates + "/nobody@example.com", `{}`, 404},
		{http.MethodGet, teammates + "/nobody@example.com", ``, 404},
		{http.MethodDelete, teammates + "/nobody@example.com", ``, 404},
		{http.MethodDelete, teammates + "/owner", ``, 403},
		{http.MethodGet, teammates + "/nobody@example.com/subuser_access", ``, 404},
	} {
		s := sendgridtest.New()
		s.AddTeammate(sendgrid.Teammate{Email: "sso@example.com", IsSSO: new(true)})
		s.AddTeammate(sendgrid.Teammate{Username: "owner", Email: "owner@example.com", UserType: sendgrid.UserTypeOwner})
		w := httptest.NewRecorder()
		s.ServeHTTP(w, byHand(t, tt.method, tt.target, tt.body))
		require.Equal(t, tt.status, w.Code, tt.method+tt.target)
		require.NoError(t, document.Response(byHand(t, tt.method, tt.target, tt.body), w.Result()))
	}
}

func TestContractOfTeammatesBites(t *testing.T) {
	t.Parallel()
	document := newDocument(t)
	for want, r := range map[string]*http.Request{
		`property "email" is missing`:     byHand(t, http.MethodPost, ssoTeammates, `{"first_name":"Jane","last_name":"Doe"}`),
		`property "last_name" is missing`: byHand(t, http.MethodPatch, ssoTeammates+"/jane@example.com", `{"first_name":"Jane"}`),
		"must be an integer":              byHand(t, http.MethodPatch, ssoTeammates+"/jane@example.com", `{"first_name":"Jane","last_name":"Doe","subuser_access":[{"id":"1","permission_type":"admin"}]}`),
		"not one of":                      byHand(t, http.MethodPost, ssoTeammates, `{"email":"e","first_name":"Jane","last_name":"Doe","persona":"admin"}`),
		"maximum: got 501":                byHand(t, http.MethodGet, teammates+"?limit=501", ""),
	} {
		require.ErrorContains(t, document.Request(r), want)
	}
	for body, want := range map[string]string{
		`{"result":[{"is_sso":"true"}]}`: "must be a boolean", `{"result":{}}`: "must be an array", `{"result":[{"user_type":"pending"}]}`: "not one of",
	} {
		s := sendgridtest.New()
		s.Script(sendgridtest.Fault{Status: 200, Body: body})
		w := httptest.NewRecorder()
		s.ServeHTTP(w, byHand(t, http.MethodGet, teammates, ""))
		require.ErrorContains(t, document.Response(byHand(t, http.MethodGet, teammates, ""), w.Result()), want)
	}
}

// inTheWild matches what responses have and no document mentions, scopes that are of any type there, and
// error fields that may be null.
var inTheWild = regexp.MustCompile(` /v3/teammates.* response.*\.is_(sso|read_only)$| response\.scopes\[\]$| response(\.errors)?\[\]\.field$`)

// What the contract says about teammates and subusers is what SendGrid's documents say. It leaves out
// what is not used, but no status and no field of a request. What SendGrid documents no errors for has
// some anyway.
func TestContractOfTeammatesAgreesWithSendGrid(t *testing.T) {
	t.Parallel()
	path := os.Getenv(openapiVariable)
	if path == "" {
		t.Skip("set " + openapiVariable + " to the path of SendGrid's tsg_sso_v3.yaml, and put tsg_teammates_v3.yaml and tsg_subusers_v3.yaml beside it")
	}
	theirs := map[string]string{}
	for _, file := range []string{"tsg_sso_v3.yaml", "tsg_teammates_v3.yaml", "tsg_subusers_v3.yaml"} {
		document, err := os.ReadFile(filepath.Join(filepath.Dir(path), file))
		require.NoError(t, err)
		maps.Copy(theirs, facts(t, document))
	}
	ours := facts(t, contract)
	operations, compared := map[string]bool{}, 0
	for name, fact := range ours {
		fields := strings.SplitN(name, " ", 4)
		if !strings.Contains(fields[1], "/teammates") && !strings.Contains(fields[1], "/subusers") || inTheWild.MatchString(name) {
			continue
		}
		operation, status := fields[0]+" "+fields[1], fields[0]+" "+fields[1]+" "+fields[2]
		operations[operation] = true
		if _, documented := theirs[status]; !documented && fields[2] >= "400" && fields[2] <= "599" {
			continue
		}
		require.Equal(t, theirs[name], fact, name)
		compared++
	}
	require.Len(t, operations, len(teammatesOps))
	require.Greater(t, compared, 100)
	for name, fact := range theirs {
		fields := strings.SplitN(name, " ", 4)
		if operations[fields[0]+" "+fields[1]] && (len(fields) == 3 || fields[2] == "request") && !strings.Contains(name, " query ") {
			require.Equal(t, fact, ours[name], name)
		}
	}
}
