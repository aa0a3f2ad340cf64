package main_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"sendgrid-sso-integration/internal/ledger/dynalite"
	"sendgrid-sso-integration/internal/problem"
	"sendgrid-sso-integration/sendgrid"
	"sendgrid-sso-integration/sendgrid/sendgridtest"
)

// declaring returns a request for Ada, with these members of the field teammate and these beside it.
func declaring(within, beside string) []byte {
	return []byte(`{"teammate":{"email":"ada@example.com","first_name":"Ada","last_name":"Lovelace",` + within + `}` + beside + `}`)
}

// viaHTTP puts a request into an event of the HTTP API, whose caller IAM has authenticated, unless the header carries a
// webhook secret.
func viaHTTP(t *testing.T, path string, request []byte, header map[string]string) []byte {
	t.Helper()
	headers := map[string]string{"content-type": "application/json"}
	context := map[string]any{"http": map[string]string{"method": "POST", "path": path}}
	if header == nil {
		context["authorizer"] = map[string]any{"iam": map[string]string{"userArn": "arn:aws:iam::123456789012:user/it"}}
	}
	for name, value := range header {
		headers[name] = value
	}
	return encode(t, map[string]any{"version": "2.0", "rawPath": path, "headers": headers, "requestContext": context, "body": string(request)})
}

// The built function makes a person who may log in, changes what they may do, and removes them again.
func TestTeammates(t *testing.T) {
	t.Parallel()
	w := newAuditWorld(t, dynalite.Start(t), map[string]string{"TEAMMATES": "true"})
	w.sendGrid.AddSubuser(sendgrid.Subuser{Username: "south"})
	w.sendGrid.AddTeammate(sendgrid.Teammate{Email: "grace@example.com", IsAdmin: true, IsSSO: new(true)})
	w.sendGrid.AddTeammate(sendgrid.Teammate{Email: "bob@example.com", IsSSO: new(false)})
	invoke := func(want string, request []byte) []byte {
		t.Helper()
		response := w.f.Invoke(request, timeout)
		require.Equal(t, want, outcomeOf(t, response), "%s", response.Body)
		w.passTime(t)
		return response.Body
	}
	there := func() *sendgrid.Teammate {
		for _, each := range w.sendGrid.Teammates() {
			if each.Email == "ada@example.com" {
				return &each
			}
		}
		return nil
	}
	persona := declaring(`"persona":"developer"`, "")

	invoke("planned", declaring(`"persona":"developer"`, `,"dry_run":true`))
	require.Nil(t, there())
	w.sendGrid.Script(sendgridtest.Fault{Op: sendgrid.OpCreateTeammate, Drop: true, Commit: true})
	invoke("created", persona) // The response is lost.
	for range 10 {
		invoke("unchanged", persona)
	}
	require.Equal(t, 1, w.sendGrid.Count(sendgrid.OpCreateTeammate))
	invoke("Conflict", declaring(`"is_admin":true`, ""))
	invoke("updated", declaring(`"is_admin":true`, `,"if_exists":"update"`))
	require.True(t, there().IsAdmin)
	invoke("updated", declaring(`"scopes":["mail.send"]`, `,"if_exists":"update"`))
	require.False(t, there().IsAdmin, "a demotion")
	dropped := invoke("SendGridRejected", declaring(`"subuser_access":[{"subuser":"south","permission_type":"restricted","scopes":["no.such"]}]`, `,"if_exists":"update"`))
	require.Contains(t, string(dropped), "invalid scopes")
	invoke("updated", declaring(`"subuser_access":[{"subuser":"south","permission_type":"restricted","scopes":["mail.send"]}]`, `,"if_exists":"update"`))
	require.Equal(t, "south", there().SubuserAccess[0].Username)

	ending := func(email string) []byte { return []byte(`{"state":"absent","teammate":{"email":"` + email + `"}}`) }
	invoke("Conflict", ending("bob@example.com"))
	require.Contains(t, string(invoke("Conflict", ending("grace@example.com"))), "last administrator")
	invoke("deleted", ending("ada@example.com"))
	require.Nil(t, there())
	invoke("Conflict", persona)
	invoke("created", declaring(`"persona":"observer"`, `,"if_exists":"restore"`))
	invoke("InvalidRequest", []byte(strings.Replace(string(persona), "ada@example.com", "ada", 1)))
	require.Len(t, w.sendGrid.Teammates(), 3)
}

// A subuser's scope that does not exist makes SendGrid create a person without access, and say nothing about it.
func TestTeammateOfWhichSomethingWasDropped(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.env["TEAMMATES"] = "true"
	w.sendGrid.AddSubuser(sendgrid.Subuser{Username: "south"})
	f := w.start(t)
	request := declaring(`"subuser_access":[{"subuser":"south","permission_type":"restricted","scopes":["no.such"]}]`, "")
	for range 2 {
		response := f.Invoke(request, timeout)
		require.Equal(t, "SendGridRejected", outcomeOf(t, response), "%s", response.Body)
		require.Contains(t, string(response.Body), "teammate.subuser_access")
	}
	require.Equal(t, 1, w.sendGrid.Count(sendgrid.OpCreateTeammate))
}

// The path decides what a caller may send, and a webhook secret never makes an administrator.
func TestTeammateRoutes(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.env["TEAMMATES"] = "true"
	secret := map[string]string{"authorization": "Bearer local-bearer-secret-for-samples"}
	f := w.start(t)
	admin, persona := declaring(`"is_admin":true`, ""), declaring(`"persona":"developer"`, "")
	for _, tt := range []struct {
		path    string
		request []byte
		header  map[string]string
		want    problem.Code // Empty for success.
	}{
		{"/sso/integrations", persona, nil, problem.InvalidRequest},
		{"/sso/teammates", requestFor("urn:1"), nil, problem.InvalidRequest},
		{"/webhooks/sso/teammates", admin, secret, problem.Forbidden},
		{"/webhooks/sso/teammates", declaring(`"persona":"developer"`, `,"if_exists":"update"`), secret, problem.Forbidden},
		{"/webhooks/sso/teammates", []byte(`{"state":"absent","teammate":{"email":"ada@example.com"}}`), secret, problem.Forbidden},
		{"/webhooks/sso/teammates", persona, map[string]string{"authorization": "Bearer wrong"}, problem.Unauthenticated},
		{"/webhooks/sso/teammates", persona, secret, ""},
		{"/webhooks/sso/teammates", declaring(`"persona":"observer"`, ""), secret, problem.Conflict},
		{"/sso/teammates", declaring(`"is_admin":true`, `,"if_exists":"update"`), nil, ""},
	} {
		response := f.Invoke(viaHTTP(t, tt.path, tt.request, tt.header), timeout)
		require.Equal(t, string(tt.want), codeOf(t, response), "%s %s: %s", tt.path, tt.request, response.Body)
		if tt.want == "" {
			var gateway struct{ Body string }
			require.NoError(t, json.Unmarshal(response.Body, &gateway))
			require.Contains(t, gateway.Body, `"email":"ada@example.com"`)
		}
	}
}

func TestTeammatesAreOffByDefault(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	f := w.start(t)
	response := f.Invoke(declaring(`"persona":"developer"`, ""), timeout)
	require.Equal(t, "InvalidRequest", outcomeOf(t, response), "%s", response.Body)
	require.Contains(t, string(response.Body), "TEAMMATES")
	require.Empty(t, w.sendGrid.Teammates())
}
