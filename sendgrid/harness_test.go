package sendgrid_test

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"sendgrid-sso-integration/internal/keytest"
	"sendgrid-sso-integration/sendgrid"
)

const (
	testKey       = "SG.test-key.0123456789"
	testUserAgent = "sendgrid-test/1.0"
)

// harness is an API that responds as the test wants and records its requests. Its path is
// below a base path, because a base URL may have one.
type harness struct {
	t        *testing.T
	server   *httptest.Server
	response http.HandlerFunc

	mu       sync.Mutex
	requests []recorded
}

type recorded struct {
	method, path, query string
	header              http.Header
	body                string
}

func newHarness(t *testing.T, response http.HandlerFunc) *harness {
	t.Helper()
	h := &harness{t: t, response: response}
	h.server = httptest.NewServer(http.HandlerFunc(h.serve))
	t.Cleanup(h.server.Close)
	return h
}

func (h *harness) serve(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		h.t.Errorf("read the request: %v", err)
	}
	h.mu.Lock()
	h.requests = append(h.requests, recorded{
		method: r.Method,
		path:   r.URL.EscapedPath(),
		query:  r.URL.RawQuery,
		header: r.Header.Clone(),
		body:   string(body),
	})
	h.mu.Unlock()
	h.response(w, r)
}

// client returns a client of this API with a key that never changes.
func (h *harness) client() *sendgrid.Client {
	return &sendgrid.Client{
		Keys:      fixedKey(testKey),
		BaseURL:   h.server.URL + "/base",
		UserAgent: testUserAgent,
		HTTP:      h.server.Client(),
	}
}

func (h *harness) all() []recorded {
	h.mu.Lock()
	defer h.mu.Unlock()
	return append([]recorded(nil), h.requests...)
}

// only returns the one request that the test has caused.
func (h *harness) only() recorded {
	h.t.Helper()
	requests := h.all()
	require.Len(h.t, requests, 1)
	return requests[0]
}

// reply responds to every request alike.
func reply(status int, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body) // A client that has gone is the test's business.
	}
}

// fixedKey is a key source that has one key in one version.
func fixedKey(key string) *keytest.Keys { return keytest.Fixed(key) }

// roundTripper is a transport that is only a function.
type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// operation is a call that the client offers, with good arguments and a good response.
type operation struct {
	op       sendgrid.Op
	call     func(context.Context, *sendgrid.Client) error
	response string
}

// everyCall lists all calls that the client offers.
func everyCall() []operation {
	const id = "b0b98502-9408-4b24-9e3d-31ed7cb15312"
	return []operation{
		{sendgrid.OpCreateIntegration, func(ctx context.Context, c *sendgrid.Client) error {
			_, err := c.CreateIntegration(ctx, exampleRequest())
			return err
		}, exampleResponse},
		{sendgrid.OpListIntegrations, func(ctx context.Context, c *sendgrid.Client) error {
			_, err := c.ListIntegrations(ctx)
			return err
		}, "[]"},
		{sendgrid.OpGetIntegration, func(ctx context.Context, c *sendgrid.Client) error {
			_, err := c.GetIntegration(ctx, id)
			return err
		}, exampleResponse},
		{sendgrid.OpUpdateIntegration, func(ctx context.Context, c *sendgrid.Client) error {
			_, err := c.UpdateIntegration(ctx, id, exampleRequest())
			return err
		}, exampleResponse},
		{sendgrid.OpCreateCertificate, func(ctx context.Context, c *sendgrid.Client) error {
			_, err := c.CreateCertificate(ctx, sendgrid.CertificateRequest{})
			return err
		}, exampleCertificateResponse},
		{sendgrid.OpListCertificates, func(ctx context.Context, c *sendgrid.Client) error {
			_, err := c.ListCertificates(ctx, id)
			return err
		}, "[]"},
		{sendgrid.OpDeleteIntegration, func(ctx context.Context, c *sendgrid.Client) error { return c.DeleteIntegration(ctx, id) }, ""},
		{sendgrid.OpDeleteCertificate, func(ctx context.Context, c *sendgrid.Client) error { return c.DeleteCertificate(ctx, "1") }, ""},
		{sendgrid.OpListScopes, func(ctx context.Context, c *sendgrid.Client) error {
			_, err := c.ListScopes(ctx)
			return err
		}, `{"scopes":[]}`},
		{sendgrid.OpCreateTeammate, func(ctx context.Context, c *sendgrid.Client) error {
			_, err := c.CreateTeammate(ctx, exampleTeammateRequest())
			return err
		}, exampleTeammateResponse},
		{sendgrid.OpUpdateTeammate, func(ctx context.Context, c *sendgrid.Client) error {
			_, err := c.UpdateTeammate(ctx, "jane_doe@example.com", exampleTeammateUpdate())
			return err
		}, exampleTeammateResponse},
		{sendgrid.OpListTeammates, func(ctx context.Context, c *sendgrid.Client) error {
			_, err := c.ListTeammates(ctx)
			return err
		}, `{"result":[]}`},
		{sendgrid.OpListPending, func(ctx context.Context, c *sendgrid.Client) error {
			_, err := c.ListPendingTeammates(ctx)
			return err
		}, `{"result":[]}`},
		{sendgrid.OpGetTeammate, func(ctx context.Context, c *sendgrid.Client) error {
			_, err := c.GetTeammate(ctx, "jane_doe@example.com")
			return err
		}, exampleTeammateResponse},
		{sendgrid.OpDeleteTeammate, func(ctx context.Context, c *sendgrid.Client) error {
			return c.DeleteTeammate(ctx, "jane_doe@example.com")
		}, ""},
		{sendgrid.OpListSubuserAccess, func(ctx context.Context, c *sendgrid.Client) error {
			_, err := c.ListSubuserAccess(ctx, "jane_doe@example.com")
			return err
		}, `{"has_restricted_subuser_access":false,"subuser_access":[]}`},
		{sendgrid.OpFindSubuser, func(ctx context.Context, c *sendgrid.Client) error {
			_, _, err := c.FindSubuser(ctx, "subuser")
			return err
		}, "[]"},
	}
}

func exampleRequest() sendgrid.IntegrationRequest {
	return sendgrid.IntegrationRequest{
		Name:       "Twilio SendGrid",
		Enabled:    true,
		SigninURL:  "https://example.okta.com/home/examplecompany/yok/nfa",
		SignoutURL: "https://example.okta.com/login/signout",
		EntityID:   "http://www.okta.com/exk1",
	}
}

// requireError returns err as the type that every failed request has.
func requireError(t *testing.T, err error) *sendgrid.Error {
	t.Helper()
	var failure *sendgrid.Error
	require.ErrorAs(t, err, &failure)
	return failure
}
