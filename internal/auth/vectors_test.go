package auth_test

import (
	"net/http"
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
