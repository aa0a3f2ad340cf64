package okta_test

import (
	"context"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"sendgrid-sso-integration/internal/okta"
	"sendgrid-sso-integration/internal/secret"
)

// credentials is a credential that never changes.
type credentials okta.Credential

func (c credentials) Get(context.Context) (okta.Credential, string, error) {
	return okta.Credential(c), "1", nil
}

func (c credentials) Refresh(ctx context.Context, _ string) (okta.Credential, string, error) {
	return c.Get(ctx)
}

// network responds to requests without a connection, so that tests can run in fake time.
type network func(*http.Request) *http.Response

func (n network) RoundTrip(r *http.Request) (*http.Response, error) {
	if err := r.Context().Err(); err != nil {
		return nil, err
	}
	return n(r), nil
}

func respond(status int, body string, header ...string) *http.Response {
	res := &http.Response{StatusCode: status, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(body))}
	for i := 0; i < len(header); i += 2 {
		res.Header.Set(header[i], header[i+1])
	}
	return res
}

// newClient returns a client with an API token.
func newClient(n network) *okta.Client {
	return &okta.Client{
		OrgURL: "https://example.okta.com", Credentials: credentials{APIToken: secret.NewString("00token")},
		HTTP: &http.Client{Transport: n},
	}
}

// list reads all applications.
func list(ctx context.Context, client *okta.Client) error {
	for _, err := range client.Applications(ctx) {
		if err != nil {
			return err
		}
	}
	return nil
}

// privateKey is one RSA key as PEM.
var privateKey = sync.OnceValues(func() (string, error) {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		return "", err
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(key)})), nil
})

func pemKey(t *testing.T) string {
	t.Helper()
	key, err := privateKey()
	require.NoError(t, err)
	return key
}
