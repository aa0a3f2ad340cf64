package request_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"sendgrid-sso-integration/internal/problem"
	"sendgrid-sso-integration/internal/request"
)

// person returns a request for a teammate with these members of the field teammate and these beside it.
func person(within, beside string) string {
	return `{"teammate":{"email":"Ada@Example.com ","first_name":" Ada","last_name":"Lovelace"` + within + `}` + beside + `}`
}

func TestParseTeammate(t *testing.T) {
	t.Parallel()
	ada := request.Teammate{Email: "ada@example.com", FirstName: "Ada", LastName: "Lovelace"}
	with := func(edit func(*request.Teammate)) *request.Teammate {
		one := ada
		edit(&one)
		return &one
	}
	grants := `,"subuser_access":[{"subuser":"south","permission_type":"admin"},{"subuser":7,"permission_type":"restricted","scopes":["mail.send","alerts.read","mail.send"]}]`
	for name, tt := range map[string]struct {
		text  string
		want  request.Request
		wrong map[string]string // By field.
	}{
		"a persona": {
			text: person(`,"persona":"developer"`, ""),
			want: request.Request{Teammate: with(func(p *request.Teammate) { p.Persona = "developer" })},
		},
		"an administrator, to be updated": {
			text: person(`,"is_admin":true`, `,"if_exists":"update","metadata":{"ticket":"1"},"dry_run":true`),
			want: request.Request{
				Teammate: with(func(p *request.Teammate) { p.IsAdmin = true }), IfExists: request.UpdateExisting, DryRun: true, Metadata: map[string]string{"ticket": "1"},
			},
		},
		"scopes, and no administrator": {
			text: person(`,"is_admin":false,"scopes":["mail.send","alerts.read","mail.send"]`, ""),
			want: request.Request{Teammate: with(func(p *request.Teammate) { p.Scopes = []string{"alerts.read", "mail.send"} })},
		},
		"subusers": {
			text: person(grants, ""),
			want: request.Request{Teammate: with(func(p *request.Teammate) {
				p.Access = []request.Access{
					{Subuser: "7", PermissionType: "restricted", Scopes: []string{"alerts.read", "mail.send"}}, {Subuser: "south", PermissionType: "admin"},
				}
			})},
		},
		"absent":              {text: `{"state":"absent","teammate":{"email":"ada@example.com"}}`, want: request.Request{Kind: request.Absent, Teammate: &request.Teammate{Email: "ada@example.com"}}},
		"forgotten":           {text: `{"managed":false,"teammate":{"email":"ada@example.com"}}`, want: request.Request{Kind: request.Forget, Teammate: &request.Teammate{Email: "ada@example.com"}}},
		"absent, and more":    {text: person(`,"persona":"developer"`, `,"state":"absent"`), wrong: map[string]string{"teammate.first_name": "email alone", "teammate.last_name": "email alone", "teammate.persona": "email alone"}},
		"absent, and update":  {text: `{"state":"absent","if_exists":"update","teammate":{"email":"ada@example.com"}}`, wrong: map[string]string{"if_exists": `together with state: "absent"`}},
		"absent, forgotten":   {text: `{"state":"absent","managed":false,"teammate":{"email":"ada@example.com"}}`, wrong: map[string]string{"managed": "together with state"}},
		"no object":           {text: `{"teammate":"ada@example.com"}`, wrong: map[string]string{"teammate": "must be an object, not a string"}},
		"nothing":             {text: `{"teammate":{}}`, wrong: map[string]string{"teammate.email": "is required", "teammate.first_name": "is required", "teammate.last_name": "is required", "teammate.persona": "or one of"}},
		"no access":           {text: person("", ""), wrong: map[string]string{"teammate.persona": "is required, or one of"}},
		"only not an admin":   {text: person(`,"is_admin":false`, ""), wrong: map[string]string{"teammate.persona": "is required, or one of"}},
		"two ways":            {text: person(`,"persona":"developer","is_admin":true`, ""), wrong: map[string]string{"teammate.is_admin": "together with persona"}},
		"scopes and subusers": {text: person(grants+`,"scopes":["mail.send"]`, ""), wrong: map[string]string{"teammate.subuser_access": "together with scopes"}},
		"no scopes":           {text: person(`,"scopes":[]`, ""), wrong: map[string]string{"teammate.scopes": "must not be empty"}},
		"scopes of a kind":    {text: person(`,"scopes":"mail.send"`, ""), wrong: map[string]string{"teammate.scopes": "must be an array"}},
		"an empty scope":      {text: person(`,"scopes":["mail.send"," "]`, ""), wrong: map[string]string{"teammate.scopes": "number 2"}},
		"another persona":     {text: person(`,"persona":"admin"`, ""), wrong: map[string]string{"teammate.persona": "accountant, developer, marketer, observer"}},
		"an unknown field":    {text: person(`,"persona":"observer","given_name":"Ada","name":"x","x":1`, ""), wrong: map[string]string{"teammate.given_name": "did you mean first_name?", "teammate.name": "next to teammate", "teammate.x": "remove it"}},
		"a misspelt field":    {text: person(`,"persona":"observer","frist_name":"Ada"`, ""), wrong: map[string]string{"teammate.frist_name": "did you mean first_name?"}},
		"given twice":         {text: person(`,"persona":"observer","email":"b@example.com"`, ""), wrong: map[string]string{"teammate.email": "only once"}},
		"all of it outside":   {text: `{"state":"absent","email":"ada@example.com"}`, wrong: map[string]string{"email": "within teammate", "entity_id": "is required"}},
		"a connection beside": {text: person(`,"persona":"observer"`, `,"name":"Okta","entity_id":"urn:1"`), wrong: map[string]string{"name": "together with teammate", "entity_id": "together with teammate"}},
		"no subusers":         {text: person(`,"subuser_access":[]`, ""), wrong: map[string]string{"teammate.subuser_access": "must not be empty"}},
		"a subuser twice":     {text: person(`,"subuser_access":[{"subuser":7,"permission_type":"admin"},{"subuser":"7","permission_type":"admin"}]`, ""), wrong: map[string]string{"teammate.subuser_access": "number 2 names a subuser that another entry names"}},
		"an unknown kind":     {text: person(`,"subuser_access":[{"subuser":7,"permission_type":"owner"}]`, ""), wrong: map[string]string{"teammate.subuser_access": `"admin" or "restricted"`}},
		"restricted to none":  {text: person(`,"subuser_access":[{"subuser":7,"permission_type":"restricted"}]`, ""), wrong: map[string]string{"teammate.subuser_access": "has no scopes"}},
		"admin with scopes":   {text: person(`,"subuser_access":[{"subuser":7,"permission_type":"admin","scopes":["mail.send"]}]`, ""), wrong: map[string]string{"teammate.subuser_access": "includes; remove them"}},
		"no subuser":          {text: person(`,"subuser_access":[{"permission_type":"admin"}]`, ""), wrong: map[string]string{"teammate.subuser_access": "has no subuser"}},
		"an id below one":     {text: person(`,"subuser_access":[{"subuser":0,"permission_type":"admin"}]`, ""), wrong: map[string]string{"teammate.subuser_access": "positive id"}},
		"a field of a grant":  {text: person(`,"subuser_access":[{"subuser":7,"permission_type":"admin","id":7}]`, ""), wrong: map[string]string{"teammate.subuser_access": "is not a field"}},
		"too much to keep":    {text: person(`,"subuser_access":[`+manyGrants()+`]`, ""), wrong: map[string]string{"teammate": "has more text than"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := request.Parse([]byte(tt.text), time.Now())
			if tt.wrong == nil {
				require.NoError(t, err)
				require.Equal(t, tt.want, got)
				return
			}
			var e *problem.Error
			require.ErrorAs(t, err, &e)
			require.Equal(t, problem.InvalidRequest, e.Code)
			require.Len(t, e.Fields, len(tt.wrong), "%v", e.Fields)
			for _, f := range e.Fields {
				require.Contains(t, tt.wrong, f.Field)
				require.Contains(t, f.Message, tt.wrong[f.Field])
			}
		})
	}
}

// manyGrants returns the access to subusers with more text than is kept.
func manyGrants() string {
	var grants []string
	for i := range 100 {
		grants = append(grants, fmt.Sprintf(`{"subuser":%d,"permission_type":"restricted","scopes":["%s"]}`, i+1, strings.Repeat(`marketing_campaigns.read","`, 1)+strings.Repeat("x", 95)+`","`+strings.Repeat("y", 95)))
	}
	return strings.Join(grants, ",")
}

func TestParseEmail(t *testing.T) {
	t.Parallel()
	for text, valid := range map[string]bool{
		"ada+sso@mail.example.com": true, "o'brien@example.com": true, "": false, "ada": false, "ada@": false, "Ada <ada@example.com>": false,
		"ada@example.com, b@example.com": false, "a b@example.com": false, "ada@exa\u0000mple.com": false, "../ada@example.com": false, "\u200bada@example.com": false, "ada\u00a0@example.com": false,
		strings.Repeat("a", 60) + "@" + strings.Repeat("b.", 120) + "com": false,
	} {
		_, err := request.Parse([]byte(`{"state":"absent","teammate":{"email":`+fmt.Sprintf("%q", text)+`}}`), time.Now())
		require.Equal(t, valid, err == nil, "%q: %v", text, err)
	}
}

// Two declarations are the same if they say the same, however they are written.
func TestTeammateIdentity(t *testing.T) {
	t.Parallel()
	identity := func(text string) string {
		r, err := request.Parse([]byte(text), time.Now())
		require.NoError(t, err)
		return r.Teammate.Identity()
	}
	is := identity(person(`,"scopes":["b.read","a.read"]`, ""))
	require.Equal(t, is, identity(person(`,"scopes":["a.read","b.read","a.read"],"is_admin":false`, `,"if_exists":"update","metadata":{"a":"b"}`)))
	for _, other := range []string{
		person(`,"scopes":["a.read"]`, ""), person(`,"is_admin":true`, ""), strings.Replace(person(`,"scopes":["a.read","b.read"]`, ""), "Lovelace", "King", 1),
	} {
		require.NotEqual(t, is, identity(other))
	}
}

func TestKeptTeammate(t *testing.T) {
	t.Parallel()
	kept := request.KeptTeammate{Teammate: request.Teammate{Email: "ada@example.com", Persona: "observer"}, By: "arn", At: time.Now().UTC().Truncate(time.Second)}
	got, readable := request.ParseKeptTeammate(kept.String())
	require.True(t, readable)
	require.Equal(t, kept, got)
	for _, text := range []string{"", "{", "{}"} {
		_, readable := request.ParseKeptTeammate(text)
		require.False(t, readable, text)
	}
}

// Whoever may change SSO or teammates may make an administrator.
func TestAdministers(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		teammate    request.Teammate
		administers bool
	}{
		"an administrator":              {request.Teammate{IsAdmin: true}, true},
		"one of a subuser":              {request.Teammate{Access: []request.Access{{PermissionType: "admin"}}}, true},
		"a persona":                     {request.Teammate{Persona: "developer"}, false},
		"scopes":                        {request.Teammate{Scopes: []string{"mail.send", "sso.settings.read", "teammates.read"}}, false},
		"a scope that changes SSO":      {request.Teammate{Scopes: []string{"sso.settings.update"}}, true},
		"one that invites teammates":    {request.Teammate{Scopes: []string{"mail.send", "teammates.create"}}, true},
		"one that is not known":         {request.Teammate{Scopes: []string{"sso.something"}}, true},
		"scopes in a subuser":           {request.Teammate{Access: []request.Access{{PermissionType: "restricted", Scopes: []string{"mail.send"}}}}, false},
		"teammates of a subuser":        {request.Teammate{Access: []request.Access{{PermissionType: "restricted", Scopes: []string{"teammates.update"}}}}, true},
		"a scope that only looks alike": {request.Teammate{Scopes: []string{"ssoish.update"}}, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			require.Equal(t, tt.administers, tt.teammate.Administers())
		})
	}
}
