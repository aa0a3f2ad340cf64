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

// The vectors are those that the senders publish; Zendesk's is computed with the secret
// that it publishes for tests.
func TestPublishedVectors(t *testing.T) {
	t.Parallel()
	const everybody = "It's a Secret to Everybody"
	standard := func(prefix string) http.Header {
		return http.Header{
			prefix + "-Id":        {"msg_p5jXN8AQM9LWM0D4loKWxJek"},
			prefix + "-Timestamp": {"1614265330"},
			prefix + "-Signature": {"v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="},
		}
	}
	tests := map[string]struct {
		secret map[string][]string
		at     time.Time
		header http.Header
		body   string
	}{
		"GitHub": {
			secret: only("github", everybody), body: "Hello, World!",
			header: http.Header{"X-Hub-Signature-256": {"sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17"}},
		},
		"Jira Cloud": {
			secret: only("jira", everybody), body: "Hello World!",
			header: http.Header{"X-Hub-Signature": {"sha256=a4771c39fbe90f317c7824e83ddef3caae9cb3d976c214ace1f2937e133263c9"}},
		},
		"Standard Webhooks": {
			secret: only("standard_webhooks", "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"), at: time.Unix(1614265330, 0),
			header: standard("Webhook"), body: `{"test": 2432232314}`,
		},
		"Svix": {
			secret: only("standard_webhooks", "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"), at: time.Unix(1614265330, 0),
			header: standard("Svix"), body: `{"test": 2432232314}`,
		},
		"Zendesk": {
			secret: only("zendesk", "dGhpc19zZWNyZXRfaXNfZm9yX3Rlc3Rpbmdfb25seQ=="), at: time.Date(2026, 7, 14, 12, 0, 0, 0, time.UTC),
			header: http.Header{
				"X-Zendesk-Webhook-Signature":           {"DM4vdWm3RFsaESVGQ1PGkJ2ES0CrXVJSpknXWR06Kss="},
				"X-Zendesk-Webhook-Signature-Timestamp": {"2026-07-14T12:00:00Z"},
			},
			body: `{"ticket_id": 12345, "status": "open"}`,
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				time.Sleep(time.Until(test.at))
				require.NoError(t, verify(t.Context(), configured(t, test.secret), test.header, []byte(test.body)))
			})
		})
	}
}

// What is signed cannot be split differently into id, timestamp and body.
func TestSignedPartsDoNotShift(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		v, s := configured(t, everything()), senders()["standard webhooks"]
		now := s.prove(s.new, "").Get("Webhook-Timestamp")
		header := with(s.prove(s.new, now+"."+body), "Webhook-Id", "msg_1."+now)
		requireRejected(t, verify(t.Context(), v, header, []byte(body)), "a full stop")

		const timestamp = "X-Zendesk-Webhook-Signature-Timestamp"
		s = senders()["zendesk"]
		header = s.prove(s.new, "0"+body)
		header = with(header, timestamp, header.Get(timestamp)+"0")
		requireRejected(t, verify(t.Context(), v, header, []byte(body)), "not in the form")
	})
}

// A signed timestamp may differ by five minutes, inclusive, either way.
func TestClockSkew(t *testing.T) {
	t.Parallel()
	const old, ahead = "more than five minutes old", "more than five minutes ahead"
	for age, rejected := range map[time.Duration]string{
		0: "", 5 * time.Minute: "", 5*time.Minute + 1: old, 365 * 24 * time.Hour: old,
		-5 * time.Minute: "", -5*time.Minute - 1: ahead, -time.Hour: ahead,
	} {
		for name, s := range senders() {
			if !s.dated {
				continue
			}
			t.Run(name+" "+age.String(), func(t *testing.T) {
				t.Parallel()
				// The clock starts again in each bubble, so a request can be verified before it was signed.
				var header http.Header
				synctest.Test(t, func(*testing.T) {
					time.Sleep(2 * time.Hour)
					header = s.prove(s.new, body)
				})
				synctest.Test(t, func(t *testing.T) {
					time.Sleep(2*time.Hour + age)
					err := verify(t.Context(), configured(t, everything()), header, []byte(body))
					if rejected == "" {
						require.NoError(t, err)
					} else {
						requireRejected(t, err, s.field+": the timestamp is "+rejected)
					}
				})
			})
		}
	}
}

// What no secret can make valid is rejected without a read of the secrets.
func TestMalformed(t *testing.T) {
	t.Parallel()
	const (
		id, timestamp, signature           = "Webhook-Id", "Webhook-Timestamp", "Webhook-Signature"
		hub, hub256                        = "X-Hub-Signature", "X-Hub-Signature-256"
		zendeskSignature, zendeskTimestamp = "X-Zendesk-Webhook-Signature", "X-Zendesk-Webhook-Signature-Timestamp"
		noSeconds, noHex                   = "not a number of seconds", "not sha256= and 64 digits"
	)
	zeros := strings.Repeat("0", 64)
	for name, test := range map[string]struct {
		sender, header string
		values         []string
		rejected       string
	}{
		"long id":                  {"svix", "Svix-Id", []string{strings.Repeat("A", 1_000_000)}, "the Svix-Id header is longer than 4096 bytes"},
		"no id":                    {"svix", "Svix-Id", nil, "there is no Svix-Id header"},
		"empty id":                 {"standard webhooks", id, []string{""}, "empty or contains a full stop"},
		"two ids":                  {"standard webhooks", id, []string{"msg_1", "msg_1"}, "more than one Webhook-Id header"},
		"no timestamp":             {"standard webhooks", timestamp, nil, "there is no Webhook-Timestamp header"},
		"empty timestamp":          {"standard webhooks", timestamp, []string{""}, noSeconds},
		"timestamp with fraction":  {"standard webhooks", timestamp, []string{"946684800.0"}, noSeconds},
		"timestamp in millis":      {"standard webhooks", timestamp, []string{"946684800000"}, "minutes ahead"},
		"timestamp too large":      {"standard webhooks", timestamp, []string{"9223372036854775808"}, noSeconds},
		"largest timestamp":        {"standard webhooks", timestamp, []string{"9223372036854775807"}, "minutes"},
		"smallest timestamp":       {"standard webhooks", timestamp, []string{"-9223372036854775808"}, "minutes"},
		"other versions only":      {"standard webhooks", signature, []string{"v1a,AAAA v2,AAAA V1,AAAA AAAA"}, "no signature of version v1"},
		"empty signature":          {"standard webhooks", signature, []string{""}, "no signature of version v1"},
		"seventeen signatures":     {"standard webhooks", signature, []string{strings.Repeat("v1,A ", 16) + "v1,A"}, "more than 16 signatures"},
		"spaces only":              {"standard webhooks", signature, []string{strings.Repeat(" ", 4096)}, "more than 16 signatures"},
		"sha1":                     {"jira", hub, []string{"sha1=" + zeros[:40]}, noHex},
		"method in upper case":     {"github", hub256, []string{"SHA256=" + zeros}, noHex},
		"joined by the gateway":    {"github", hub256, []string{"sha256=" + zeros + ",sha256=" + zeros}, noHex},
		"signature cut off":        {"github", hub256, []string{"sha256=" + zeros[:63]}, noHex},
		"no digits":                {"jira", hub, []string{"sha256="}, noHex},
		"no timestamp, Zendesk":    {"zendesk", zendeskTimestamp, nil, "there is no X-Zendesk-Webhook-Signature-Timestamp header"},
		"timestamp without zone":   {"zendesk", zendeskTimestamp, []string{"2000-01-01T00:00:00"}, "not in the form"},
		"signature of wrong width": {"zendesk", zendeskSignature, []string{"AAAA"}, "not 32 bytes in base64"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := senders()[test.sender]
			err := verify(t.Context(), withoutSecrets(), with(s.prove(s.new, body), test.header, test.values...), []byte(body))
			requireRejected(t, err, s.field+": ")
			require.ErrorContains(t, err, test.rejected)
		})
	}
}

// The valid signature can be any in the list; signatures of other versions are ignored.
func TestListOfSignatures(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		v, s := configured(t, everything()), senders()["standard webhooks"]
		header := s.prove(s.new, body)
		good, bad := header.Get(s.proof), "v1,"+strings.Repeat("A", 43)+"="
		for list, valid := range map[string]bool{
			strings.Repeat(bad+" ", 15) + good:              true,
			good + strings.Repeat(" "+bad, 15):              true,
			"v1a," + strings.Repeat("A", 86) + "== " + good: true, // of a private key
			"  " + good + "  ":                              true,
			bad + "," + good:                                false,
			bad + "\t" + good:                               false,
			good + ",v1":                                    false,
			"v2" + good[2:] + " " + bad:                     false,
			strings.TrimSuffix(good, "="):                   false,
		} {
			require.Equal(t, valid, verify(t.Context(), v, with(header, s.proof, list), []byte(body)) == nil, list)
		}
	})
}

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
