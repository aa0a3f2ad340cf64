package handler_test

import (
	"context"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/require"

	"sendgrid-sso-integration/internal/problem"
	"sendgrid-sso-integration/internal/protocol"
	"sendgrid-sso-integration/internal/provision"
	"sendgrid-sso-integration/internal/request"
	"sendgrid-sso-integration/sendgrid"
	"sendgrid-sso-integration/sendgrid/sendgridtest"
)

const (
	teammatesRoute        = "/sso/teammates"
	teammatesWebhookRoute = "/webhooks/sso/teammates"

	teammateRequest       = `{"teammate":{"email":"Ada@Example.com","first_name":"Ada","last_name":"Lovelace","persona":"developer"},"metadata":{"ticket":"OPS-1"}}`
	administratorRequest  = `{"teammate":{"email":"ada@example.com","first_name":"Ada","last_name":"Lovelace","is_admin":true}}`
	absentTeammateRequest = `{"state":"absent","teammate":{"email":"ada@example.com"}}`
)

// withMember returns a request with another member.
func withMember(body, member string) string { return strings.Replace(body, "{", "{"+member+",", 1) }

// removed responds to every request as one that removes a teammate.
func removed(_ context.Context, r request.Resolved) (*provision.Result, error) {
	return &provision.Result{Outcome: protocol.OutcomeDeleted, Teammate: &provision.Teammate{Email: r.Teammate.Email}, Metadata: r.Metadata}, nil
}

// A created teammate has its address in SendGrid's API; the line in the log names who it is.
func TestTeammateOverHTTP(t *testing.T) {
	t.Parallel()
	for gateway, event := range gateways {
		for _, path := range []string{teammatesRoute, "/prod" + teammatesRoute + "/", teammatesWebhookRoute} {
			f := newFixture(created)
			a := f.call(t, event(httpCall{path: path, body: teammateRequest}))
			require.Equal(t, http.StatusCreated, a.StatusCode, "%s %s", gateway, path)
			require.Equal(t, "https://sg.example.com/teammates/ada@example.com", a.Headers["Location"])
			require.JSONEq(t, `{"outcome":"created","teammate":{"email":"ada@example.com","first_name":"Ada","last_name":"Lovelace","is_admin":false},"metadata":{"ticket":"OPS-1"}}`, a.Body)
			line := f.log.line(t)
			require.Equal(t, []any{"ada@example.com", "created", callerARN}, []any{line["email"], line["outcome"], line["caller"]})
			require.NotContains(t, line, "entity_id")
		}
	}
	a := newFixture(removed).call(t, gateways["HTTP API"](httpCall{path: teammatesRoute, body: absentTeammateRequest}))
	require.Equal(t, http.StatusOK, a.StatusCode)
	require.NotContains(t, a.Headers, "Location")
	require.JSONEq(t, `{"outcome":"deleted","teammate":{"email":"ada@example.com"}}`, a.Body)
}

// A permission for the route of connections is none for teammates, and says where to send them.
func TestTeammateByAnotherPath(t *testing.T) {
	t.Parallel()
	for gateway, event := range gateways {
		for _, path := range []string{signedRoute, webhookRoute, "/", "/sso/teammates/x", "/xsso/teammates"} {
			for _, body := range []string{teammateRequest, absentTeammateRequest, `{"managed":false,"teammate":{"email":"ada@example.com"}}`} {
				p := newFixture(nil).call(t, event(httpCall{path: path, body: body})).problem(t)
				require.Equal(t, "InvalidRequest", p.Code, "%s %s", gateway, path)
				require.Contains(t, p.Detail, "ends in /sso/teammates")
			}
		}
	}
}

// A refused request is traced by its metadata and the email, if that is valid.
func TestRefusedTeammateIsTraced(t *testing.T) {
	t.Parallel()
	for body, email := range map[string]string{
		strings.Replace(teammateRequest, "developer", "boss", 1): "ada@example.com",
		strings.Replace(teammateRequest, "@Example", " ", 1):     "",
	} {
		published := &recordingPublisher{}
		f := newFixture(nil)
		f.Publisher = published
		p := f.call(t, gateways["HTTP API"](httpCall{path: teammatesRoute, body: body})).problem(t)
		require.Equal(t, []any{"InvalidRequest", email, map[string]string{"ticket": "OPS-1"}}, []any{p.Code, p.Email, p.Metadata})
		require.Equal(t, email, f.log.line(t)["email"])
		require.Len(t, published.published, 1)
		require.True(t, published.published[0].IsForTeammate())
	}
	p := newFixture(fails(failure(problem.Conflict))).call(t, gateways["HTTP API"](httpCall{path: teammatesRoute, body: teammateRequest})).problem(t)
	require.Equal(t, "ada@example.com", p.Email, "as in the log line")
}

// A webhook secret alone creates a teammate, and neither changes nor removes one, nor makes an administrator. The
// deployment may permit all but the last.
func TestTeammatesByWebhookSecret(t *testing.T) {
	t.Parallel()
	subuser := func(access string) string {
		return strings.Replace(teammateRequest, `"persona":"developer"`, `"subuser_access":[{"subuser":"acme",`+access+`}]`, 1)
	}
	for name, tt := range map[string]struct {
		body             string
		alone, permitted bool
		says             string
	}{
		"create":                   {teammateRequest, true, true, ""},
		"create, dry run":          {withMember(teammateRequest, `"dry_run":true`), true, true, ""},
		"create for a subuser":     {subuser(`"permission_type":"restricted","scopes":["mail.send"]`), true, true, ""},
		"update":                   {withMember(teammateRequest, `"if_exists":"update"`), false, true, "may create a teammate, and neither change nor remove one"},
		"restore":                  {withMember(teammateRequest, `"if_exists":"restore"`), false, true, "neither change nor remove one"},
		"remove":                   {absentTeammateRequest, false, true, "neither change nor remove one"},
		"remove, dry run":          {withMember(absentTeammateRequest, `"dry_run":true`), false, true, "neither change nor remove one"},
		"forget":                   {`{"managed":false,"teammate":{"email":"ada@example.com"}}`, false, true, "neither change nor remove one"},
		"administrator":            {administratorRequest, false, false, "may not make an administrator"},
		"administrator, update":    {withMember(administratorRequest, `"if_exists":"update"`), false, false, "may not make an administrator"},
		"administrator, dry run":   {withMember(administratorRequest, `"dry_run":true`), false, false, "may not make an administrator"},
		"administrator, a subuser": {subuser(`"permission_type":"admin"`), false, false, "neither of the account nor of a subuser"},
		"may change SSO":           {strings.Replace(teammateRequest, `"persona":"developer"`, `"scopes":["mail.send","sso.settings.update"]`, 1), false, false, "nor give a scope that changes SSO or teammates"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for gateway, event := range gateways {
				for mayUpdate, may := range map[bool]bool{false: tt.alone, true: tt.permitted} {
					reached := false
					f := newFixture(func(ctx context.Context, r request.Resolved) (*provision.Result, error) {
						reached = true
						return created(ctx, r)
					})
					f.Verifier, f.WebhookMayUpdate = verify(accept), mayUpdate
					a := f.call(t, event(httpCall{path: teammatesWebhookRoute, body: tt.body, unknown: true}))
					require.Equal(t, may, reached, "%s %t", gateway, mayUpdate)
					if !may {
						require.Equal(t, "Forbidden", a.problem(t).Code)
						require.Contains(t, a.problem(t).Detail, tt.says)
					}
					require.Equal(t, "created", func() string { // Whoever AWS authenticated may do all of it.
						f := newFixture(created)
						f.call(t, event(httpCall{path: teammatesRoute, body: tt.body}))
						return f.log.line(t)["outcome"].(string)
					}())
				}
			}
		})
	}
}

// Where there is no path, the request says what it is about.
func TestTeammatesWithoutHTTP(t *testing.T) {
	t.Parallel()
	for name, event := range map[string]func(string) []byte{
		"direct": functions["direct"], "EventBridge": functions["EventBridge"], "SQS": func(body string) []byte { return batch(body) },
	} {
		for body, named := range map[string]string{teammateRequest: "email", administratorRequest: "email", goodRequest: "entity_id"} {
			f := newFixture(created)
			require.Empty(t, f.code(t, event(body)), name)
			require.NotEmpty(t, f.log.line(t)[named], name)
		}
	}
	f := newFixture(nil)
	require.Equal(t, "InvalidRequest", f.code(t, functions["EventBridge"](withMember(teammateRequest, `"dry_run":true`))), "nobody gets the response")
}

// Through the real provisioner: what it makes, and what it refuses while teammates are switched off.
func TestTeammatesReachSendGrid(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		server := sendgridtest.New()
		network := sendgridtest.NewNetwork(server)
		defer network.Close()
		l := newLeaky(network)
		f := l.fixture()
		call := func(body string) response {
			return f.call(t, gateways["HTTP API"](httpCall{path: teammatesRoute, body: body}))
		}
		p := call(teammateRequest).problem(t)
		require.Equal(t, []string{"teammate"}, p.fields())
		require.Contains(t, p.Errors[0].Message, "TEAMMATES")
		require.Empty(t, server.Teammates())

		provisioner := f.Provisioner.(*provision.Provisioner)
		client := provisioner.SendGrid.(*sendgrid.Client)
		provisioner.Teammates, f.TeammateURL = client, client.TeammateURL
		planned := call(withMember(administratorRequest, `"dry_run":true`))
		require.Contains(t, planned.Body, `"operation":"create teammate"`)
		require.Empty(t, server.Teammates())
		made := call(administratorRequest)
		require.Equal(t, "https://api.sendgrid.com/v3/teammates/ada@example.com", made.Headers["Location"])
		require.True(t, server.Teammates()[0].IsAdmin)
		require.Equal(t, "Conflict", call(absentTeammateRequest).problem(t).Code, "it is the last administrator")
	})
}
