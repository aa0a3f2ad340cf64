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

// Each target sends arbitrary proofs, some of them valid. In a synctest bubble the time is
// always the same, so that a timestamp in the corpus does not become too old.

// FuzzStandardWebhooks searches for a signature that is accepted though it was not made
// with the secret over exactly this id, time and body.
func FuzzStandardWebhooks(f *testing.F) {
	f.Add("msg_1", "946684800", "v1,AAAA", body, false)
	f.Add("msg_1", "946684800", "v1a,AAAA v1, ", body, true)
	f.Add("msg_1", "+946684800", "", body, true)
	f.Add("msg_1.946684800", "946684800", "", body, true)
	f.Add("", "9223372036854775807", strings.Repeat("v1,A ", 16), "", true)
	v, key := configured(f, everything()), secretOf("old", "standard_webhooks")
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
				requireOutcome(t, good, verify(t.Context(), v, header, []byte(body)))
			})
		}
	})
}

// FuzzHubSignature searches for a signature of GitHub or Jira that is accepted though it was
// not made with the secret over exactly this body.
func FuzzHubSignature(f *testing.F) {
	f.Add("sha256="+strings.Repeat("0", 64), body, false)
	f.Add("sha1="+strings.Repeat("0", 40), body, false)
	f.Add("sha256=", "", false)
	f.Add("", body, true)
	v := configured(f, everything())
	f.Fuzz(func(t *testing.T, value, body string, signs bool) {
		for _, s := range []sender{senders()["github"], senders()["jira"]} {
			want := "sha256=" + hex.EncodeToString(sum(s.old, body))
			if signs {
				value = want + value
			}
			err := verify(t.Context(), v, http.Header{s.proof: {value}}, []byte(body))
			requireOutcome(t, value == want, err)
		}
	})
}

// FuzzZendesk searches for a signature that is accepted though it was not made with the
// secret over exactly this time and body.
func FuzzZendesk(f *testing.F) {
	f.Add("2000-01-01T00:00:00Z", strings.Repeat("A", 43)+"=", body, false)
	f.Add("2000-01-01T00:00:00Z", "", body, true)
	f.Add("2000-01-01T01:05:00.000+01:00", "", body, true)
	f.Add("1999-12-31T23:54:59Z", "", body, true)
	f.Add("2000-01-01T00:00:00", "", "Z"+body, true)
	v, key := configured(f, everything()), secretOf("old", "zendesk")
	f.Fuzz(func(t *testing.T, timestamp, value, body string, signs bool) {
		want := base64.StdEncoding.EncodeToString(sum(key, timestamp+body))
		if signs {
			value = want + value
		}
		header := http.Header{"X-Zendesk-Webhook-Signature": {value}, "X-Zendesk-Webhook-Signature-Timestamp": {timestamp}}
		synctest.Test(t, func(t *testing.T) {
			at, err := time.Parse(time.RFC3339, timestamp)
			good := err == nil && len(timestamp) <= 4096 && time.Since(at).Abs() <= 5*time.Minute && value == want
			requireOutcome(t, good, verify(t.Context(), v, header, []byte(body)))
		})
	})
}

// FuzzStaticSecret searches for a header that is accepted though it is not the secret.
func FuzzStaticSecret(f *testing.F) {
	all := senders()
	key, value, token := all["api key"], all["authorization"], all["bearer"]
	for _, seed := range []string{
		key.new, key.old + "\t", value.new, " " + value.old, "Bearer " + value.old, "Bearer " + token.new,
		"bearer  " + token.old + "\t", "Basic x", "Bearer", "", token.new, "Bearer " + token.old + "," + token.new,
	} {
		f.Add(seed, "")
		f.Add(seed, key.new)
	}
	v := configured(f, everything())
	f.Fuzz(func(t *testing.T, first, second string) {
		values := []string{first}
		if second != "" {
			values = append(values, second)
		}
		acceptable := second == "" && len(first) <= 4096
		text := strings.TrimSpace(first)
		requireOutcome(t, acceptable && (text == key.old || text == key.new), verify(t.Context(), v, http.Header{"X-Api-Key": values}, nil))
		word, after, _ := strings.Cut(first, " ")
		after = strings.TrimSpace(after)
		good := text == value.old || text == value.new || strings.EqualFold(word, "Bearer") && (after == token.old || after == token.new)
		requireOutcome(t, acceptable && good, verify(t.Context(), v, bearer(values...), nil))
	})
}

// requireOutcome expects a caller to be authenticated or rejected, and no other error.
func requireOutcome(t *testing.T, authenticated bool, err error) {
	t.Helper()
	if authenticated {
		require.NoError(t, err)
		return
	}
	requireRejected(t, err, "")
}
