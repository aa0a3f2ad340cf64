package auth_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"net/http"
	"sync"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"
	"github.com/stretchr/testify/require"

	"sendgrid-sso-integration/internal/auth"
	"sendgrid-sso-integration/internal/secret"
)

const (
	oldSecret = "old-bearer-secret-0123456789"
	newSecret = "new-bearer-secret-0123456789"
)

var errUnreachable = errors.New("unreachable")

// source is a source of secrets made of two functions; one that is nil panics.
type source struct {
	get     func(context.Context) (auth.Secrets, string, error)
	refresh func(ctx context.Context, rejected string) (auth.Secrets, string, error)
}

func (s source) Get(ctx context.Context) (auth.Secrets, string, error) { return s.get(ctx) }

func (s source) Refresh(ctx context.Context, rejected string) (auth.Secrets, string, error) {
	return s.refresh(ctx, rejected)
}

// holds makes a function that always supplies these secrets.
func holds(version string, bearer ...string) func(context.Context) (auth.Secrets, string, error) {
	return func(context.Context) (auth.Secrets, string, error) { return secretsOf(bearer...), version, nil }
}

// renews is holds for a refresh.
func renews(version string, bearer ...string) func(context.Context, string) (auth.Secrets, string, error) {
	return func(context.Context, string) (auth.Secrets, string, error) {
		return secretsOf(bearer...), version, nil
	}
}

func secretsOf(bearer ...string) auth.Secrets {
	var secrets auth.Secrets
	for _, text := range bearer {
		secrets.Bearer = append(secrets.Bearer, secret.NewString(text))
	}
	return secrets
}

// newVerifier returns a verifier with a log.
func newVerifier(s auth.SecretSource) (*auth.Verifier, *logBook) {
	log := &logBook{}
	return &auth.Verifier{Secrets: s, Logger: log.logger()}, log
}

// bearer returns headers with these values of Authorization.
func bearer(values ...string) http.Header { return http.Header{"Authorization": values} }

func requireRefused(t *testing.T, err error, reason string) {
	t.Helper()
	var refusal *auth.Refusal
	require.ErrorAs(t, err, &refusal)
	require.Contains(t, err.Error(), reason)
}

// manager is a Secrets Manager that holds one text, and counts how often it is asked.
type manager struct {
	mu            sync.Mutex
	text, version string
	err           error
	calls         int
}

func (m *manager) GetSecretValue(
	context.Context, *secretsmanager.GetSecretValueInput, ...func(*secretsmanager.Options),
) (*secretsmanager.GetSecretValueOutput, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.calls++
	return &secretsmanager.GetSecretValueOutput{SecretString: aws.String(m.text), VersionId: aws.String(m.version)}, m.err
}

func (m *manager) put(version, text string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.version, m.text = version, text
}

func (m *manager) fail(err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.err = err
}

func (m *manager) count() int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.calls
}

// logBook collects what is logged.
type logBook struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (b *logBook) logger() *slog.Logger {
	return slog.New(slog.NewTextHandler(b, &slog.HandlerOptions{Level: slog.LevelDebug}))
}

func (b *logBook) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.Write(p)
}

func (b *logBook) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.String()
}
