package sendgridtest_test

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"sendgrid-sso-integration/sendgrid"
	"sendgrid-sso-integration/sendgrid/sendgridtest"
)

// Which faults strike, by the statuses of a row of requests: C creates, L lists.
func TestScript(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name     string
		faults   []sendgridtest.Fault
		requests string
		want     []int
	}{
		{name: "no faults", requests: "CL", want: []int{200, 200}},
		{name: "once", faults: []sendgridtest.Fault{{Status: 500}}, requests: "CC", want: []int{500, 200}},
		{name: "twice", faults: []sendgridtest.Fault{{Status: 500, Times: 2}}, requests: "CLC", want: []int{500, 500, 200}},
		{name: "always", faults: []sendgridtest.Fault{{Status: 500, Times: -1}}, requests: "CLCL", want: []int{500, 500, 500, 500}},
		{name: "one operation", faults: []sendgridtest.Fault{{Op: sendgrid.OpListIntegrations, Status: 500, Times: -1}}, requests: "CLCL", want: []int{200, 500, 200, 500}},
		{name: "later", faults: []sendgridtest.Fault{{Op: sendgrid.OpListIntegrations, Skip: 1, Status: 500}}, requests: "LCLL", want: []int{200, 200, 500, 200}},
		{name: "one after the other", faults: []sendgridtest.Fault{{Status: 500}, {Status: 503}}, requests: "CCC", want: []int{500, 503, 200}},
		{
			name:     "the first that matches",
			faults:   []sendgridtest.Fault{{Op: sendgrid.OpListIntegrations, Status: 500}, {Status: 503}},
			requests: "CLL",
			want:     []int{503, 500, 200},
		},
		{
			name:     "one that lets pass does not keep the next from striking",
			faults:   []sendgridtest.Fault{{Skip: 1, Status: 500}, {Status: 503}},
			requests: "CCC",
			want:     []int{503, 500, 200},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			s := sendgridtest.New()
			s.Script(tt.faults...)
			var got []int
			for _, each := range tt.requests {
				method, body := http.MethodGet, ""
				if each == 'C' {
					method, body = http.MethodPost, goodBody
				}
				got = append(got, send(t, s, method, collection, body).Code)
			}
			require.Equal(t, tt.want, got)
		})
	}
}

func TestClearFaults(t *testing.T) {
	t.Parallel()
	s := sendgridtest.New()
	s.Script(sendgridtest.Fault{Status: 500, Times: -1})
	s.ClearFaults()
	require.Equal(t, http.StatusOK, send(t, s, http.MethodGet, collection, "").Code)
}

func TestFaultResponses(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name  string
		fault sendgridtest.Fault
		check func(*testing.T, *sendgridtest.Server)
	}{
		{name: "without Commit nothing is created", fault: sendgridtest.Fault{Status: 502, Body: "<html>"}, check: func(t *testing.T, s *sendgridtest.Server) {
			t.Helper()
			w := send(t, s, http.MethodPost, collection, goodBody)
			require.Equal(t, 502, w.Code)
			require.Equal(t, "<html>", w.Body.String())
			require.Empty(t, s.Integrations())
		}},
		{name: "with Commit it is, whatever the response", fault: sendgridtest.Fault{Status: 502, Commit: true}, check: func(t *testing.T, s *sendgridtest.Server) {
			t.Helper()
			w := send(t, s, http.MethodPost, collection, goodBody)
			require.Equal(t, 502, w.Code)
			require.Empty(t, w.Body.String())
			require.Len(t, s.Integrations(), 1)
		}},
		{name: "Commit without a Status", fault: sendgridtest.Fault{Commit: true}, check: func(t *testing.T, s *sendgridtest.Server) {
			t.Helper()
			require.Equal(t, 200, send(t, s, http.MethodPost, collection, goodBody).Code)
			require.Len(t, s.Integrations(), 1)
		}},
		{name: "Commit breaks no rule", fault: sendgridtest.Fault{Status: 502, Commit: true}, check: func(t *testing.T, s *sendgridtest.Server) {
			t.Helper()
			send(t, s, http.MethodPost, collection, goodBody, "Authorization", "")
			require.Empty(t, s.Integrations())
		}},
		{
			name:  "headers are set, replaced and removed",
			fault: sendgridtest.Fault{Header: map[string]string{"retry-after": "7", "X-RateLimit-Limit": "1", "X-RateLimit-Reset": "", "Content-Type": "text/html"}},
			check: func(t *testing.T, s *sendgridtest.Server) {
				t.Helper()
				w := send(t, s, http.MethodPost, collection, goodBody)
				require.Equal(t, 200, w.Code)
				require.Equal(t, "7", w.Header().Get("Retry-After"))
				require.Equal(t, "1", w.Header().Get("X-RateLimit-Limit"))
				require.NotContains(t, w.Header(), "X-Ratelimit-Reset")
				require.Equal(t, "text/html", w.Header().Get("Content-Type"))
				require.Len(t, s.Integrations(), 1)
			},
		},
		{name: "Omit in an object", fault: sendgridtest.Fault{Omit: []string{"id", "audience_url"}}, check: func(t *testing.T, s *sendgridtest.Server) {
			t.Helper()
			got := decode[map[string]any](t, send(t, s, http.MethodPost, collection, goodBody))
			require.NotContains(t, got, "id")
			require.NotContains(t, got, "audience_url")
			require.Equal(t, "Okta", got["name"])
			require.NotEmpty(t, s.Integrations()[0].ID)
		}},
		{name: "Omit in a list", fault: sendgridtest.Fault{Omit: []string{"id"}}, check: func(t *testing.T, s *sendgridtest.Server) {
			t.Helper()
			s.Add(request())
			s.Add(request())
			got := decode[[]map[string]any](t, send(t, s, http.MethodGet, collection, ""))
			require.Len(t, got, 2)
			for _, each := range got {
				require.NotContains(t, each, "id")
				require.Contains(t, each, "name")
			}
		}},
		{name: "Omit in what is neither", fault: sendgridtest.Fault{Status: 200, Body: "<html>", Omit: []string{"id"}}, check: func(t *testing.T, s *sendgridtest.Server) {
			t.Helper()
			require.Equal(t, "<html>", send(t, s, http.MethodGet, collection, "").Body.String())
		}},
		{name: "the response that was given is recorded", fault: sendgridtest.Fault{Status: 503}, check: func(t *testing.T, s *sendgridtest.Server) {
			t.Helper()
			send(t, s, http.MethodGet, collection, "")
			require.Equal(t, 503, s.Requests()[0].Status)
		}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			s := sendgridtest.New()
			s.Script(tt.fault)
			tt.check(t, s)
		})
	}
}
