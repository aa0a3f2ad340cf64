package main_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"sendgrid-sso-integration/sendgrid"
)

const userID = "00u1recipeperson"

// withTeammates switches teammates on, with a person who is assigned to the application as a member
// of a group, in the form that Okta documents. The email in the profile is another one than the
// name in the application.
func (w *world) withTeammates() *world {
	w.env["TEAMMATES"] = "true"
	w.okta.PutUser(`{"id":"` + userID + `","status":"ACTIVE","created":"2026-11-20T08:00:00.000Z","lastLogin":null,"type":{"id":"oty1"},
		"profile":{"firstName":"Jane","lastName":"Doe","mobilePhone":null,"login":"jane@corp.example.com","email":"jane@corp.example.com"},
		"credentials":{"provider":{"type":"OKTA","name":"OKTA"}}}`)
	w.okta.Assign(appID, `{"id":"`+userID+`","externalId":null,"created":"2026-11-23T15:00:00.000Z","scope":"GROUP","status":"ACTIVE",
		"syncState":"DISABLED","credentials":{"userName":"jane.doe@example.com"},"profile":{},"_links":{}}`)
	return w
}

func TestAssignmentBecomesARequest(t *testing.T) {
	t.Parallel()
	w := newWorld(t).withTeammates()
	w.okta.Put(application(t), metadata(t))
	f := w.start(t)

	// At least once: the same event twice is the same request twice.
	reply := f.Invoke(queued(t, sample(t, "assignment-event"), sample(t, "assignment-event")), timeout)
	require.JSONEq(t, allProcessed, string(reply.Body))
	calls := []string{"GET /api/v1/apps/" + appID, "GET /api/v1/apps/" + appID + "/users/" + userID, "GET /api/v1/users/" + userID}
	require.Equal(t, append(calls, calls...), w.sent())
	require.Len(t, w.bus.Taken(), 2)
	for _, e := range w.bus.Taken() {
		require.JSONEq(t, `{"teammate":{"email":"jane.doe@example.com","first_name":"Jane","last_name":"Doe","persona":"observer"},
			"metadata":{"okta_app":"`+appID+`","okta_user":"`+userID+`","okta_event":"7b3f0c1e-7d5e-11f0-9d8a-0242ac120002"}}`, e.Detail)
		published := time.Date(2026, 11, 23, 15, 0, 0, 214e6, time.UTC)
		require.InDelta(t, float64(published.UnixMilli())/1000, e.Time, 0.001, "the time of the log event orders the requests")
	}
	require.Equal(t, userID, processed(t, f)[0]["okta_user"])
	require.NotContains(t, f.Log(), "Jane")
	require.NotContains(t, f.Log(), "@")

	// Off: the event ends in one line, and no call.
	w = newWorld(t).withTeammates()
	w.env["TEAMMATES"] = ""
	f = w.start(t)
	require.JSONEq(t, allProcessed, string(f.Invoke(queued(t, sample(t, "assignment-event")), timeout).Body))
	require.Equal(t, "Ignored", processed(t, f)[0]["outcome"])
	require.Equal(t, "INFO", processed(t, f)[0]["level"])
	require.Empty(t, w.sent())
}

// A service application needs the scope for people once teammates are on, and only then.
func TestScopeForPeople(t *testing.T) {
	t.Parallel()
	secret, _, public := newKey(t)
	w := newWorld(t).withTeammates()
	w.okta.SetTokens()
	w.okta.Put(application(t), metadata(t))
	w.okta.SetClient("0oaservice", "kid-1", public)
	w.secrets.Put("okta/credential", secret)

	f := w.start(t)
	require.Equal(t, "CredentialRefused", f.Invoke(sample(t, "assignment-event"), timeout).ErrorType())
	require.Contains(t, f.Log(), "invalid_scope")
	w.okta.Grant("okta.apps.manage", "okta.users.read")
	require.False(t, f.Invoke(sample(t, "assignment-event"), timeout).Failed)
	require.Len(t, w.bus.Taken(), 1)
}

// Somebody is assigned in Okta, and is a teammate in SendGrid. The result of that changes nothing
// in Okta, and somebody who is there already is not changed.
func TestAssignedPersonIsATeammate(t *testing.T) {
	t.Parallel()
	l := newLoop(t, newWorld(t).withTeammates())
	l.set(t, "ACTIVE", newSigningKey(t))
	l.log("application.lifecycle.create")
	l.settle(t)

	assigned := sample(t, "assignment-event")
	l.waiting = []message{{l.connector, assigned}}
	messages, okta, sendGrid := l.settle(t)
	require.Equal(t, []int{3, 0, 1}, []int{messages, okta, sendGrid}, "a log event, a request and a result")
	mates := l.sendGrid.Teammates()
	jane := mates[len(mates)-1]
	require.Equal(t, []string{"jane.doe@example.com", "Jane", "Doe"}, []string{jane.Email, jane.FirstName, jane.LastName})

	require.True(t, l.sendGrid.EditTeammate(jane.Email, func(t *sendgrid.Teammate) { t.IsAdmin = true }))
	l.waiting = []message{{l.connector, assigned}}
	_, okta, sendGrid = l.settle(t)
	require.Zero(t, okta)
	require.Zero(t, sendGrid)
}
