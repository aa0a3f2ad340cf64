package handler_test

import (
	"context"
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"sendgrid-sso-integration/internal/problem"
	"sendgrid-sso-integration/internal/protocol"
	"sendgrid-sso-integration/internal/provision"
	"sendgrid-sso-integration/internal/request"
	"sendgrid-sso-integration/sendgrid"
)

// everythingOf responds to a request for a teammate with every field that a result has.
func everythingOf(outcome protocol.Outcome) ensure {
	return func(_ context.Context, r request.Resolved) (*provision.Result, error) {
		isAdmin := false
		return &provision.Result{
			Outcome: outcome, Metadata: r.Metadata, Changes: []problem.Change{{Field: "subuser_access", To: "57132954 (acme): admin"}},
			Teammate: &provision.Teammate{
				Email: r.Teammate.Email, FirstName: "Ada", LastName: "Lovelace", IsAdmin: &isAdmin, Scopes: []string{"mail.send"}, HasRestrictedSubuserAccess: true,
				SubuserAccess: []sendgrid.SubuserAccess{{Subuser: sendgrid.Subuser{ID: 57132954, Username: "acme", Email: "acme@example.com"}, PermissionType: "admin"}},
			},
			Warnings: []provision.Warning{{Code: provision.Drifted, Message: "A sentence.", Changes: []problem.Change{{Field: "is_admin", From: false, To: true}}}},
		}, nil
	}
}

// plannedTeammate responds to a request for a teammate as a dry run.
func plannedTeammate(_ context.Context, r request.Resolved) (*provision.Result, error) {
	return &provision.Result{
		Outcome: protocol.OutcomePlanned, Teammate: &provision.Teammate{Email: r.Teammate.Email}, Changes: []problem.Change{},
		Steps: []provision.Step{{Operation: sendgrid.OpCreateTeammate, Description: "A sentence.", Teammate: r.Teammate}},
	}, nil
}

// The routes of teammates are documented with every response of theirs, to callers of both kinds.
func TestOpenAPITeammates(t *testing.T) {
	t.Parallel()
	c := newContract(t)
	provisioners := map[string]ensure{"removed": removed, "planned": plannedTeammate}
	for _, outcome := range []protocol.Outcome{protocol.OutcomeCreated, protocol.OutcomeUpdated, protocol.OutcomeUnchanged, protocol.OutcomeSuperseded, protocol.OutcomeDeleted} {
		provisioners[string(outcome)] = everythingOf(outcome)
	}
	for _, code := range []problem.Code{problem.Conflict, problem.Gone, problem.InProgress, problem.SendGridRejected, problem.OutcomeUnknown} {
		provisioners[string(code)] = fails(failure(code))
	}
	subuser := strings.Replace(teammateRequest, `"persona":"developer"`, `"subuser_access":[{"subuser":7,"permission_type":"restricted","scopes":["mail.send"]}]`, 1)
	for name, provisioner := range provisioners {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c.call(t, newFixture(provisioner), teammatesRoute, httpCall{body: subuser})
		})
	}
	c.call(t, newFixture(nil), teammatesRoute, httpCall{body: strings.Replace(teammateRequest, "developer", "boss", 1)})

	for scheme, header := range webhookHeaders {
		r := httpCall{body: teammateRequest, header: with(header), unknown: true}
		require.NoError(t, c.checkRequest(t, teammatesWebhookRoute, r), scheme)
		f := newFixture(created)
		f.Verifier = verify(accept)
		require.Equal(t, http.StatusCreated, c.call(t, f, teammatesWebhookRoute, r).StatusCode)
		r.body = administratorRequest
		require.Equal(t, http.StatusForbidden, c.call(t, f, teammatesWebhookRoute, r).StatusCode)
	}
	require.Error(t, c.checkRequest(t, teammatesRoute, httpCall{body: goodRequest}), "of another kind")
	require.Error(t, c.checkRequest(t, signedRoute, httpCall{body: teammateRequest}), "of another kind")
}

// The document's rules of a request for a teammate are those of the function.
func TestOpenAPIRulesOfTeammates(t *testing.T) {
	t.Parallel()
	// set returns the good request with other fields of the teammate; null takes one away.
	set := func(fields map[string]any) string {
		teammate := map[string]any{"email": "ada@example.com", "first_name": "Ada", "last_name": "Lovelace", "persona": "developer"}
		for name, value := range fields {
			if teammate[name] = value; value == nil {
				delete(teammate, name)
			}
		}
		return string(mustEncode(map[string]any{"teammate": teammate}))
	}
	type of = map[string]any
	access := func(fields of) string { return set(of{"persona": nil, "subuser_access": []any{fields}}) }
	email := `"teammate":{"email":"ada@example.com"}`
	good := []string{
		teammateRequest, administratorRequest, absentTeammateRequest,
		set(of{"email": " ada@example.com "}), set(of{"first_name": strings.Repeat("\u00fc", 100)}), set(of{"is_admin": false}),
		set(of{"persona": nil, "scopes": []string{"mail.send", "mail.send"}}), set(of{"persona": nil, "is_admin": true}),
		access(of{"subuser": "acme", "permission_type": "admin"}), access(of{"subuser": 7, "permission_type": "restricted", "scopes": []string{"mail.send"}}),
		withMember(teammateRequest, `"if_exists":"restore"`), withMember(teammateRequest, `"if_exists":null`), withMember(teammateRequest, `"state":"present"`), withMember(teammateRequest, `"dry_run":true`),
		`{"state":"absent",` + email + `,"dry_run":true,"metadata":{}}`, `{"managed":false,` + email + `}`, `{"managed":false,` + email + `,"metadata":{"ticket":"OPS-1"},"dry_run":false}`,
	}
	bad := []string{
		`{}`, `{"teammate":null}`, `{"teammate":{}}`, `{"teammate":"ada@example.com"}`, `{` + email + `}`,
		set(of{"email": "ada"}), set(of{"email": ""}), set(of{"email": 1}), set(of{"first_name": ""}), set(of{"first_name": " "}), set(of{"first_name": strings.Repeat("x", 101)}),
		set(of{"last_name": nil}), set(of{"last_name": "a\u0007"}), set(of{"persona": "boss"}), set(of{"persona": nil}), set(of{"persona": nil, "is_admin": false}), set(of{"is_admin": true}),
		set(of{"is_admin": "true", "persona": nil}), set(of{"scopes": []string{"mail.send"}}), set(of{"persona": nil, "scopes": []string{}}), set(of{"persona": nil, "scopes": "mail.send"}),
		set(of{"persona": nil, "scopes": []string{""}}), set(of{"team": "x"}), set(of{"persona": nil, "subuser_access": []any{}}),
		access(of{"subuser": "acme"}), access(of{"permission_type": "admin"}), access(of{"subuser": "", "permission_type": "admin"}), access(of{"subuser": 0, "permission_type": "admin"}),
		access(of{"subuser": "acme", "permission_type": "owner"}), access(of{"subuser": "acme", "permission_type": "restricted"}),
		access(of{"subuser": "acme", "permission_type": "admin", "scopes": []string{"mail.send"}}), access(of{"subuser": "acme", "permission_type": "admin", "id": 1}),
		withMember(teammateRequest, `"entity_id":"urn:idp:1"`), withMember(teammateRequest, `"if_exists":"replace"`), withMember(teammateRequest, `"state":"absent"`), withMember(teammateRequest, `"managed":true`),
		withMember(absentTeammateRequest, `"if_exists":"update"`), `{"managed":false,` + email + `,"if_exists":"update"}`, `{"managed":false,` + email + `,"state":"absent"}`,
	}
	for _, body := range append(good, bad...) {
		require.True(t, json.Valid([]byte(body)), body)
	}
	newContract(t).checkRules(t, teammatesRoute, good, bad)
}
