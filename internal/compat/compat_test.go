//go:build compat

package compat_test

import (
	"encoding/base64"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"os"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"sendgrid-sso-integration/internal/keytest"
	"sendgrid-sso-integration/internal/lambdatest"
	"sendgrid-sso-integration/internal/secret/secrettest"
	"sendgrid-sso-integration/sendgrid"
	"sendgrid-sso-integration/sendgrid/sendgridtest"
)

const (
	apiKey        = "SG.compat"
	invokeTimeout = 20 * time.Second
)

// identityProviders returns those that are tested.
func identityProviders() []identityProvider {
	return []identityProvider{&simpleSAMLphp{}, &lemonLDAP{}}
}

var bootstrap = lambdatest.NewBootstrap("sendgrid-sso-integration/cmd/sso-integration")

func TestMain(m *testing.M) { os.Exit(bootstrap.Main(m)) }

// TestIdentityProviders takes every identity provider from its own SAML metadata to a login, and once more
// with another key. It prints what came of each step.
func TestIdentityProviders(t *testing.T) {
	t.Parallel()
	results := &matrix{}
	judge := nodeSAMLVersion(t)
	t.Cleanup(func() { results.print(os.Stdout, judge) }) // It runs when all of them have ended.
	for _, idp := range identityProviders() {
		r := results.add(idp.name())
		t.Run(idp.name(), func(t *testing.T) {
			t.Parallel()
			for _, name := range idp.packages() {
				r.versions = append(r.versions, name+" "+version(t, name))
			}
			c := newConnection(t, idp)
			c.takeSteps(t, r)
		})
	}
}

// connection is an identity provider, the function, and a SendGrid that one connects with the other.
type connection struct {
	idp      identityProvider
	key      signingKey
	sendGrid *sendgridtest.Server
	account  *sendgrid.Client
	function *lambdatest.Function
}

func newConnection(t *testing.T, idp identityProvider) *connection {
	t.Helper()
	c := &connection{idp: idp, key: newKey(t, idp.name()+" 1"), sendGrid: sendgridtest.New()}
	c.sendGrid.SetKeys(apiKey)
	secrets := secrettest.New()
	secrets.Put("sso/key", apiKey)
	address := lambdatest.Serve(t, c.sendGrid)
	c.sendGrid.SetPublicURL(address)
	c.account = &sendgrid.Client{Keys: keytest.Fixed(apiKey), BaseURL: address}
	c.function = bootstrap.Start(t, map[string]string{
		"SENDGRID_BASE_URL": address, "AWS_ENDPOINT_URL_SECRETS_MANAGER": lambdatest.Serve(t, secrets), "SENDGRID_API_KEY_SECRET_ID": "sso/key",
	})
	c.function.Ready()
	return c
}

func (c *connection) takeSteps(t *testing.T, r *row) {
	t.Helper()
	var request samlRequest
	r.take(t, stepAccepted, func() {
		c.idp.start(t, c.key)
		request = c.request(t)
		planned := c.apply(t, request.with("dry_run", true))
		require.Equal(t, "planned", planned.Outcome)
	})
	var i sendgrid.Integration
	r.take(t, stepCreated, func() {
		made := c.apply(t, request)
		require.Equal(t, "created", made.Outcome)
		i = made.Integration
		require.Equal(t, "unchanged", c.apply(t, request).Outcome, "the same again")
		c.requireCertificates(t, i, c.key)
		c.idp.connect(t, i)
	})
	var response []byte
	r.take(t, stepSimulator, func() {
		response = logIn(t, c.idp, i)
		c.requireLogIn(t, i, response)
	})
	r.take(t, stepNodeSAML, func() { c.requireNodeSAML(t, i, response) })

	next := newKey(t, c.idp.name()+" 2")
	r.take(t, stepRefused, func() {
		c.idp.rotate(t, next)
		response = logIn(t, c.idp, i)
		status, body := post(t, i, response)
		require.Equal(t, http.StatusForbidden, status, body)
		refused := c.judge(t, i, response)
		require.Equal(t, "Invalid signature", refused.Refusal)
		t.Logf("with the new key, the simulator says %s, and node-saml %q", body, refused.Refusal)
	})
	r.take(t, stepUpdated, func() {
		updated := c.apply(t, c.request(t).with("if_exists", "update"))
		require.Equal(t, "updated", updated.Outcome)
		require.Equal(t, i.ID, updated.Integration.ID)
		c.requireCertificates(t, i, c.key, next)
	})
	r.take(t, stepAfterSimulator, func() {
		response = logIn(t, c.idp, i)
		c.requireLogIn(t, i, response)
	})
	r.take(t, stepAfterNodeSAML, func() { c.requireNodeSAML(t, i, response) })

	idp, ok := c.idp.(announcer)
	if !ok {
		r.notOffered[stepAnnounced] = true
		return
	}
	r.take(t, stepAnnounced, func() {
		announced := newKey(t, c.idp.name()+" 3")
		idp.announce(t, announced)
		require.Equal(t, "updated", c.apply(t, c.request(t).with("if_exists", "update")).Outcome)
		c.requireCertificates(t, i, c.key, next, announced)
		for _, rotate := range []bool{false, true} {
			if rotate {
				c.idp.rotate(t, announced)
			}
			response := logIn(t, c.idp, i)
			c.requireLogIn(t, i, response)
			c.requireNodeSAML(t, i, response)
		}
	})
}

// samlRequest is a request to the function.
type samlRequest map[string]any

// with returns the request with another field.
func (r samlRequest) with(field string, value any) samlRequest {
	changed := samlRequest{field: value}
	for name, other := range r {
		if name != field {
			changed[name] = other
		}
	}
	return changed
}

// request returns the request with the SAML metadata that the identity provider serves now. By URL the
// function would not fetch it: it takes it from public addresses only.
func (c *connection) request(t *testing.T) samlRequest {
	t.Helper()
	_, document := open(t, c.idp.client(), request(t, http.MethodGet, c.idp.metadataURL(), nil))
	return samlRequest{"name": c.idp.name(), "enabled": true, "saml_metadata": document}
}

// result is what the function returns.
type result struct {
	Outcome     string
	Integration sendgrid.Integration
}

// apply sends a request to the function.
func (c *connection) apply(t *testing.T, r samlRequest) (out result) {
	t.Helper()
	payload, err := json.Marshal(r)
	require.NoError(t, err)
	reply := c.function.Invoke(payload, invokeTimeout)
	require.False(t, reply.Failed, "%s", reply.Body)
	require.NoError(t, json.Unmarshal(reply.Body, &out), "%s", reply.Body)
	return out
}

// requireCertificates requires that SendGrid has the certificates of these keys, and no others.
func (c *connection) requireCertificates(t *testing.T, i sendgrid.Integration, keys ...signingKey) {
	t.Helper()
	var want, got []string
	for _, k := range keys {
		want = append(want, k.certificatePEM)
	}
	for _, each := range c.certificates(t, i) {
		got = append(got, each.PublicCertificate)
	}
	require.ElementsMatch(t, want, got)
}

func (c *connection) certificates(t *testing.T, i sendgrid.Integration) []sendgrid.Certificate {
	t.Helper()
	list, err := c.account.ListCertificates(t.Context(), i.ID)
	require.NoError(t, err)
	return list
}

// requireLogIn requires that the simulator logs the person in.
func (c *connection) requireLogIn(t *testing.T, i sendgrid.Integration, response []byte) {
	t.Helper()
	status, body := post(t, i, response)
	require.Equal(t, http.StatusOK, status, body)
	require.JSONEq(t, `{"name_id":"`+c.idp.person().nameID+`"}`, body)
}

// post sends a response to SendGrid, as the person's browser does.
func post(t *testing.T, i sendgrid.Integration, samlResponse []byte) (status int, body string) {
	t.Helper()
	form := url.Values{"SAMLResponse": {base64.StdEncoding.EncodeToString(samlResponse)}}
	response, err := http.DefaultClient.Do(request(t, http.MethodPost, i.SingleSignOnURL, form))
	require.NoError(t, err)
	defer response.Body.Close()
	text, err := io.ReadAll(io.LimitReader(response.Body, maxPage))
	require.NoError(t, err)
	return response.StatusCode, string(text)
}

// requireNodeSAML requires that node-saml logs the person in, and takes the identity provider for the one
// that SendGrid knows.
func (c *connection) requireNodeSAML(t *testing.T, i sendgrid.Integration, response []byte) {
	t.Helper()
	require.Equal(t, verdict{NameID: c.idp.person().nameID, Issuer: i.EntityID}, c.judge(t, i, response))
}

// judge has node-saml judge a response with what SendGrid has now.
func (c *connection) judge(t *testing.T, i sendgrid.Integration, response []byte) verdict {
	t.Helper()
	now, err := c.account.GetIntegration(t.Context(), i.ID)
	require.NoError(t, err)
	return judgeByNodeSAML(t, *now, c.certificates(t, i), response)
}
