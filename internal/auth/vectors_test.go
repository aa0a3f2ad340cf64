package auth_test

import (
	"iter"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"sendgrid-sso-integration/internal/auth"
)

// TestPublishedVectors checks what the schemes' owners publish; that of Zendesk is
// computed with the secret that it publishes for tests.
func TestPublishedVectors(t *testing.T) {
	t.Parallel()
	const everybody = "It's a Secret to Everybody"
	tests := map[string]struct {
		secret map[string][]string
		at     time.Time
		header http.Header
		body   string
	}{
		"GitHub": {
			secret: has("github", everybody), body: "Hello, World!",
			header: http.Header{"X-Hub-Signature-256": {"sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17"}},
		},
		"Jira Cloud": {
			secret: has("jira", everybody), body: "Hello World!",
			header: http.Header{"X-Hub-Signature": {"sha256=a4771c39fbe90f317c7824e83ddef3caae9cb3d976c214ace1f2937e133263c9"}},
		},
		"Standard Webhooks": {
			secret: has("standard_webhooks", "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"), at: time.Unix(1614265330, 0),
			header: http.Header{
				"Webhook-Id":        {"msg_p5jXN8AQM9LWM0D4loKWxJek"},
				"Webhook-Timestamp": {"1614265330"},
				"Webhook-Signature": {"v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="},
			},
			body: `{"test": 2432232314}`,
		},
		"Svix": {
			secret: has("standard_webhooks", "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"), at: time.Unix(1614265330, 0),
			header: http.Header{
				"Svix-Id":        {"msg_p5jXN8AQM9LWM0D4loKWxJek"},
				"Svix-Timestamp": {"1614265330"},
				"Svix-Signature": {"v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="},
			},
			body: `{"test": 2432232314}`,
		},
		"Zendesk": {
			secret: has("zendesk", "dGhpc19zZWNyZXRfaXNfZm9yX3Rlc3Rpbmdfb25seQ=="), at: time.Date(2026, 7, 14, 12, 0, 0, 0, time.UTC),
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
				v := knows(t, test.secret)
				require.NoError(t, v.Verify(t.Context(), test.header, []byte(test.body)))
				requireFlipsRefused(t, v, test.header, test.body)
			})
		})
	}
}

// requireFlipsRefused flips each bit of the body and of each header.
func requireFlipsRefused(t *testing.T, v *auth.Verifier, header http.Header, body string) {
	t.Helper()
	for changed := range flips(body) {
		require.Error(t, v.Verify(t.Context(), header, []byte(changed)), "body %q", changed)
	}
	for name := range header {
		for changed := range flips(header.Get(name)) {
			require.Error(t, v.Verify(t.Context(), with(header, name, changed), []byte(body)), "%s %q", name, changed)
		}
	}
}

// flips yields a text with each of its bits flipped, one at a time.
func flips(text string) iter.Seq[string] {
	return func(yield func(string) bool) {
		for i := range len(text) * 8 {
			changed := []byte(text)
			changed[i/8] ^= 1 << (i % 8)
			if !yield(string(changed)) {
				return
			}
		}
	}
}
