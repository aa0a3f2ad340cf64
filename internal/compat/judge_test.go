//go:build compat

package compat_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"os"
	"os/exec"
	"testing"

	"github.com/stretchr/testify/require"

	"sendgrid-sso-integration/sendgrid"
)

// nodeSAML is the directory of node-saml, a service provider for Node.js.
const nodeSAML = "testdata/node-saml"

// nodeSAMLVersion returns the version that is installed.
func nodeSAMLVersion(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile(nodeSAML + "/node_modules/@node-saml/node-saml/package.json")
	require.NoError(t, err, `"make compat" installs it`)
	var described struct{ Version string }
	require.NoError(t, json.Unmarshal(text, &described))
	return described.Version
}

// verdict is what a service provider says about a response: whom it logs in, or why it logs in nobody.
type verdict struct {
	NameID  string `json:"name_id"`
	Issuer  string `json:"issuer"`
	Refusal string `json:"refusal"`
}

// judgeByNodeSAML has node-saml judge a response, with the integration and the certificates that SendGrid
// has now.
func judgeByNodeSAML(t *testing.T, i sendgrid.Integration, certificates []sendgrid.Certificate, response []byte) (v verdict) {
	t.Helper()
	asked, err := json.Marshal(map[string]any{
		"integration": i, "certificates": certificates, "response": base64.StdEncoding.EncodeToString(response),
	})
	require.NoError(t, err)
	ctx, cancel := context.WithTimeout(t.Context(), requestTime)
	defer cancel()
	node := exec.CommandContext(ctx, "node", "judge.js")
	var refused bytes.Buffer
	node.Dir, node.Stdin, node.Stderr = nodeSAML, bytes.NewReader(asked), &refused
	out, err := node.Output()
	require.NoError(t, err, "%s", &refused)
	require.NoError(t, json.Unmarshal(out, &v), "%s", out)
	return v
}
