package auth_test

import (
	"net/http"
	"runtime"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// What no secret could make good is refused before anybody is asked for one.
func TestHopeless(t *testing.T) {
	t.Parallel()
	million := strings.Repeat("A", 1_000_000)
	for name, test := range map[string]struct {
		sender  string
		change  func(http.Header)
		refusal string
	}{
		"an id of a million characters":        {"svix", value("Svix-Id", million), "the Svix-Id header is longer than 4096 bytes"},
		"no id":                                {"svix", value("Svix-Id"), "there is no Svix-Id header"},
		"empty id":                             {"svix", value("Svix-Id", ""), "empty or has a full stop"},
		"two ids":                              {"svix", value("Svix-Id", "msg_1", "msg_1"), "more than one Svix-Id header"},
		"no timestamp":                         {"standard webhooks", value("Webhook-Timestamp"), "there is no Webhook-Timestamp header"},
		"empty timestamp":                      {"standard webhooks", value("Webhook-Timestamp", ""), "not a number of seconds"},
		"timestamp in words":                   {"standard webhooks", value("Webhook-Timestamp", "now"), "not a number of seconds"},
		"timestamp with a fraction":            {"standard webhooks", value("Webhook-Timestamp", "946684800.0"), "not a number of seconds"},
		"timestamp in milliseconds":            {"standard webhooks", value("Webhook-Timestamp", "946684800000"), "minutes ahead"},
		"timestamp too large":                  {"standard webhooks", value("Webhook-Timestamp", "9223372036854775808"), "not a number of seconds"},
		"largest timestamp":                    {"standard webhooks", value("Webhook-Timestamp", "9223372036854775807"), "minutes"},
		"smallest timestamp":                   {"standard webhooks", value("Webhook-Timestamp", "-9223372036854775808"), "minutes"},
		"timestamp of a million digits":        {"standard webhooks", value("Webhook-Timestamp", strings.Repeat("1", 1_000_000)), "longer than 4096 bytes"},
		"two timestamps":                       {"standard webhooks", value("Webhook-Timestamp", "1", "2"), "more than one Webhook-Timestamp header"},
		"unknown versions only":                {"standard webhooks", value("Webhook-Signature", "v1a,AAAA v2,AAAA V1,AAAA AAAA"), "no signature of version v1"},
		"empty signature":                      {"standard webhooks", value("Webhook-Signature", ""), "no signature of version v1"},
		"thousands of signatures":              {"standard webhooks", value("Webhook-Signature", strings.Repeat("v1,A ", 2000)), "longer than 4096 bytes"},
		"seventeen signatures":                 {"standard webhooks", value("Webhook-Signature", strings.Repeat("v1,A ", 16)+"v1,A"), "more than 16 signatures"},
		"nothing but spaces":                   {"standard webhooks", value("Webhook-Signature", strings.Repeat(" ", 4096)), "more than 16 signatures"},
		"GitHub's old signature":               {"jira", value("X-Hub-Signature", "sha1="+strings.Repeat("0", 40)), "not sha256= and 64 digits"},
		"sha1 of the length of sha256":         {"github", value("X-Hub-Signature-256", "sha1="+strings.Repeat("0", 66)), "not sha256= and 64 digits"},
		"method in upper case":                 {"github", value("X-Hub-Signature-256", "SHA256="+strings.Repeat("0", 64)), "not sha256= and 64 digits"},
		"two signatures, as API Gateway joins": {"github", value("X-Hub-Signature-256", strings.Repeat(",sha256="+strings.Repeat("0", 64), 2)[1:]), "not sha256= and 64 digits"},
		"signature cut off":                    {"github", value("X-Hub-Signature-256", "sha256="+strings.Repeat("0", 63)), "not sha256= and 64 digits"},
		"no digits":                            {"jira", value("X-Hub-Signature", "sha256="), "not sha256= and 64 digits"},
		"no timestamp of Zendesk":              {"zendesk", value("X-Zendesk-Webhook-Signature-Timestamp"), "there is no X-Zendesk-Webhook-Signature-Timestamp header"},
		"timestamp without zone":               {"zendesk", value("X-Zendesk-Webhook-Signature-Timestamp", "2000-01-01T00:00:00"), "not in the form"},
		"timestamp in seconds":                 {"zendesk", value("X-Zendesk-Webhook-Signature-Timestamp", "946684800"), "not in the form"},
		"signature of the wrong length":        {"zendesk", value("X-Zendesk-Webhook-Signature", "AAAA"), "not 32 bytes in base64"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := senders()[test.sender]
			header := s.prove(s.new, body)
			test.change(header)
			requireRefused(t, unasked().Verify(t.Context(), header, []byte(body)), s.field+": ")
			requireRefused(t, unasked().Verify(t.Context(), header, []byte(body)), test.refusal)
		})
	}
}

// value makes a change of a header.
func value(name string, values ...string) func(http.Header) {
	return func(header http.Header) { header[name] = values }
}

// Every scheme refuses a proof that is there twice or very long.
func TestBoundsOfEachScheme(t *testing.T) {
	t.Parallel()
	eachSender(t, func(t *testing.T, s sender) {
		t.Helper()
		header := s.prove(s.new, body)
		good := header.Get(s.proof)
		refused := func(reason string, values ...string) {
			t.Helper()
			requireRefused(t, unasked().Verify(t.Context(), with(header, s.proof, values...), []byte(body)), reason)
		}
		refused("there is more than one "+s.proof+" header", good, good)
		refused("there is more than one "+s.proof+" header", good, "")
		refused("there is more than one "+s.proof+" header", make([]string, 100_000)...)
		refused("the "+s.proof+" header is longer than 4096 bytes", good+strings.Repeat(" ", 4096))
		refused("the "+s.proof+" header is longer than 4096 bytes", strings.Repeat("v1,A ", 200_000))
		// API Gateway joins what is there twice with a comma.
		v := knows(t, everything())
		require.Error(t, v.Verify(t.Context(), with(header, s.proof, good+","+good), []byte(body)))
	})
}

// The good signature may be any of those listed, of which those of other kinds do not count.
func TestListOfSignatures(t *testing.T) {
	t.Parallel()
	eachSender(t, func(t *testing.T, s sender) {
		t.Helper()
		if s.field != "standard_webhooks" {
			return
		}
		v, header := knows(t, everything()), s.prove(s.new, body)
		good := header.Get(s.proof)
		bad := "v1," + strings.Repeat("A", 43) + "="
		for name, test := range map[string]struct {
			list string
			good bool
		}{
			"last of sixteen":            {strings.Repeat(bad+" ", 15) + good, true},
			"first of sixteen":           {good + strings.Repeat(" "+bad, 15), true},
			"after one of a private key": {"v1a," + strings.Repeat("A", 86) + "== " + good, true},
			"spaces around":              {"  " + good + "  ", true},
			"with a comma between":       {bad + "," + good, false},
			"with a tab between":         {bad + "\t" + good, false},
			"more after a comma":         {good + ",v1", false},
			"of another version":         {"v2" + good[2:] + " " + bad, false},
			"without padding":            {strings.TrimSuffix(good, "="), false},
		} {
			err := v.Verify(t.Context(), with(header, s.proof, test.list), []byte(body))
			require.Equal(t, test.good, err == nil, name)
		}
	})
}

// A long header costs no more memory than one of the right length. Not parallel, because
// it measures what the whole process takes.
func TestLongHeaderCostsNoMemory(t *testing.T) {
	v := knows(t, everything())
	for name, s := range senders() {
		header := s.prove(s.new, body)
		wrong := with(header, s.proof, strings.Repeat("x", len(header.Get(s.proof))))
		usual := allocated(func() { _ = v.Verify(t.Context(), header, []byte(body)) })
		usual = max(usual, allocated(func() { _ = v.Verify(t.Context(), wrong, []byte(body)) }))
		for what, text := range map[string]string{
			"one signature":   header.Get(s.proof) + strings.Repeat("A", 1_000_000),
			"many signatures": strings.Repeat(header.Get(s.proof)+" ", 20_000),
			"spaces":          strings.Repeat(" ", 1_000_000),
		} {
			long := with(header, s.proof, text)
			require.LessOrEqual(t, allocated(func() { _ = v.Verify(t.Context(), long, []byte(body)) }), usual+512, "%s: %s", name, what)
		}
	}
}

// allocated returns how many bytes a call takes.
func allocated(call func()) uint64 {
	const times = 20
	var before, after runtime.MemStats
	call()
	runtime.ReadMemStats(&before)
	for range times {
		call()
	}
	runtime.ReadMemStats(&after)
	return (after.TotalAlloc - before.TotalAlloc) / times
}
