package auth_test

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"log/slog"
	"maps"
	"net/http"
	"strconv"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"
	"github.com/stretchr/testify/require"

	"sendgrid-sso-integration/internal/auth"
	"sendgrid-sso-integration/internal/secret"
)

const (
	ttl       = 5 * time.Minute
	oldSecret = "old-bearer-secret-0123456789"
	newSecret = "new-bearer-secret-0123456789"
	body      = `{"name":"Okta","entity_id":"http://www.okta.com/exk1"}`
)

var errUnreachable = errors.New("unreachable")

// read is what a SecretSource returns.
type read func() (auth.Secrets, string, error)

// source is a SecretSource of two functions; calling one that is nil panics.
type source struct {
	get, refresh read
	rejected     []string // the versions passed to Refresh
}

func (s *source) Get(context.Context) (auth.Secrets, string, error) { return s.get() }

func (s *source) Refresh(_ context.Context, rejected string) (auth.Secrets, string, error) {
	s.rejected = append(s.rejected, rejected)
	return s.refresh()
}

// returns makes a read of these bearer secrets.
func returns(version string, err error, texts ...string) read {
	secrets := auth.Secrets{}
	for _, text := range texts {
		secrets["bearer"] = append(secrets["bearer"], secret.NewString(text))
	}
	return func() (auth.Secrets, string, error) { return secrets, version, err }
}

// withoutSecrets returns a verifier that panics if it reads the secrets.
func withoutSecrets() *auth.Verifier { return &auth.Verifier{Secrets: &source{}} }

// bearer returns headers with these values of Authorization.
func bearer(values ...string) http.Header { return http.Header{"Authorization": values} }

func requireRejected(t *testing.T, err error, reason string) {
	t.Helper()
	var credentials *auth.CredentialsError
	require.ErrorAs(t, err, &credentials)
	require.Contains(t, err.Error(), reason)
}

// manager is a Secrets Manager with one secret, which counts its calls.
type manager struct {
	mu            sync.Mutex
	text, version string
	err           error
	delay         time.Duration
	calls         int
}

func (m *manager) GetSecretValue(
	ctx context.Context, _ *secretsmanager.GetSecretValueInput, _ ...func(*secretsmanager.Options),
) (*secretsmanager.GetSecretValueOutput, error) {
	m.mu.Lock()
	m.calls++
	out, err, delay := &secretsmanager.GetSecretValueOutput{SecretString: aws.String(m.text), VersionId: aws.String(m.version)}, m.err, m.delay
	m.mu.Unlock()
	select {
	case <-time.After(delay):
		return out, err
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// put stores a text; err, if not nil, is what the next calls return, after the delay.
func (m *manager) put(version, text string, err error, delay time.Duration) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.version, m.text, m.err, m.delay = version, text, err, delay
}

func (m *manager) count() int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.calls
}

// verifier returns the verifier that the function uses.
func (m *manager) verifier(ttl time.Duration) (*auth.Verifier, *bytes.Buffer) {
	logger, log := newLogger()
	return auth.NewVerifier(m, "sso/webhook", ttl, logger), log
}

// newLogger returns a logger, and its log to read once nothing is logged any more.
func newLogger() (*slog.Logger, *bytes.Buffer) {
	log := &bytes.Buffer{}
	return slog.New(slog.NewTextHandler(log, &slog.HandlerOptions{Level: slog.LevelDebug})), log
}

// verify authenticates a request, for tests that do not need the scheme.
func verify(ctx context.Context, v *auth.Verifier, header http.Header, body []byte) error {
	_, err := v.Authenticate(ctx, header, body)
	return err
}

const goodSecret = `{"bearer":"` + newSecret + `"}`

// sender is a system that knows a secret, and how it proves that.
type sender struct {
	field    string // in the secret
	old, new string // secrets, as they are configured
	// prove returns the headers of a request with this body, sent now.
	prove func(key, body string) http.Header
	// proof is the header with the proof, and prefix the part that is not case-sensitive.
	proof, prefix string
	// static means that nothing is signed: the secret is sent.
	static bool
	// dated means that a timestamp is signed.
	dated bool
}

// senders returns one sender for each scheme.
func senders() map[string]sender {
	return map[string]sender{
		"bearer": {
			field: "bearer", old: secretOf("old", "bearer"), new: secretOf("new", "bearer"), proof: "Authorization", prefix: "Bearer", static: true,
			prove: func(key, _ string) http.Header { return bearer("Bearer " + key) },
		},
		"authorization": {
			field: "authorization", old: secretOf("old", "authorization"), new: "Basic " + secretOf("new", "authorization"),
			proof: "Authorization", static: true,
			prove: func(key, _ string) http.Header { return bearer(key) },
		},
		"api key": {
			field: "api_key", old: secretOf("old", "api_key"), new: secretOf("new", "api_key"), proof: "X-Api-Key", static: true,
			prove: func(key, _ string) http.Header { return http.Header{"X-Api-Key": {key}} },
		},
		"standard webhooks": standardSender("Webhook"),
		"svix":              standardSender("Svix"),
		"jira":              hubSender("jira", "X-Hub-Signature"),
		"github":            hubSender("github", "X-Hub-Signature-256"),
		"zendesk": {
			field: "zendesk", old: secretOf("old", "zendesk"), new: secretOf("new", "zendesk"),
			proof: "X-Zendesk-Webhook-Signature", dated: true,
			prove: func(key, body string) http.Header {
				timestamp := time.Now().UTC().Format(time.RFC3339)
				return http.Header{
					"X-Zendesk-Webhook-Signature":           {base64.StdEncoding.EncodeToString(sum(key, timestamp+body))},
					"X-Zendesk-Webhook-Signature-Timestamp": {timestamp},
				}
			},
		},
	}
}

func standardSender(prefix string) sender {
	return sender{
		field: "standard_webhooks", old: whsec(secretOf("old", "standard_webhooks")), new: whsec(secretOf("new", "standard_webhooks")),
		proof: prefix + "-Signature", dated: true,
		prove: func(key, body string) http.Header {
			raw, err := base64.StdEncoding.DecodeString(key[len("whsec_"):])
			if err != nil {
				panic(err)
			}
			id, timestamp := "msg_1", strconv.FormatInt(time.Now().Unix(), 10)
			return http.Header{
				prefix + "-Id":        {id},
				prefix + "-Timestamp": {timestamp},
				prefix + "-Signature": {"v1," + base64.StdEncoding.EncodeToString(sum(string(raw), id+"."+timestamp+"."+body))},
			}
		},
	}
}

func hubSender(field, header string) sender {
	return sender{
		field: field, old: secretOf("old", field), new: secretOf("new", field), proof: header,
		prove: func(key, body string) http.Header {
			return http.Header{header: {"sha256=" + hex.EncodeToString(sum(key, body))}}
		},
	}
}

// secretOf returns a secret that no other scheme has.
func secretOf(age, field string) string { return age + "-" + field + "-secret-0123456789" }

func whsec(key string) string { return "whsec_" + base64.StdEncoding.EncodeToString([]byte(key)) }

func sum(key, text string) []byte {
	mac := hmac.New(sha256.New, []byte(key))
	_, _ = mac.Write([]byte(text))
	return mac.Sum(nil)
}

// only returns a webhook secret with one field.
func only(field string, texts ...string) map[string][]string {
	return map[string][]string{field: texts}
}

// everything returns a webhook secret with a field for each scheme.
func everything() map[string][]string {
	all := map[string][]string{}
	for _, s := range senders() {
		all[s.field] = []string{s.new, s.old}
	}
	return all
}

// configured returns a verifier that always reads this webhook secret.
func configured(tb testing.TB, fields map[string][]string) *auth.Verifier {
	tb.Helper()
	text, err := json.Marshal(fields)
	require.NoError(tb, err)
	logger, log := newLogger()
	secrets, err := auth.ParseSecrets(logger)(string(text))
	require.NoError(tb, err)
	require.Empty(tb, log.String())
	always := func() (auth.Secrets, string, error) { return secrets, "1", nil }
	return &auth.Verifier{Secrets: &source{get: always, refresh: always}, Logger: logger}
}

// eachSender runs a test for each sender, at a time that does not pass by itself.
func eachSender(t *testing.T, test func(*testing.T, sender)) {
	t.Helper()
	for name, s := range senders() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) { test(t, s) })
		})
	}
}

// with returns headers of which one has other values.
func with(header http.Header, name string, values ...string) http.Header {
	changed := maps.Clone(header)
	changed[name] = values
	return changed
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
