package auth_test

import (
	"encoding/base64"
	"encoding/hex"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
)

// Each target has a stranger send anything, and now and then somebody who knows a secret.
// In a bubble the time is always the same, so a timestamp in the corpus does not grow old.

// FuzzStandardWebhooks looks for a signature that is believed and was not made with the
// secret, over just this id, time and body.
func FuzzStandardWebhooks(f *testing.F) {
	f.Add("msg_1", "946684800", "v1,AAAA", body, false)
	f.Add("msg_1", "946684800", "v1a,AAAA v1, ", body, true)
	f.Add("msg_1", "+946684800", "", body, true)
	f.Add("msg_1.946684800", "946684800", "", body, true)
	f.Add("", "9223372036854775807", strings.Repeat("v1,A ", 16), "", true)
	v, key := knows(f, everything()), secretOf("old", "standard_webhooks")
	f.Fuzz(func(t *testing.T, id, timestamp, list, body string, signs bool) {
		want := "v1," + base64.StdEncoding.EncodeToString(sum(key, id+"."+timestamp+"."+body))
		if signs {
			list = want + " " + list
		}
		for _, prefix := range []string{"Webhook", "Svix"} {
			header := http.Header{prefix + "-Id": {id}, prefix + "-Timestamp": {timestamp}, prefix + "-Signature": {list}}
			synctest.Test(t, func(t *testing.T) {
				seconds, err := strconv.ParseInt(timestamp, 10, 64)
				good := err == nil && seconds >= time.Now().Unix()-300 && seconds <= time.Now().Unix()+300 &&
					id != "" && !strings.Contains(id, ".") && max(len(id), len(timestamp), len(list)) <= 4096 &&
					strings.Count(list, " ") < 16 && slices.Contains(strings.Split(list, " "), want)
				requireBelieved(t, good, v.Verify(t.Context(), header, []byte(body)))
			})
		}
	})
}

// FuzzHubSignature looks for a signature of GitHub or Jira that is believed and was not
// made with the secret over just this body.
func FuzzHubSignature(f *testing.F) {
	f.Add("sha256="+strings.Repeat("0", 64), body, false)
	f.Add("sha1="+strings.Repeat("0", 40), body, false)
	f.Add("sha256=", "", false)
	f.Add("", body, true)
	v := knows(f, everything())
	f.Fuzz(func(t *testing.T, value, body string, signs bool) {
		for _, s := range []sender{senders()["github"], senders()["jira"]} {
			want := "sha256=" + hex.EncodeToString(sum(s.old, body))
			if signs {
				value = want + value
			}
			err := v.Verify(t.Context(), http.Header{s.proof: {value}}, []byte(body))
			requireBelieved(t, value == want, err)
		}
	})
}

// FuzzZendesk looks for a signature that is believed and was not made with the secret over
// just this time and body.
func FuzzZendesk(f *testing.F) {
	f.Add("2000-01-01T00:00:00Z", strings.Repeat("A", 43)+"=", body, false)
	f.Add("2000-01-01T00:00:00Z", "", body, true)
	f.Add("2000-01-01T01:05:00.000+01:00", "", body, true)
	f.Add("1999-12-31T23:54:59Z", "", body, true)
	f.Add("2000-01-01T00:00:00", "", "Z"+body, true)
	v, key := knows(f, everything()), secretOf("old", "zendesk")
	f.Fuzz(func(t *testing.T, timestamp, value, body string, signs bool) {
		want := base64.StdEncoding.EncodeToString(sum(key, timestamp+body))
		if signs {
			value = want + value
		}
		header := http.Header{"X-Zendesk-Webhook-Signature": {value}, "X-Zendesk-Webhook-Signature-Timestamp": {timestamp}}
		synctest.Test(t, func(t *testing.T) {
			at, err := time.Parse(time.RFC3339, timestamp)
			good := err == nil && len(timestamp) <= 4096 && time.Since(at).Abs() <= 5*time.Minute && value == want
			requireBelieved(t, good, v.Verify(t.Context(), header, []byte(body)))
		})
	})
}

// FuzzAPIKey looks for a header that is believed and is not the secret.
func FuzzAPIKey(f *testing.F) {
	s := senders()["api key"]
	f.Add(s.new, "")
	f.Add(s.old+"\t", "")
	f.Add(s.old, s.new)
	f.Add("", "")
	v := knows(f, everything())
	f.Fuzz(func(t *testing.T, first, second string) {
		values := []string{first}
		if second != "" {
			values = append(values, second)
		}
		err := v.Verify(t.Context(), http.Header{"X-Api-Key": values}, nil)
		key := strings.TrimSpace(first)
		requireBelieved(t, second == "" && len(first) <= 4096 && (key == s.old || key == s.new), err)
	})
}

// FuzzAuthorization looks for a header that is believed and is not the configured value.
func FuzzAuthorization(f *testing.F) {
	s := senders()["authorization"]
	f.Add(s.new)
	f.Add(" " + s.old)
	f.Add("Bearer " + s.old)
	f.Add(strings.TrimPrefix(s.new, "Basic "))
	v := knows(f, has("authorization", s.new, s.old))
	f.Fuzz(func(t *testing.T, value string) {
		key := strings.TrimSpace(value)
		requireBelieved(t, len(value) <= 4096 && (key == s.old || key == s.new), v.Verify(t.Context(), bearer(value), nil))
	})
}

// requireBelieved expects a request to be believed, or else refused, and nothing third.
func requireBelieved(t *testing.T, good bool, err error) {
	t.Helper()
	if good {
		require.NoError(t, err)
		return
	}
	requireRefused(t, err, "")
}
