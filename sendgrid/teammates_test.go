package sendgrid_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"sendgrid-sso-integration/internal/keytest"
	"sendgrid-sso-integration/sendgrid"
)

// exampleTeammateResponse is a response to a create, as SendGrid documents it, with the username that
// it has in the wild.
const exampleTeammateResponse = `{
	"username": "jane_doe@example.com",
	"email": "jane_doe@example.com",
	"first_name": "Jane",
	"last_name": "Doe",
	"is_admin": false,
	"is_sso": true,
	"user_type": "teammate",
	"scopes": ["2fa_exempt"],
	"has_restricted_subuser_access": true,
	"subuser_access": [
		{"id": 12345, "username": "sub", "email": "sub@example.com", "disabled": false, "permission_type": "restricted", "scopes": ["mail.send", "stats.read"]},
		{"id": 12346, "username": "other", "email": "other@example.com", "disabled": true, "permission_type": "admin"}
	]
}`

func exampleTeammate() sendgrid.Teammate {
	return sendgrid.Teammate{
		Username: "jane_doe@example.com", Email: "jane_doe@example.com", FirstName: "Jane", LastName: "Doe",
		IsSSO: new(true), UserType: "teammate", Scopes: []string{"2fa_exempt"}, HasRestrictedSubuserAccess: true,
		SubuserAccess: []sendgrid.SubuserAccess{
			{
				Subuser:        sendgrid.Subuser{ID: 12345, Username: "sub", Email: "sub@example.com"},
				PermissionType: sendgrid.PermissionRestricted, Scopes: []string{"mail.send", "stats.read"},
			},
			{
				Subuser:        sendgrid.Subuser{ID: 12346, Username: "other", Email: "other@example.com", Disabled: true},
				PermissionType: sendgrid.PermissionAdmin,
			},
		},
	}
}

func exampleTeammateRequest() sendgrid.TeammateRequest {
	return sendgrid.TeammateRequest{Email: "jane_doe@example.com", FirstName: "Jane", LastName: "Doe", Access: sendgrid.TeammateAccess{Persona: "developer"}}
}

func exampleTeammateUpdate() sendgrid.TeammateUpdate {
	return sendgrid.TeammateUpdate{FirstName: "Jane", LastName: "Doe", Access: sendgrid.TeammateAccess{Persona: "developer"}}
}

// A create sends what is set. An update takes back what is not.
func TestTeammateRequests(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		access         sendgrid.TeammateAccess
		create, update string // without the names
	}{
		"an administrator": {
			sendgrid.TeammateAccess{IsAdmin: true},
			`"is_admin":true`,
			`"is_admin":true,"has_restricted_subuser_access":false`,
		},
		"a persona": {
			sendgrid.TeammateAccess{Persona: "accountant"},
			`"persona":"accountant"`,
			`"is_admin":false,"persona":"accountant","has_restricted_subuser_access":false`,
		},
		"scopes": {
			sendgrid.TeammateAccess{Scopes: []string{"mail.send", "stats.read"}},
			`"scopes":["mail.send","stats.read"]`,
			`"is_admin":false,"scopes":["mail.send","stats.read"],"has_restricted_subuser_access":false`,
		},
		"subusers": {
			sendgrid.TeammateAccess{SubuserAccess: []sendgrid.SubuserGrant{
				{ID: 1, PermissionType: sendgrid.PermissionAdmin},
				{ID: 2, PermissionType: sendgrid.PermissionRestricted, Scopes: []string{"mail.send"}},
			}},
			`"has_restricted_subuser_access":true,"subuser_access":[{"id":1,"permission_type":"admin"},{"id":2,"permission_type":"restricted","scopes":["mail.send"]}]`,
			`"is_admin":false,"has_restricted_subuser_access":true,"subuser_access":[{"id":1,"permission_type":"admin"},{"id":2,"permission_type":"restricted","scopes":["mail.send"]}]`,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			const names = `"first_name":"Jane","last_name":"",`
			h := newHarness(t, reply(http.StatusCreated, exampleTeammateResponse))
			created, err := h.client().CreateTeammate(t.Context(), sendgrid.TeammateRequest{Email: "a+b/c@example.com", FirstName: "Jane", Access: tt.access})
			require.NoError(t, err)
			require.Equal(t, exampleTeammate(), *created)
			updated, err := h.client().UpdateTeammate(t.Context(), "a+b/c@example.com", sendgrid.TeammateUpdate{FirstName: "Jane", Access: tt.access})
			require.NoError(t, err)
			require.Equal(t, exampleTeammate(), *updated)
			sent := h.all()
			require.Len(t, sent, 2)
			require.Equal(t, []string{http.MethodPost, "/base/v3/sso/teammates", "", `{"email":"a+b/c@example.com",` + names + tt.create + "}"},
				[]string{sent[0].method, sent[0].path, sent[0].query, sent[0].body})
			require.Equal(t, []string{http.MethodPatch, "/base/v3/sso/teammates/a+b%2Fc@example.com", "", "{" + names + tt.update + "}"},
				[]string{sent[1].method, sent[1].path, sent[1].query, sent[1].body})
		})
	}
}

// What is not one access is not sent; keytest.Keys panics if a key is asked for.
func TestTeammateAccessIsOne(t *testing.T) {
	t.Parallel()
	grants := []sendgrid.SubuserGrant{{ID: 1, PermissionType: sendgrid.PermissionAdmin}}
	for name, access := range map[string]sendgrid.TeammateAccess{
		"nothing":                     {},
		"empty lists":                 {Scopes: []string{}, SubuserAccess: []sendgrid.SubuserGrant{}},
		"an administrator and scopes": {IsAdmin: true, Scopes: []string{"mail.send"}},
		"a persona and scopes":        {Persona: "observer", Scopes: []string{"mail.send"}},
		"scopes and subusers":         {Scopes: []string{"mail.send"}, SubuserAccess: grants},
		"everything":                  {IsAdmin: true, Persona: "observer", Scopes: []string{"mail.send"}, SubuserAccess: grants},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := &sendgrid.Client{Keys: &keytest.Keys{}}
			_, err := c.CreateTeammate(t.Context(), sendgrid.TeammateRequest{Email: "jane_doe@example.com", Access: access})
			require.EqualError(t, err, "sendgrid: create teammate: never sent: exactly one of is_admin, persona, scopes and subuser_access has to be set")
			_, err = c.UpdateTeammate(t.Context(), "jane_doe@example.com", sendgrid.TeammateUpdate{Access: access})
			require.ErrorContains(t, err, "exactly one of")
			require.Equal(t, sendgrid.OpUpdateTeammate, requireError(t, err).Op)
		})
	}
}

// Without a name the path would be another one, or the list one of all.
func TestEmptyUsername(t *testing.T) {
	t.Parallel()
	c := &sendgrid.Client{Keys: &keytest.Keys{}}
	for op, call := range map[sendgrid.Op]func(context.Context) error{
		sendgrid.OpUpdateTeammate: func(ctx context.Context) error {
			_, err := c.UpdateTeammate(ctx, "", exampleTeammateUpdate())
			return err
		},
		sendgrid.OpGetTeammate:       func(ctx context.Context) error { _, err := c.GetTeammate(ctx, ""); return err },
		sendgrid.OpDeleteTeammate:    func(ctx context.Context) error { return c.DeleteTeammate(ctx, "") },
		sendgrid.OpListSubuserAccess: func(ctx context.Context) error { _, err := c.ListSubuserAccess(ctx, ""); return err },
		sendgrid.OpFindSubuser:       func(ctx context.Context) error { _, _, err := c.FindSubuser(ctx, ""); return err },
	} {
		err := call(t.Context())
		require.Equal(t, sendgrid.NeverSent, sendgrid.ClassOf(err), string(op))
		require.EqualError(t, err, "sendgrid: "+string(op)+": never sent: the id is empty")
	}
}

func TestTeammateIsRead(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("x", 257)
	for name, tt := range map[string]struct {
		body string // without its email "e"
		want sendgrid.Teammate
	}{
		"the documented example of a create": {
			body: `"first_name":"Jane","last_name":"Doe","is_admin":true,"is_sso":true,"scopes":["alerts.read"]`,
			want: sendgrid.Teammate{FirstName: "Jane", LastName: "Doe", IsAdmin: true, IsSSO: new(true), Scopes: []string{"alerts.read"}},
		},
		"a password teammate": {
			body: `"username":"teammate1","user_type":"owner","is_sso":false,"is_read_only":true,"phone":"123","company":null`,
			want: sendgrid.Teammate{Username: "teammate1", UserType: sendgrid.UserTypeOwner, IsSSO: new(false), IsReadOnly: true},
		},
		"only a literal true is SSO": {body: `"is_sso":"true","is_admin":1`},
		"null is absent": {
			body: `"username":null,"first_name":null,"is_admin":null,"is_sso":null,"scopes":null,"has_restricted_subuser_access":null,"subuser_access":null`,
		},
		"other types read as empty": {
			body: `"username":7,"first_name":[],"last_name":{},"user_type":1,"is_sso":[],"scopes":{"a":true},"has_restricted_subuser_access":"true","subuser_access":{"id":1}`,
		},
		"longer texts read as empty": {
			body: `"username":"` + long + `","user_type":"` + long + `","first_name":"` + strings.Repeat(long, 16) + `"`,
		},
		"scopes without what is none": {
			body: `"scopes":["mail.send",null,7,"",["x"],"` + long + `","stats.read"]`,
			want: sendgrid.Teammate{Scopes: []string{"mail.send", "stats.read"}},
		},
		"subusers without what is none": {
			body: `"has_restricted_subuser_access":true,"subuser_access":[null,"x",[],{},{"permission_type":"admin"},{"id":"5","permission_type":7,"scopes":"x","disabled":"yes"},{"id":1.5,"username":"sub"},{"id":-3,"username":"neg"},{"id":1e99}]`,
			want: sendgrid.Teammate{HasRestrictedSubuserAccess: true, SubuserAccess: []sendgrid.SubuserAccess{
				{Subuser: sendgrid.Subuser{ID: 5}}, {Subuser: sendgrid.Subuser{Username: "sub"}}, {Subuser: sendgrid.Subuser{Username: "neg"}},
			}},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			body := `{"email":"e",` + tt.body + `}`
			tt.want.Email = "e"
			c := newHarness(t, reply(http.StatusOK, body)).client()
			created, err := c.CreateTeammate(t.Context(), exampleTeammateRequest())
			require.NoError(t, err)
			require.Equal(t, tt.want, *created)
			updated, err := c.UpdateTeammate(t.Context(), "e", exampleTeammateUpdate())
			require.NoError(t, err)
			require.Equal(t, tt.want, *updated)
			got, err := c.GetTeammate(t.Context(), "e")
			require.NoError(t, err)
			require.Equal(t, tt.want, *got)
			list, err := newHarness(t, reply(http.StatusOK, `{"result":[`+body+`,{},`+exampleTeammateResponse+`]}`)).client().ListTeammates(t.Context())
			require.NoError(t, err)
			require.Equal(t, []sendgrid.Teammate{tt.want, {}, exampleTeammate()}, list, "a strange row hides no other")

			shown, err := json.Marshal(tt.want)
			require.NoError(t, err)
			var again sendgrid.Teammate
			require.NoError(t, json.Unmarshal(shown, &again))
			require.Equal(t, tt.want, again)
		})
	}
	require.True(t, exampleTeammate().SSO())
	require.False(t, sendgrid.Teammate{IsSSO: new(false)}.SSO())
	require.False(t, sendgrid.Teammate{}.SSO())
}

// The response to a create may be empty; the teammate was still created.
func TestCreatedTeammateMayLackAnything(t *testing.T) {
	t.Parallel()
	got, err := newHarness(t, reply(http.StatusCreated, `{}`)).client().CreateTeammate(t.Context(), exampleTeammateRequest())
	require.NoError(t, err)
	require.Equal(t, sendgrid.Teammate{}, *got)
}

// A response that shows no teammate must not count as the absence of one.
func TestOtherResponsesAreNoTeammates(t *testing.T) {
	t.Parallel()
	for name, body := range map[string]string{
		"null":                 `null`,
		"an error":             `{"errors":[{"message":"internal error","field":null}]}`,
		"another list":         `{"result":[{"message":"internal error"}]}`,
		"a list of nothing":    `{"result":[{}]}`,
		"null among others":    `{"result":[` + exampleTeammateResponse + `,null]}`,
		"an array":             `[` + exampleTeammateResponse + `]`,
		"a result of one":      `{"result":` + exampleTeammateResponse + `}`,
		"an email that is one": `{"email":7}`,
		"HTML":                 `<html>`,
		"nothing":              ``,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := newHarness(t, reply(http.StatusOK, body)).client()
			_, err := c.ListTeammates(t.Context())
			require.Equal(t, sendgrid.Unavailable, sendgrid.ClassOf(err))
			_, err = c.ListPendingTeammates(t.Context())
			require.Equal(t, sendgrid.Unavailable, sendgrid.ClassOf(err))
			_, err = c.GetTeammate(t.Context(), "e")
			require.Equal(t, sendgrid.Unavailable, sendgrid.ClassOf(err))
			_, err = c.UpdateTeammate(t.Context(), "e", exampleTeammateUpdate())
			require.Equal(t, sendgrid.Unavailable, sendgrid.ClassOf(err))
		})
	}
}

// teammateRows returns rows of a list, from one number up to another.
func teammateRows(from, to int) string {
	rows := []string{}
	for i := from; i < to; i++ {
		rows = append(rows, fmt.Sprintf(`{"username":"U%d","email":"u%d@example.com"}`, i, i))
	}
	return strings.Join(rows, ",")
}

func TestListTeammates(t *testing.T) {
	t.Parallel()
	page := func(from, to int) string { return `{"result":[` + teammateRows(from, to) + `]}` }
	for name, tt := range map[string]struct {
		pages   []string // the last one again and again
		offsets string
		want    int
		err     string
	}{
		"none":                           {pages: []string{page(0, 0)}, offsets: "0"},
		"none, as a Go server writes it": {pages: []string{`{"result":null}`}, offsets: "0"},
		"in the words of the example":    {pages: []string{`{"results":[` + teammateRows(0, 2) + `]}`}, offsets: "0", want: 2},
		"one page":                       {pages: []string{page(0, 499)}, offsets: "0", want: 499},
		"a full page":                    {pages: []string{page(0, 500), page(450, 500)}, offsets: "0 450", want: 500},
		"three pages":                    {pages: []string{page(0, 500), page(450, 950), page(900, 1001)}, offsets: "0 450 900", want: 1001},
		"a row that moves to the next":   {pages: []string{page(0, 500), strings.ToLower(page(449, 501))}, offsets: "0 450", want: 501},
		"more than was asked for":        {pages: []string{page(0, 700), page(650, 701)}, offsets: "0 650", want: 701},
		"the same page again":            {pages: []string{page(0, 500)}, offsets: "0 450", err: "the list does not end"},
		"a page of something else":       {pages: []string{page(0, 500), `{}`}, offsets: "0 450", err: "the response has no list of teammates"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := newHarness(t, nil)
			h.response = func(w http.ResponseWriter, r *http.Request) {
				reply(http.StatusOK, tt.pages[min(len(h.all()), len(tt.pages))-1])(w, r)
			}
			got, err := h.client().ListTeammates(t.Context())
			offsets := []string{}
			for _, sent := range h.all() {
				offset, limited := strings.CutPrefix(sent.query, "limit=500&offset=")
				require.True(t, limited)
				require.Equal(t, "GET /base/v3/teammates ", sent.method+" "+sent.path+" "+sent.body)
				offsets = append(offsets, offset)
			}
			require.Equal(t, tt.offsets, strings.Join(offsets, " "))
			if tt.err != "" {
				require.Nil(t, got, "half of a list is none")
				require.ErrorContains(t, err, tt.err)
				require.Equal(t, sendgrid.Unavailable, sendgrid.ClassOf(err))
				return
			}
			require.NoError(t, err)
			require.NotNil(t, got)
			require.Len(t, got, tt.want)
		})
	}
}

// A list without an end is not read endlessly.
func TestEndlessListOfTeammates(t *testing.T) {
	t.Parallel()
	h := newHarness(t, func(w http.ResponseWriter, r *http.Request) {
		offset, err := strconv.Atoi(r.URL.Query().Get("offset"))
		if err != nil {
			t.Error(err)
		}
		reply(http.StatusOK, `{"result":[`+teammateRows(offset, offset+500)+`]}`)(w, r)
	})
	_, err := h.client().ListTeammates(t.Context())
	require.ErrorContains(t, err, "sendgrid: list teammates: status 200 OK: the list has more entries than anybody needs")
	require.Len(t, h.all(), 23)
}

// Invitations are listed at once. What makes one acceptable is not read.
func TestListPendingTeammates(t *testing.T) {
	t.Parallel()
	h := newHarness(t, reply(http.StatusOK, `{"result":[{"email":"a@example.com","scopes":["mail.send"],"is_admin":false,"token":"secret","expiration_date":1456424263},{"email":"b@example.com","is_admin":true}]}`))
	got, err := h.client().ListPendingTeammates(t.Context())
	require.NoError(t, err)
	require.Equal(t, []sendgrid.PendingTeammate{{Email: "a@example.com"}, {Email: "b@example.com", IsAdmin: true}}, got)
	sent := h.all()
	require.Len(t, sent, 1)
	require.Equal(t, []string{http.MethodGet, "/base/v3/teammates/pending", "", ""}, []string{sent[0].method, sent[0].path, sent[0].query, sent[0].body})
}

func TestGetAndDeleteTeammate(t *testing.T) {
	t.Parallel()
	h := newHarness(t, reply(http.StatusOK, exampleTeammateResponse))
	got, err := h.client().GetTeammate(t.Context(), "a/b?c@example.com")
	require.NoError(t, err)
	require.Equal(t, exampleTeammate(), *got)
	require.NoError(t, h.client().DeleteTeammate(t.Context(), "a/b?c@example.com"))
	for i, method := range []string{http.MethodGet, http.MethodDelete} {
		sent := h.all()[i]
		require.Equal(t, []string{method, "/base/v3/teammates/a%2Fb%3Fc@example.com", "", ""}, []string{sent.method, sent.path, sent.query, sent.body})
	}
	require.Equal(t, h.server.URL+"/base/v3/teammates/a%2Fb%3Fc@example.com", h.client().TeammateURL("a/b?c@example.com"))
	for status, want := range map[int]bool{http.StatusNoContent: true, http.StatusNotFound: true, http.StatusForbidden: false, http.StatusBadGateway: false} {
		c := newHarness(t, reply(status, `{"errors":[{"message":"username not found","field":"username"}]}`)).client()
		require.Equal(t, want, c.DeleteTeammate(t.Context(), "1") == nil, status)
		_, err := c.GetTeammate(t.Context(), "1")
		require.Equal(t, status == http.StatusNotFound, sendgrid.IsNotFound(err), status)
	}
}
