package okta_test

import (
	"bufio"
	"context"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"math/big"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"sendgrid-sso-integration/internal/idp"
	"sendgrid-sso-integration/internal/okta"
	"sendgrid-sso-integration/internal/secret"
)

// startOAuth starts an OAuth server that knows a client, and returns its URL. Where Node.js or
// the server is missing the test is skipped, but in CI, where nobody would notice, it fails.
func startOAuth(t *testing.T, client map[string]any) string {
	t.Helper()
	dir := filepath.Join("testdata", "oidc-provider")
	node, err := exec.LookPath("node")
	if err == nil {
		_, err = os.Stat(filepath.Join(dir, "node_modules", "oidc-provider"))
	}
	if err != nil {
		const message = "this test needs Node.js 20 or newer, and oidc-provider, which \"make test\" installs: "
		if os.Getenv("CI") != "" {
			require.FailNow(t, message+err.Error())
		}
		t.Skip(message + err.Error())
	}
	process := exec.CommandContext(context.Background(), node, "serve.js")
	process.Dir = dir
	stdin, err := process.StdinPipe()
	require.NoError(t, err)
	stdout, err := process.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, process.Start())
	t.Cleanup(func() {
		_ = stdin.Close()
		_ = process.Wait()
	})
	line, err := json.Marshal(client)
	require.NoError(t, err)
	_, err = stdin.Write(append(line, '\n'))
	require.NoError(t, err)
	port, err := bufio.NewReader(stdout).ReadString('\n')
	require.NoError(t, err, "oidc-provider does not start")
	return "http://127.0.0.1:" + strings.TrimSpace(port)
}

// A real OAuth server takes the assertion, and its reasons for a refusal come through.
func TestTokenOfARealOAuthServer(t *testing.T) {
	t.Parallel()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	require.NoError(t, err)
	base64URL := func(n *big.Int) string { return base64.RawURLEncoding.EncodeToString(n.Bytes()) }
	jwk := map[string]any{"kty": "RSA", "kid": "kid-1", "use": "sig", "alg": "RS256", "n": base64URL(key.N), "e": base64URL(big.NewInt(int64(key.E)))}
	credential := credentials{
		ClientID: "0oaservice", KeyID: "kid-1",
		PrivateKey: secret.NewString(string(pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(key)}))),
	}
	for name, tt := range map[string]struct {
		change func(client map[string]any, credential *credentials)
		reason string
	}{
		"accepted":             {func(map[string]any, *credentials) {}, ""},
		"another client":       {func(_ map[string]any, c *credentials) { c.ClientID = "0oaother" }, "invalid_client"},
		"another key":          {func(_ map[string]any, c *credentials) { c.PrivateKey = secret.NewString(pemKey(t)) }, "invalid_client"},
		"scope is not granted": {func(client map[string]any, _ *credentials) { client["scope"] = "openid" }, "invalid_scope"},
		"DPoP is on":           {func(client map[string]any, _ *credentials) { client["dpop_bound_access_tokens"] = true }, "invalid_grant"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			registered := map[string]any{"client_id": "0oaservice", "jwks": map[string]any{"keys": []any{jwk}}}
			c := credential
			tt.change(registered, &c)
			client := &okta.Client{OrgURL: startOAuth(t, registered), Credentials: c, HTTP: idp.NewHTTPClient()}
			ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
			defer cancel()
			err := list(ctx, client)
			if tt.reason == "" {
				require.NoError(t, err)
				return
			}
			var failure *idp.Error
			require.ErrorAs(t, err, &failure)
			require.True(t, failure.IsRefused(), "%v", err)
			require.Contains(t, []int{http.StatusBadRequest, http.StatusUnauthorized}, failure.Status)
			require.ErrorContains(t, err, tt.reason)
		})
	}
}
