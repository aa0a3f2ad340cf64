package main_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestLogEventBecomesARequest(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.okta.Put(application(t), metadata(t))
	f := w.start(t)

	reply := f.Invoke(queued(t, sample(t, "log-event")), timeout)
	require.JSONEq(t, allProcessed, string(reply.Body))
	require.Equal(t, []string{"GET /api/v1/apps/" + appID, "GET /api/v1/apps/" + appID + "/sso/saml/metadata?kid=kid-1"}, w.sent())
	require.Len(t, w.bus.Taken(), 1)
	e := w.bus.Taken()[0]
	require.Equal(t, "requests", e.EventBusName)
	require.Equal(t, "com.example.idp", e.Source)
	require.Equal(t, "IdP Application Created", e.DetailType)
	published := time.Date(2026, 11, 23, 15, 0, 0, 123e6, time.UTC)
	require.InDelta(t, float64(published.UnixMilli())/1000, e.Time, 0.001, "the time of the log event orders the requests")
	want, err := json.Marshal(map[string]any{
		"name": "SendGrid", "enabled": true, "saml_metadata": string(metadata(t)), "if_exists": "update",
		"metadata": map[string]string{"okta_app": appID, "okta_event": "2ab4ec5f-7d5e-11f0-9d8a-0242ac120002"},
	})
	require.NoError(t, err)
	require.JSONEq(t, string(want), e.Detail)
	require.Zero(t, w.okta.Writes())

	// A deactivated application disables its integration.
	w.okta.Put(strings.Replace(application(t), `"ACTIVE"`, `"INACTIVE"`, 1), metadata(t))
	reply = f.Invoke(bytes.ReplaceAll(sample(t, "log-event"), []byte("lifecycle.update"), []byte("lifecycle.deactivate")), timeout)
	require.JSONEq(t, `{"outcome":"Announced","okta_app":"`+appID+`"}`, string(reply.Body))
	require.Contains(t, w.bus.Taken()[1].Detail, `"enabled":false`)
	require.Equal(t, 1, w.secrets.Calls())
}

// The event of a creation may come before there is anything to read.
func TestApplicationIsNotThereYet(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.okta.Put(application(t), nil)
	f := w.start(t)
	event := queued(t, sample(t, "log-event"))

	require.JSONEq(t, firstFailed, string(f.Invoke(event, timeout).Body))
	w.okta.Put(application(t), []byte("<md:EntityDescriptor"))
	require.JSONEq(t, firstFailed, string(f.Invoke(event, timeout).Body))
	require.InDelta(t, 2, metric(t, f, "ApplicationNotReady"), 0)
	require.Empty(t, w.bus.Taken())

	w.okta.Put(application(t), metadata(t))
	require.JSONEq(t, allProcessed, string(f.Invoke(event, timeout).Body))
	require.Len(t, w.bus.Taken(), 1)
}

// Okta's log is ahead of what its API shows. The queue brings the event again until both agree.
func TestOktaShowsItLater(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	f := w.start(t)
	deactivated := bytes.ReplaceAll(sample(t, "log-event"), []byte("lifecycle.update"), []byte("lifecycle.deactivate"))
	published := regexp.MustCompile(`"published": "[^"]*"`)
	require.Regexp(t, published, string(deactivated))
	event := queued(t, published.ReplaceAll(deactivated, fmt.Appendf(nil, `"published": %q`, time.Now().UTC().Format(time.RFC3339Nano))))

	require.JSONEq(t, firstFailed, string(f.Invoke(event, timeout).Body))
	w.okta.Put(application(t), metadata(t))
	require.JSONEq(t, firstFailed, string(f.Invoke(event, timeout).Body))
	require.InDelta(t, 2, metric(t, f, "NotShownYet"), 0)
	require.Empty(t, w.bus.Taken())

	w.okta.Put(strings.Replace(application(t), `"ACTIVE"`, `"INACTIVE"`, 1), metadata(t))
	require.JSONEq(t, allProcessed, string(f.Invoke(event, timeout).Body))
	require.Len(t, w.bus.Taken(), 1)
	require.Contains(t, w.bus.Taken()[0].Detail, `"enabled":false`)
}

// What does not concern SendGrid is done after one look-up, also an application that was
// deleted since. One message does not fail the others.
func TestOtherApplicationsAreIgnored(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	rename := strings.NewReplacer(appID, "0oaother", `"label": "SendGrid"`, `"label": "Payroll"`)
	w.okta.Put(rename.Replace(application(t)), metadata(t))
	w.okta.Put(strings.NewReplacer(appID, "0oaoidc", "SAML_2_0", "OPENID_CONNECT").Replace(application(t)), metadata(t))
	w.okta.Put(strings.Replace(application(t), appID, "0oabroken", 1), nil)
	f := w.start(t)
	about := func(app string) []byte { return bytes.ReplaceAll(sample(t, "log-event"), []byte(appID), []byte(app)) }

	reply := f.Invoke(queued(t, about("0oabroken"), about("0oaother"), about("0oaoidc"), about("0oagone"), []byte("{")), timeout)
	require.JSONEq(t, `{"batchItemFailures":[{"itemIdentifier":"0"},{"itemIdentifier":"4"}]}`, string(reply.Body))
	require.Empty(t, w.bus.Taken())
	var reasons []any
	for _, line := range processed(t, f)[1:4] {
		require.Equal(t, "Ignored", line["outcome"])
		reasons = append(reasons, line["reason"])
	}
	require.Equal(t, []any{
		"the name of the application does not begin with APPLICATION_NAME_PREFIX",
		"the application does not use SAML 2.0", "the application does not exist",
	}, reasons)
}

func TestBusRefusesARequest(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.okta.Put(application(t), metadata(t))
	w.bus.Refuse("InternalFailure")
	f := w.start(t)
	require.Equal(t, "EventBusUnavailable", f.Invoke(sample(t, "log-event"), timeout).ErrorType())
	require.False(t, f.Invoke(sample(t, "log-event"), timeout).Failed)
	require.Len(t, w.bus.Taken(), 1)
}
