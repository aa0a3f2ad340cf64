package auth_test

import (
	"net/http"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/require"
)

// A request without credentials does not cause a read of the secrets.
func TestNoCredentials(t *testing.T) {
	t.Parallel()
	for name, header := range map[string]http.Header{
		"no headers":    nil,
		"other headers": {"Content-Type": {"application/json"}, "X-Token": {newSecret}, "Proxy-Authorization": {"Bearer " + newSecret}},
		"no value":      {"Authorization": {}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			requireRejected(t, verify(t.Context(), withoutSecrets(), header, []byte(newSecret)), "the request carries no credentials")
		})
	}
}

func TestBearer(t *testing.T) {
	t.Parallel()
	const mismatch, noBearer = "not one of those configured", "does not begin with Bearer"
	for value, rejected := range map[string]string{ // empty if the caller is authenticated
		"bearer " + newSecret:                          "",
		"BEARER " + newSecret:                          "",
		"Bearer   " + newSecret + " ":                  "",
		newSecret:                                      noBearer,
		"Bearer" + newSecret:                           noBearer,
		"Bearer\t" + newSecret:                         noBearer,
		" Bearer " + newSecret:                         noBearer,
		"AWS4-HMAC-SHA256 Credential=x":                noBearer,
		"":                                             noBearer,
		"Bearer":                                       mismatch,
		"Bearer Bearer " + newSecret:                   mismatch,
		"Bearer " + strings.ToUpper(newSecret):         mismatch,
		"Bearer " + newSecret[:len(newSecret)-1]:       mismatch,
		"Bearer " + newSecret + "0":                    mismatch,
		"Bearer " + oldSecret + " " + newSecret:        mismatch,
		"Bearer " + newSecret + ",Bearer " + newSecret: mismatch,
	} {
		t.Run(value, func(t *testing.T) {
			t.Parallel()
			err := verify(t.Context(), configured(t, only("bearer", oldSecret, newSecret)), bearer(value), []byte("{}"))
			if rejected == "" {
				require.NoError(t, err)
				return
			}
			requireRejected(t, err, "bearer: ")
			require.ErrorContains(t, err, rejected)
			require.NotContains(t, err.Error(), "secret-0123456789")
		})
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

// Every scheme rejects a proof that is there twice or is very long.
func TestBoundsOfEachScheme(t *testing.T) {
	t.Parallel()
	eachSender(t, func(t *testing.T, s sender) {
		t.Helper()
		header := s.prove(s.new, body)
		good := header.Get(s.proof)
		rejected := func(reason string, values ...string) {
			t.Helper()
			requireRejected(t, verify(t.Context(), withoutSecrets(), with(header, s.proof, values...), []byte(body)), reason)
		}
		rejected("there is more than one "+s.proof+" header", good, good)
		rejected("there is more than one "+s.proof+" header", good, "")
		rejected("there is more than one "+s.proof+" header", make([]string, 100_000)...)
		rejected("the "+s.proof+" header is longer than 4096 bytes", good+strings.Repeat(" ", 4096))
		rejected("the "+s.proof+" header is longer than 4096 bytes", strings.Repeat("v1,A ", 200_000))
		// API Gateway joins headers of the same name with a comma.
		v := configured(t, everything())
		require.Error(t, verify(t.Context(), v, with(header, s.proof, good+","+good), []byte(body)))
	})
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
