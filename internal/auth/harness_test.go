package auth_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"net/http"
	"sync"
	"testing"
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
