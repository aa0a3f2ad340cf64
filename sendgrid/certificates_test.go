package sendgrid_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"sendgrid-sso-integration/sendgrid"
)

const exampleCertificateResponse = `{"public_certificate":"-----BEGIN CERTIFICATE-----","id":66138975,"not_before":1621289880,"not_after":1621289881,"intergration_id":"b0b98502"}`

func exampleCertificate() sendgrid.Certificate {
	return sendgrid.Certificate{
		ID: "66138975", PublicCertificate: "-----BEGIN CERTIFICATE-----", IntegrationID: "b0b98502",
		NotBefore: 1621289880, NotAfter: 1621289881,
	}
}

func TestCertificateRequests(t *testing.T) {
	t.Parallel()
	in := sendgrid.CertificateRequest{PublicCertificate: "PEM", IntegrationID: "b0b98502"}
	on := in
	on.Enabled = true
	const body = `{"public_certificate":"PEM","integration_id":"b0b98502","enabled":`
	for name, tt := range map[string]struct {
		call               func(*sendgrid.Client) (*sendgrid.Certificate, error)
		method, path, body string
	}{
		"create": {
			func(c *sendgrid.Client) (*sendgrid.Certificate, error) { return c.CreateCertificate(t.Context(), on) },
			http.MethodPost, "/base/v3/sso/certificates", body + "true}",
		},
		"create disabled": {
			func(c *sendgrid.Client) (*sendgrid.Certificate, error) { return c.CreateCertificate(t.Context(), in) },
			http.MethodPost, "/base/v3/sso/certificates", body + "false}",
		},
		"list": {
			func(c *sendgrid.Client) (*sendgrid.Certificate, error) {
				list, err := c.ListCertificates(t.Context(), "1/2")
				require.Len(t, list, 1)
				return &list[0], err
			},
			http.MethodGet, "/base/v3/sso/integrations/1%2F2/certificates", "",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			response := exampleCertificateResponse
			if name == "list" {
				response = "[" + response + "]"
			}
			h := newHarness(t, reply(http.StatusOK, response))
			got, err := tt.call(h.client())
			require.NoError(t, err)
			require.Equal(t, exampleCertificate(), *got)
			sent := h.only()
			require.Equal(t, []string{tt.method, tt.path, "", tt.body}, []string{sent.method, sent.path, sent.query, sent.body})
		})
	}
}

func TestCertificatesAreRead(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		row  string
		want sendgrid.Certificate
	}{
		"both spellings":               {`{"id":1,"integration_id":"a","intergration_id":"b"}`, sendgrid.Certificate{ID: "1", IntegrationID: "a"}},
		"an id that is a text":         {`{"id":"1","integration_id":"a"}`, sendgrid.Certificate{ID: "1", IntegrationID: "a"}},
		"a fraction of a second":       {`{"id":1,"not_before":1621289880.9,"not_after":1.62e9}`, sendgrid.Certificate{ID: "1", NotBefore: 1621289880, NotAfter: 1620000000}},
		"impossible times":             {`{"id":1,"not_before":1e300,"not_after":"1621289880"}`, sendgrid.Certificate{ID: "1"}},
		"other types":                  {`{"id":1,"public_certificate":["x"],"intergration_id":{},"not_after":null}`, sendgrid.Certificate{ID: "1"}},
		"nothing":                      {`{}`, sendgrid.Certificate{}},
		"a certificate of 16 KiB":      {`{"public_certificate":"` + strings.Repeat("x", 16<<10) + `"}`, sendgrid.Certificate{PublicCertificate: strings.Repeat("x", 16<<10)}},
		"a certificate that is longer": {`{"id":1,"public_certificate":"x` + strings.Repeat("x", 16<<10) + `"}`, sendgrid.Certificate{ID: "1"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			list, err := newHarness(t, reply(200, "["+tt.row+","+exampleCertificateResponse+"]")).client().ListCertificates(t.Context(), "1")
			require.NoError(t, err)
			require.Equal(t, []sendgrid.Certificate{tt.want, exampleCertificate()}, list)
			created, err := newHarness(t, reply(200, tt.row)).client().CreateCertificate(t.Context(), sendgrid.CertificateRequest{})
			require.NoError(t, err)
			require.Equal(t, tt.want, *created)
		})
	}
}

// A response that shows no certificate must not count as the absence of one.
func TestOtherResponsesAreNoCertificates(t *testing.T) {
	t.Parallel()
	for _, body := range []string{`[{"message":"internal error"}]`, `[{}]`, `[null]`, `["x"]`, `{}`, `"x"`, ``} {
		_, err := newHarness(t, reply(200, body)).client().ListCertificates(t.Context(), "1")
		require.Equal(t, sendgrid.Unavailable, sendgrid.ClassOf(err), body)
	}
	list, err := newHarness(t, reply(200, "null")).client().ListCertificates(t.Context(), "1")
	require.NoError(t, err)
	require.Empty(t, list)
}

// What is not there is deleted.
func TestDeleteIsIdempotent(t *testing.T) {
	t.Parallel()
	for status, want := range map[int]bool{http.StatusNoContent: true, http.StatusOK: true, http.StatusNotFound: true, http.StatusForbidden: false, http.StatusBadGateway: false} {
		h := newHarness(t, reply(status, `{"error":"x"}`))
		require.Equal(t, want, h.client().DeleteIntegration(t.Context(), "1") == nil, status)
		require.Equal(t, want, h.client().DeleteCertificate(t.Context(), "1") == nil, status)
	}
}
