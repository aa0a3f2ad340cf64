package main_test

import (
	"bytes"
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"sendgrid-sso-integration/internal/okta/oktatest"
)

// tree decodes JSON with its numbers as they are written.
func tree(t *testing.T, text string) map[string]any {
	t.Helper()
	decoder := json.NewDecoder(strings.NewReader(text))
	decoder.UseNumber()
	var v map[string]any
	require.NoError(t, decoder.Decode(&v))
	return v
}

// written is what Okta must have after the URLs were put into an application: everything as it
// was but the four values, and Okta's own time.
func written(t *testing.T, w *world) map[string]any {
	t.Helper()
	want := tree(t, application(t))
	signOn := want["settings"].(map[string]any)["signOn"].(map[string]any)
	for _, name := range []string{"ssoAcsUrl", "recipient", "destination", "audience"} {
		signOn[name] = acsURL
	}
	want["lastUpdated"] = tree(t, w.okta.App(appID))["lastUpdated"]
	return want
}

func TestResultIsWrittenBack(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.okta.Put(application(t), metadata(t))
	f := w.start(t)

	// At least once: the same message twice.
	reply := f.Invoke(queued(t, sample(t, "result-event"), sample(t, "result-event")), timeout)
	require.JSONEq(t, allProcessed, string(reply.Body))
	require.Equal(t, written(t, w), tree(t, w.okta.App(appID)), "exactly four values change")
	require.Equal(t, 1, w.okta.Writes())
	get, put, meta := "GET /api/v1/apps/"+appID, "PUT /api/v1/apps/"+appID, "GET /api/v1/apps/"+appID+"/sso/saml/metadata?kid=kid-1"
	require.Equal(t, []string{get, meta, put, get, get}, w.sent())

	// The change makes a log event, and the result of its request changes nothing: the loop ends.
	require.JSONEq(t, allProcessed, string(f.Invoke(queued(t, sample(t, "log-event")), timeout).Body))
	require.Len(t, w.bus.Taken(), 1)
	unchanged := bytes.ReplaceAll(sample(t, "result-event"), []byte("Integration Created"), []byte("Integration Unchanged"))
	require.JSONEq(t, `{"outcome":"Unchanged","okta_app":"`+appID+`"}`, string(f.Invoke(unchanged, timeout).Body))
	require.Equal(t, 1, w.okta.Writes())

	line := processed(t, f)[0]
	require.Equal(t, map[string]any{
		"kind": "result", "outcome": "Updated", "okta_calls": 4.0, "cold_start": true, "okta_app": appID, "message_id": "0",
		"okta_event": "2ab4ec5f-7d5e-11f0-9d8a-0242ac120002", "event_id": "6a7e8feb-b491-4cf7-a9f1-bf3703467718",
	}, map[string]any{
		"kind": line["kind"], "outcome": line["outcome"], "okta_calls": line["okta_calls"], "cold_start": line["cold_start"],
		"okta_app": line["okta_app"], "message_id": line["message_id"], "okta_event": line["okta_event"], "event_id": line["event_id"],
	})
}

// A result event with the URLs of somebody else changes nothing, whoever put it on the bus.
func TestForgedResultIsRefused(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.okta.Put(application(t), metadata(t))
	f := w.start(t)
	forged := bytes.ReplaceAll(sample(t, "result-event"), []byte("https://api.sendgrid.com/"), []byte("https://api.sendgrid.com.example.com/"))
	require.Contains(t, string(f.Invoke(forged, timeout).Body), `"outcome":"Refused"`)
	require.JSONEq(t, allProcessed, string(f.Invoke(queued(t, forged), timeout).Body), "a repetition cannot help")
	require.Zero(t, w.okta.Writes())
	require.Empty(t, w.sent())
	require.Len(t, processed(t, f), 2)
	require.Equal(t, "WARN", processed(t, f)[0]["level"])

	// A laptop writes the URLs of its simulator, and no others.
	w.env["SENDGRID_BASE_URL"] = "http://127.0.0.1:8089"
	f = w.start(t)
	require.Contains(t, string(f.Invoke(sample(t, "result-event"), timeout).Body), `"outcome":"Refused"`)
	simulated := bytes.ReplaceAll(sample(t, "result-event"), []byte("https://api.sendgrid.com/"), []byte("http://127.0.0.1:8089/"))
	require.Contains(t, string(f.Invoke(simulated, timeout).Body), `"outcome":"Updated"`)
	require.Contains(t, w.okta.App(appID), "http://127.0.0.1:8089/")
}

func TestCrashBetweenWriteAndReadBack(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.okta.Put(application(t), metadata(t))
	f := w.start(t)
	w.afterOkta = func(r *http.Request) {
		if r.Method == http.MethodPut {
			f.Kill()
		}
	}
	require.Empty(t, f.Invoke(queued(t, sample(t, "result-event")), timeout))
	require.Equal(t, 1, w.okta.Writes())

	again := w.start(t)
	require.JSONEq(t, allProcessed, string(again.Invoke(queued(t, sample(t, "result-event")), timeout).Body))
	require.Equal(t, "Unchanged", processed(t, again)[0]["outcome"])
	require.Equal(t, 1, w.okta.Writes())
	require.Equal(t, written(t, w), tree(t, w.okta.App(appID)))
}

// Okta may say yes and do nothing, or do it and say no. Neither is taken for the other.
func TestResponseOfTheWriteIsWrong(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		fault  oktatest.Fault
		code   string
		writes int
	}{
		"not written":         {oktatest.Fault{Method: http.MethodPut, Status: 200}, "WriteUnconfirmed", 0},
		"written, response 5": {oktatest.Fault{Method: http.MethodPut, Status: 503, After: true}, "OktaUnavailable", 1},
		"rejected":            {oktatest.Fault{Method: http.MethodPut, Status: 400, Body: `{"errorCode":"E0000001"}`}, "OktaRejected", 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.okta.Put(application(t), metadata(t))
			w.okta.Fail(tt.fault)
			f := w.start(t)
			require.Equal(t, tt.code, f.Invoke(sample(t, "result-event"), timeout).ErrorType())
			require.Equal(t, tt.writes, w.okta.Writes())
			require.False(t, f.Invoke(sample(t, "result-event"), timeout).Failed)
			require.Equal(t, 1, w.okta.Writes())
			require.Equal(t, written(t, w), tree(t, w.okta.App(appID)))
		})
	}
}
