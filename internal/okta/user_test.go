package okta_test

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"sendgrid-sso-integration/internal/okta"
)

// The responses have the form that Okta documents.
func TestUsers(t *testing.T) {
	t.Parallel()
	client := newClient(func(r *http.Request) *http.Response {
		if r.URL.Path == "/api/v1/apps/0oa1/users/00u1" {
			return respond(http.StatusOK, `{"id":"00u1","externalId":null,"scope":"GROUP","status":"ACTIVE","syncState":"DISABLED",
				"credentials":{"userName":"jane.doe@example.com"},"profile":{},"_links":{}}`)
		}
		require.Equal(t, "/api/v1/users/00u1", r.URL.Path)
		return respond(http.StatusOK, `{"id":"00u1","status":"ACTIVE","type":{"id":"oty1"},"credentials":{"provider":{"type":"OKTA"}},
			"profile":{"firstName":"Jane","lastName":"Doe","mobilePhone":null,"login":"jane@corp.example.com","email":"jane@corp.example.com"}}`)
	})
	user, err := client.User(t.Context(), "00u1")
	require.NoError(t, err)
	require.Equal(t, &okta.User{FirstName: "Jane", LastName: "Doe"}, user)
	assigned, err := client.AppUser(t.Context(), "0oa1", "00u1")
	require.NoError(t, err)
	require.Equal(t, &okta.AppUser{UserName: "jane.doe@example.com"}, assigned)
}

func TestUsersWithoutNames(t *testing.T) {
	t.Parallel()
	client := newClient(func(*http.Request) *http.Response {
		return respond(http.StatusOK, `{"id":"00u1","profile":{"firstName":null},"credentials":null}`)
	})
	user, err := client.User(t.Context(), "00u1")
	require.NoError(t, err)
	require.Zero(t, *user)
	assigned, err := client.AppUser(t.Context(), "0oa1", "00u1")
	require.NoError(t, err)
	require.Zero(t, *assigned)
}

// A response that cannot be read is about a person. Nothing of it gets into the error.
func TestUnreadableUsers(t *testing.T) {
	t.Parallel()
	for _, body := range []string{"<html>Jane", `[]`, `{}`, `{"id":"00u1","profile":"Jane","credentials":"Jane"}`} {
		client := newClient(func(*http.Request) *http.Response { return respond(http.StatusOK, body) })
		_, err := client.User(t.Context(), "00u1")
		require.ErrorContains(t, err, "not the documented JSON", body)
		require.NotContains(t, err.Error(), "Jane")
		_, err = client.AppUser(t.Context(), "0oa1", "00u1")
		require.ErrorContains(t, err, "not the documented JSON", body)
		require.NotContains(t, err.Error(), "Jane")
	}
}
