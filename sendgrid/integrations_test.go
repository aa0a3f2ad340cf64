package sendgrid_test

import (
	"context"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"sendgrid-sso-integration/internal/keytest"
	"sendgrid-sso-integration/sendgrid"
)

const exampleResponse = `{
	"name": "Twilio SendGrid",
	"enabled": true,
	"signin_url": "https://example.okta.com/home/examplecompany/yok/nfa",
	"signout_url": "https://example.okta.com/login/signout",
	"entity_id": "http://www.okta.com/exk1",
	"last_updated": 1621288520,
	"completed_integration": true,
	"id": "b0b98502-9408-4b24-9e3d-31ed7cb15312",
	"single_signon_url": "https://api.sendgrid.com/v3/public/sso/saml/response/id/b0b98502-9408-4b24-9e3d-31ed7cb15312",
	"audience_url": "https://api.sendgrid.com/v3/public/sso/saml/response/id/b0b98502-9408-4b24-9e3d-31ed7cb15312"
}`

func exampleIntegration() sendgrid.Integration {
	completed := true
	return sendgrid.Integration{
		ID:                   "b0b98502-9408-4b24-9e3d-31ed7cb15312",
		Name:                 "Twilio SendGrid",
		Enabled:              true,
		SigninURL:            "https://example.okta.com/home/examplecompany/yok/nfa",
		SignoutURL:           "https://example.okta.com/login/signout",
		EntityID:             "http://www.okta.com/exk1",
		SingleSignOnURL:      "https://api.sendgrid.com/v3/public/sso/saml/response/id/b0b98502-9408-4b24-9e3d-31ed7cb15312",
		AudienceURL:          "https://api.sendgrid.com/v3/public/sso/saml/response/id/b0b98502-9408-4b24-9e3d-31ed7cb15312",
		CompletedIntegration: &completed,
		LastUpdated:          "1621288520",
	}
}

// A create and an update send the same body.
func TestCreateAndUpdateIntegration(t *testing.T) {
	t.Parallel()
	yes, no := true, false
	tests := []struct {
		name   string
		change func(*sendgrid.IntegrationRequest)
		body   string
	}{
		{
			name:   "completed_integration is left out where nil",
			change: func(*sendgrid.IntegrationRequest) {},
			body:   `{"name":"Twilio SendGrid","enabled":true,"signin_url":"https://example.okta.com/home/examplecompany/yok/nfa","signout_url":"https://example.okta.com/login/signout","entity_id":"http://www.okta.com/exk1"}`,
		},
		{
			name:   "completed_integration true is sent",
			change: func(r *sendgrid.IntegrationRequest) { r.CompletedIntegration = &yes },
			body:   `{"name":"Twilio SendGrid","enabled":true,"signin_url":"https://example.okta.com/home/examplecompany/yok/nfa","signout_url":"https://example.okta.com/login/signout","entity_id":"http://www.okta.com/exk1","completed_integration":true}`,
		},
		{
			name:   "completed_integration false is sent",
			change: func(r *sendgrid.IntegrationRequest) { r.CompletedIntegration = &no },
			body:   `{"name":"Twilio SendGrid","enabled":true,"signin_url":"https://example.okta.com/home/examplecompany/yok/nfa","signout_url":"https://example.okta.com/login/signout","entity_id":"http://www.okta.com/exk1","completed_integration":false}`,
		},
		{
			name: "required fields are sent though they are empty",
			change: func(r *sendgrid.IntegrationRequest) {
				*r = sendgrid.IntegrationRequest{Name: "Müller & Söhne", SigninURL: "https://idp.example/?a=1", EntityID: "urn:x"}
			},
			body: `{"name":"Müller \u0026 Söhne","enabled":false,"signin_url":"https://idp.example/?a=1","signout_url":"","entity_id":"urn:x"}`,
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			h := newHarness(t, reply(http.StatusOK, exampleResponse))
			in := exampleRequest()
			tt.change(&in)

			got, err := h.client().CreateIntegration(t.Context(), in)

			require.NoError(t, err)
			require.Equal(t, exampleIntegration(), *got)
			sent := h.only()
			require.Equal(t, http.MethodPost, sent.method)
			require.Equal(t, "/base/v3/sso/integrations", sent.path)
			require.Empty(t, sent.query)
			require.Equal(t, tt.body, sent.body)

			updated, err := h.client().UpdateIntegration(t.Context(), "a/b", in)
			require.NoError(t, err)
			require.Equal(t, exampleIntegration(), *updated)
			sent = h.all()[1]
			require.Equal(t, http.MethodPatch, sent.method)
			require.Equal(t, "/base/v3/sso/integrations/a%2Fb", sent.path)
			require.Equal(t, "si=true", sent.query)
			require.Equal(t, tt.body, sent.body)
		})
	}
}

func TestListIntegrations(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, response string
		want           []sendgrid.Integration
	}{
		{name: "some", response: "[" + exampleResponse + "," + exampleResponse + "]", want: []sendgrid.Integration{exampleIntegration(), exampleIntegration()}},
		{name: "none", response: "[]", want: []sendgrid.Integration{}},
		{name: "none, as a Go server encodes a nil slice", response: "null"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			h := newHarness(t, reply(http.StatusOK, tt.response))

			got, err := h.client().ListIntegrations(t.Context())

			require.NoError(t, err)
			require.Equal(t, tt.want, got)
			sent := h.only()
			require.Equal(t, http.MethodGet, sent.method)
			require.Equal(t, "/base/v3/sso/integrations", sent.path)
			require.Equal(t, "si=true", sent.query)
			require.Empty(t, sent.body)
		})
	}
}

func TestGetIntegration(t *testing.T) {
	t.Parallel()
	tests := []struct{ name, id, path string }{
		{name: "uuid", id: "b0b98502-9408-4b24-9e3d-31ed7cb15312", path: "/base/v3/sso/integrations/b0b98502-9408-4b24-9e3d-31ed7cb15312"},
		{name: "slashes do not lead elsewhere", id: "../certificates/1", path: "/base/v3/sso/integrations/..%2Fcertificates%2F1"},
		{name: "a question mark begins no query", id: "a?si=false#b c", path: "/base/v3/sso/integrations/a%3Fsi=false%23b%20c"},
		{name: "a percent sign stays one", id: "100%2F", path: "/base/v3/sso/integrations/100%252F"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			h := newHarness(t, reply(http.StatusOK, exampleResponse))
			c := h.client()

			got, err := c.GetIntegration(t.Context(), tt.id)

			require.NoError(t, err)
			require.Equal(t, exampleIntegration(), *got)
			sent := h.only()
			require.Equal(t, http.MethodGet, sent.method)
			require.Equal(t, tt.path, sent.path)
			require.Equal(t, "si=true", sent.query)
			require.Empty(t, sent.body)
			require.Equal(t, h.server.URL+tt.path, c.IntegrationURL(tt.id))
		})
	}
}

// Without an id the path would be another one; keytest.Keys panics if a key is asked for.
func TestEmptyID(t *testing.T) {
	t.Parallel()
	c := &sendgrid.Client{Keys: &keytest.Keys{}}
	for op, call := range map[sendgrid.Op]func(context.Context) error{
		sendgrid.OpGetIntegration:    func(ctx context.Context) error { _, err := c.GetIntegration(ctx, ""); return err },
		sendgrid.OpDeleteIntegration: func(ctx context.Context) error { return c.DeleteIntegration(ctx, "") },
		sendgrid.OpDeleteCertificate: func(ctx context.Context) error { return c.DeleteCertificate(ctx, "") },
		sendgrid.OpUpdateIntegration: func(ctx context.Context) error { _, err := c.UpdateIntegration(ctx, "", exampleRequest()); return err },
		sendgrid.OpListCertificates:  func(ctx context.Context) error { _, err := c.ListCertificates(ctx, ""); return err },
	} {
		err := call(t.Context())
		require.Equal(t, sendgrid.NeverSent, sendgrid.ClassOf(err), string(op))
		require.EqualError(t, err, "sendgrid: "+string(op)+": never sent: the id is empty")
	}
}

func TestBaseURL(t *testing.T) {
	t.Parallel()
	tests := []struct{ name, base, want string }{
		{name: "the default is the global host", base: "", want: "https://api.sendgrid.com/v3/sso/integrations/1"},
		{name: "the EU host", base: sendgrid.EUBaseURL, want: "https://api.eu.sendgrid.com/v3/sso/integrations/1"},
		{name: "slashes at the end are one", base: "http://localhost:8080/sendgrid//", want: "http://localhost:8080/sendgrid/v3/sso/integrations/1"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			c := &sendgrid.Client{BaseURL: tt.base}
			require.Equal(t, tt.want, c.IntegrationURL("1"))
		})
	}
}

func TestRegionURL(t *testing.T) {
	t.Parallel()
	tests := []struct{ region, want, wantError string }{
		{region: "", want: "https://api.sendgrid.com"},
		{region: "global", want: "https://api.sendgrid.com"},
		{region: "eu", want: "https://api.eu.sendgrid.com"},
		{region: "EU", wantError: `must be global or eu, not "EU"`},
	}
	for _, tt := range tests {
		t.Run(tt.region, func(t *testing.T) {
			t.Parallel()
			got, err := sendgrid.RegionURL(tt.region)
			if tt.wantError != "" {
				require.EqualError(t, err, tt.wantError)
				return
			}
			require.NoError(t, err)
			require.Equal(t, tt.want, got)
		})
	}
}

func TestHeaders(t *testing.T) {
	t.Parallel()
	for _, each := range everyCall() {
		t.Run(string(each.op), func(t *testing.T) {
			t.Parallel()
			h := newHarness(t, reply(http.StatusOK, each.response))
			c := h.client()
			require.NoError(t, each.call(t.Context(), c))
			own := h.only().header
			onBehalf := h.client()
			onBehalf.OnBehalfOf = "subuser"
			onBehalf.UserAgent = ""
			require.NoError(t, each.call(t.Context(), onBehalf))
			other := h.all()[1].header

			require.Equal(t, []string{"Bearer " + testKey}, own.Values("Authorization"))
			require.Equal(t, []string{"application/json"}, own.Values("Accept"))
			require.Equal(t, []string{testUserAgent}, own.Values("User-Agent"))
			if h.all()[0].body != "" {
				require.Equal(t, []string{"application/json"}, own.Values("Content-Type"))
			} else {
				require.NotContains(t, own, "Content-Type")
			}
			require.NotContains(t, own, "On-Behalf-Of")
			require.Equal(t, []string{"subuser"}, other.Values("On-Behalf-Of"))
			for name := range own {
				// With such a header net/http sends a POST again after it was written.
				require.False(t, strings.HasSuffix(name, "Idempotency-Key"), name)
			}
		})
	}
}
