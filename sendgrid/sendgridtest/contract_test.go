package sendgridtest_test

import (
	"bytes"
	_ "embed"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/stretchr/testify/require"

	"sendgrid-sso-integration/internal/keytest"
	"sendgrid-sso-integration/internal/openapitest"
	"sendgrid-sso-integration/sendgrid"
	"sendgrid-sso-integration/sendgrid/sendgridtest"
)

//go:embed contract.yaml
var contract []byte

func newDocument(t *testing.T) *openapitest.Document {
	t.Helper()
	document, err := openapitest.Parse(contract)
	require.NoError(t, err)
	document.Servers = append(document.Servers, &openapi3.Server{URL: "http://127.0.0.1:{port}"}) // a simulator
	return document
}

// validating is a transport that checks what goes over it.
type validating struct {
	t        *testing.T
	document *openapitest.Document
	statuses []int
}

func (v *validating) RoundTrip(r *http.Request) (*http.Response, error) {
	body := []byte{}
	if r.Body != nil {
		var err error
		body, err = io.ReadAll(r.Body)
		require.NoError(v.t, err)
	}
	r = r.Clone(r.Context())
	r.Body = io.NopCloser(bytes.NewReader(body))
	require.NoError(v.t, v.document.Request(r))

	r.Body = io.NopCloser(bytes.NewReader(body))
	w, err := http.DefaultTransport.RoundTrip(r)
	require.NoError(v.t, err)
	response, err := io.ReadAll(w.Body)
	require.NoError(v.t, err)
	require.NoError(v.t, w.Body.Close())
	w.Body = io.NopCloser(bytes.NewReader(response))
	require.NoError(v.t, v.document.Response(r, w))

	v.statuses = append(v.statuses, w.StatusCode)
	w.Body = io.NopCloser(bytes.NewReader(response))
	return w, nil
}

// Every request of the client and every response of the simulator is as documented.
func TestContract(t *testing.T) {
	t.Parallel()
	document := newDocument(t)
	yes := true
	tests := []struct {
		name   string
		set    func(*sendgridtest.Server)
		status int
	}{
		{name: "success", set: func(*sendgridtest.Server) {}, status: 200},
		{name: "without a known key", set: func(s *sendgridtest.Server) { s.SetKeys("other") }, status: 401},
		{name: "without a scope", set: func(s *sendgridtest.Server) { s.SetScopes("key") }, status: 403},
		{name: "beyond the rate limit", set: func(s *sendgridtest.Server) { s.SetRateLimit(0, time.Minute) }, status: 429},
		{name: "server error", set: func(s *sendgridtest.Server) {
			s.Script(
				sendgridtest.Fault{Op: sendgrid.OpListScopes, Times: -1, Status: 500, Body: `{"errors":[{"message":"internal server error"}]}`},
				sendgridtest.Fault{Times: -1, Status: 500, Body: `[{"message":"internal server error","field":null,"error_id":"e"}]`},
			)
		}, status: 500},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			s := sendgridtest.New()
			existing := s.Add(request())
			certificate := s.AddCertificate(sendgrid.CertificateRequest{IntegrationID: existing.ID, PublicCertificate: certificatePEM(t)})
			tt.set(s)
			server := httptest.NewServer(s)
			t.Cleanup(server.Close)
			transport := &validating{t: t, document: document}
			c := &sendgrid.Client{
				Keys:      keytest.Fixed("key"),
				BaseURL:   server.URL,
				UserAgent: "contract",
				HTTP:      &http.Client{Transport: transport},
			}
			for _, completed := range []*bool{nil, &yes} {
				in := request()
				in.CompletedIntegration = completed
				_, _ = c.CreateIntegration(t.Context(), in) // The transport is what checks it.
				_, _ = c.UpdateIntegration(t.Context(), existing.ID, in)
			}
			_, _ = c.ListIntegrations(t.Context())
			_, _ = c.GetIntegration(t.Context(), existing.ID)
			in := sendgrid.CertificateRequest{PublicCertificate: certificatePEM(t), IntegrationID: existing.ID, Enabled: true}
			_, _ = c.CreateCertificate(t.Context(), in)
			_, _ = c.ListCertificates(t.Context(), existing.ID)
			body, err := json.Marshal(in)
			require.NoError(t, err)
			// The client neither reads nor updates one certificate.
			for _, r := range []*http.Request{
				byHand(t, http.MethodGet, certificates+"/"+certificate.ID, ""),
				byHand(t, http.MethodPatch, certificates+"/"+certificate.ID, string(body)),
			} {
				r.URL.Scheme, r.URL.Host, r.RequestURI = "http", server.Listener.Addr().String(), ""
				response, err := c.HTTP.Do(r)
				require.NoError(t, err)
				require.NoError(t, response.Body.Close())
			}

			_ = c.DeleteCertificate(t.Context(), certificate.ID)
			_ = c.DeleteIntegration(t.Context(), existing.ID)
			_, _ = c.ListScopes(t.Context())

			want := slices.Repeat([]int{tt.status}, 13)
			switch tt.status {
			case http.StatusOK:
				want[11] = http.StatusNoContent
			case http.StatusForbidden:
				want[12] = http.StatusOK // It needs none.
			}
			require.Equal(t, want, transport.statuses)
			for _, op := range sendgrid.Ops() {
				if slices.Contains(teammatesOps, op) {
					continue // They have a test of their own.
				}
				require.NotZero(t, s.Count(op), string(op))
			}
		})
	}
}

// The client cannot send what is refused with 400, so this request is made by hand.
func TestContractOfBadRequests(t *testing.T) {
	t.Parallel()
	document := newDocument(t)
	for _, target := range []string{collection, certificates} {
		for _, body := range []string{`{}`, `{"name":1,"enabled":"x"}`, `[]`, ``} {
			r := byHand(t, http.MethodPost, target, body)
			w := httptest.NewRecorder()
			sendgridtest.New().ServeHTTP(w, r)
			require.Equal(t, http.StatusBadRequest, w.Code)
			require.NoError(t, document.Response(byHand(t, http.MethodPost, target, body), w.Result()))
		}
	}
}

// A validation that finds nothing wrong proves something only if it would.
func TestContractBites(t *testing.T) {
	t.Parallel()
	document := newDocument(t)
	requests := []struct{ name, body, want string }{
		{name: "a missing field", body: strings.Replace(goodBody, `"name":"Okta",`, "", 1), want: "missing property 'name'"},
		{name: "a wrong type", body: strings.Replace(goodBody, "true", `"true"`, 1), want: "want boolean"},
		{name: "no object", body: "[]", want: "want object"},
	}
	t.Run("certificate without its integration", func(t *testing.T) {
		t.Parallel()
		require.ErrorContains(t, document.Request(byHand(t, http.MethodPost, certificates, `{"public_certificate":"x","enabled":true}`)), "missing property 'integration_id'")
	})
	for _, tt := range requests {
		t.Run("request with "+tt.name, func(t *testing.T) {
			t.Parallel()
			require.ErrorContains(t, document.Request(byHand(t, http.MethodPost, collection, tt.body)), tt.want)
		})
	}
	t.Run("request without a key", func(t *testing.T) {
		t.Parallel()
		r := byHand(t, http.MethodGet, collection, "")
		r.Header.Del("Authorization")
		require.ErrorContains(t, document.Request(r), "Authorization")
	})
	responses := []struct {
		name   string
		method string
		fault  sendgridtest.Fault
		want   string
	}{
		{name: "a missing field", method: http.MethodPost, fault: sendgridtest.Fault{Omit: []string{"entity_id"}}, want: "missing property 'entity_id'"},
		{name: "a missing field in a list", method: http.MethodGet, fault: sendgridtest.Fault{Omit: []string{"enabled"}}, want: `property "enabled" is missing`},
		{name: "another form of error", method: http.MethodGet, fault: sendgridtest.Fault{Status: 403, Body: `{"errors":[]}`}, want: "want array"},
		{name: "an undocumented status", method: http.MethodPost, fault: sendgridtest.Fault{Status: 409, Body: `[]`}, want: "409"},
		{name: "a wrong type", method: http.MethodGet, fault: sendgridtest.Fault{Status: 401, Body: `[{"message":1}]`}, want: "want string"},
	}
	for _, tt := range responses {
		t.Run("response with "+tt.name, func(t *testing.T) {
			t.Parallel()
			s := sendgridtest.New()
			s.Add(request())
			s.Script(tt.fault)
			w := httptest.NewRecorder()
			s.ServeHTTP(w, byHand(t, tt.method, collection, goodBody))
			require.ErrorContains(t, document.Response(byHand(t, tt.method, collection, goodBody), w.Result()), tt.want)
		})
	}
}

func byHand(t *testing.T, method, target, body string) *http.Request {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), method, "https://api.sendgrid.com"+target, strings.NewReader(body))
	r.Header.Set("Authorization", "Bearer key")
	r.Header.Set("Content-Type", "application/json")
	return r
}
