package sendgridtest_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"sendgrid-sso-integration/sendgrid"
	"sendgrid-sso-integration/sendgrid/sendgridtest"
)

const certificates = "/v3/sso/certificates"

// anIDP is an identity provider whose certificate is valid now; making a key takes a while.
var anIDP = sync.OnceValues(func() (*sendgridtest.IDP, error) {
	return sendgridtest.NewIDP("https://idp.example/metadata", time.Now().Add(-time.Hour), time.Now().Add(time.Hour))
})

func certificatePEM(t *testing.T) string {
	t.Helper()
	idp, err := anIDP()
	require.NoError(t, err)
	return idp.PEM()
}

// certificateBody is the body of a request for a certificate; a value of nil is left out.
func certificateBody(t *testing.T, text, integrationID, enabled any) string {
	t.Helper()
	fields := map[string]any{}
	for name, value := range map[string]any{"public_certificate": text, "integration_id": integrationID, "enabled": enabled} {
		if value != nil {
			fields[name] = value
		}
	}
	body, err := json.Marshal(fields)
	require.NoError(t, err)
	return string(body)
}

func TestCertificates(t *testing.T) {
	t.Parallel()
	text := certificatePEM(t)
	idp, err := anIDP()
	require.NoError(t, err)
	s := sendgridtest.New()
	one, other := s.Add(request()).ID, s.Add(request()).ID
	of := func(integrationID string) []map[string]any {
		return decode[[]map[string]any](t, send(t, s, http.MethodGet, collection+"/"+integrationID+"/certificates", ""))
	}
	require.Empty(t, of(one))

	want := map[string]any{
		"id": float64(66138975), "public_certificate": text, "intergration_id": one,
		"not_before": float64(idp.Certificate.NotBefore.Unix()), "not_after": float64(idp.Certificate.NotAfter.Unix()),
	}
	const path = certificates + "/66138975"
	w := send(t, s, http.MethodPost, certificates, certificateBody(t, text, one, true))
	require.Equal(t, want, decode[map[string]any](t, w), "no response has enabled")
	require.Equal(t, []map[string]any{want}, of(one))
	require.Empty(t, of(other))
	require.Equal(t, want, decode[map[string]any](t, send(t, s, http.MethodGet, path, "")))
	require.True(t, s.Certificates(one)[0].Enabled)

	// An update changes what is sent.
	want["intergration_id"] = other
	require.Equal(t, want, decode[map[string]any](t, send(t, s, http.MethodPatch, path, certificateBody(t, nil, other, nil))))
	require.True(t, s.Certificates(other)[0].Enabled)
	require.Equal(t, want, decode[map[string]any](t, send(t, s, http.MethodPatch, path, certificateBody(t, text, nil, false))))
	require.False(t, s.Certificates(other)[0].Enabled)

	s.SetCertificateForm(strings.ToUpper)
	require.Equal(t, strings.ToUpper(text), of(other)[0]["public_certificate"])
	s.SetCertificateForm(nil)

	// Duplicates are accepted, and enabled is false where it is missing.
	send(t, s, http.MethodPost, certificates, certificateBody(t, text, other, nil))
	require.Len(t, of(other), 2)
	require.False(t, s.Certificates(other)[1].Enabled)

	for method, body := range map[string]string{http.MethodGet: "", http.MethodPatch: certificateBody(t, nil, nil, true), http.MethodDelete: ""} {
		require.Equal(t, http.StatusNotFound, send(t, s, method, path, body, "On-Behalf-Of", "subuser").Code, method)
	}
	require.Equal(t, want, decode[map[string]any](t, send(t, s, http.MethodDelete, path, "")))
	require.Equal(t, http.StatusNotFound, send(t, s, http.MethodDelete, path, "").Code)
	require.Equal(t, http.StatusNotFound, send(t, s, http.MethodGet, path, "").Code)
	require.Len(t, of(other), 1)
}

func TestBadCertificates(t *testing.T) {
	t.Parallel()
	text := certificatePEM(t)
	s := sendgridtest.New()
	id := s.Add(request()).ID
	existing := s.AddCertificate(sendgrid.CertificateRequest{PublicCertificate: text, IntegrationID: id, Enabled: true})
	const noPEM = "must be one X.509 certificate in PEM form"
	for name, tt := range map[string]struct {
		body         string
		post, change map[string]string
	}{
		"nothing": {
			body: `{}`, post: map[string]string{"public_certificate": "this field is required", "integration_id": "this field is required"},
		},
		"other types": {
			body:   certificateBody(t, 1, []int{}, "true"),
			post:   map[string]string{"public_certificate": "must be a string", "integration_id": "must be a string", "enabled": "must be a boolean"},
			change: map[string]string{"public_certificate": "must be a string", "integration_id": "must be a string", "enabled": "must be a boolean"},
		},
		"no PEM": {
			body: certificateBody(t, strings.Split(text, "\n")[1], id, true),
			post: map[string]string{"public_certificate": noPEM}, change: map[string]string{"public_certificate": noPEM},
		},
		"two certificates": {
			body: certificateBody(t, text+text, id, true),
			post: map[string]string{"public_certificate": noPEM}, change: map[string]string{"public_certificate": noPEM},
		},
		"no certificate within": {
			body: certificateBody(t, "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----", id, true),
			post: map[string]string{"public_certificate": noPEM}, change: map[string]string{"public_certificate": noPEM},
		},
		"another type of PEM block": {
			body: certificateBody(t, strings.ReplaceAll(text, "CERTIFICATE", "PUBLIC KEY"), id, true),
			post: map[string]string{"public_certificate": noPEM}, change: map[string]string{"public_certificate": noPEM},
		},
		"empty texts": {
			body:   certificateBody(t, "", "", true),
			post:   map[string]string{"public_certificate": noPEM, "integration_id": "the integration does not exist"},
			change: map[string]string{"public_certificate": noPEM, "integration_id": "the integration does not exist"},
		},
		"no object": {
			body: `[]`, post: map[string]string{"": "the request body is not a JSON object"}, change: map[string]string{"": "the request body is not a JSON object"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for target, want := range map[string]map[string]string{certificates: tt.post, certificates + "/" + existing.ID: tt.change} {
				method := http.MethodPost
				if target != certificates {
					method = http.MethodPatch
				}
				w := send(t, s, method, target, tt.body)
				if want == nil {
					require.Equal(t, http.StatusOK, w.Code)
					continue
				}
				require.Equal(t, http.StatusBadRequest, w.Code)
				require.Equal(t, want, fieldErrors(t, w))
			}
			require.Equal(t, []sendgridtest.Certificate{existing}, s.Certificates(id))
		})
	}
}

func TestCertificatesLag(t *testing.T) {
	t.Parallel()
	text := certificatePEM(t)
	synctest.Test(t, func(t *testing.T) {
		s := sendgridtest.New()
		id := s.Add(request()).ID
		s.SetLag(5*time.Second, time.Second)
		time.Sleep(time.Minute)
		added := s.AddCertificate(sendgrid.CertificateRequest{PublicCertificate: text, IntegrationID: id})
		shown := func() int {
			return len(decode[[]any](t, send(t, s, http.MethodGet, collection+"/"+id+"/certificates", "")))
		}
		require.Equal(t, http.StatusNotFound, send(t, s, http.MethodGet, certificates+"/"+added.ID, "").Code)
		time.Sleep(time.Second)
		require.Equal(t, http.StatusOK, send(t, s, http.MethodGet, certificates+"/"+added.ID, "").Code)
		require.Zero(t, shown())
		time.Sleep(4 * time.Second)
		require.Equal(t, 1, shown())

		require.True(t, s.EditCertificate(added.ID, func(c *sendgridtest.Certificate) { c.Enabled = true }))
		require.True(t, s.Certificates(id)[0].Enabled)
		require.True(t, s.DeleteCertificate(added.ID))
		require.False(t, s.DeleteCertificate(added.ID))
		require.False(t, s.EditCertificate(added.ID, func(*sendgridtest.Certificate) { t.Error("edited what is not there") }))
		require.Empty(t, s.Certificates(id))
		require.Equal(t, 1, shown())
		time.Sleep(5 * time.Second)
		require.Zero(t, shown())
	})
}
