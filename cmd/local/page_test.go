package main

import (
	"encoding/json"
	"html"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"sendgrid-sso-integration/handler"
	"sendgrid-sso-integration/internal/audit"
	"sendgrid-sso-integration/internal/delivery"
	"sendgrid-sso-integration/internal/problem"
	"sendgrid-sso-integration/internal/provision"
	"sendgrid-sso-integration/sendgrid"
	"sendgrid-sso-integration/sendgrid/sendgridtest"
)

const pageSecret = "the-secret-of-this-page"

// newPage returns the page's server, and the page.
func newPage(t *testing.T, samples ...pageSample) (http.Handler, *page) {
	t.Helper()
	sim, err := simulated(t.Context(), emptySimulator, nil, `{"bearer": "`+pageSecret+`"}`, slog.New(logTo(&output{}, false)))
	require.NoError(t, err)
	p := &page{simulation: sim, journal: &journal{out: &output{}}, secret: pageSecret, samples: samples}
	mux := http.NewServeMux()
	p.register(mux)
	return onlyLocalHost(mux), p
}

// fetch has the page's server handle a request for localhost.
func fetch(t *testing.T, server http.Handler, method, path, secret, body string) *httptest.ResponseRecorder {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), method, "http://localhost:8089"+path, strings.NewReader(body))
	r.Header.Set("Authorization", "Bearer "+secret)
	r.Header.Set("Content-Type", "application/json")
	w := httptest.NewRecorder()
	server.ServeHTTP(w, r)
	return w
}

// send sends what is in the form, and returns what the page shows.
func send(t *testing.T, server http.Handler, body string) sent {
	t.Helper()
	return sendTo(t, server, "/send", body)
}

func sendTo(t *testing.T, server http.Handler, path, body string) sent {
	t.Helper()
	w := fetch(t, server, http.MethodPost, path, pageSecret, body)
	require.Equal(t, http.StatusOK, w.Code)
	var result sent
	require.NoError(t, json.Unmarshal(w.Body.Bytes(), &result))
	return result
}

// A request for a teammate goes by the path that takes it, and is shown by the email.
func TestPageSendsTeammates(t *testing.T) {
	t.Parallel()
	server, p := newPage(t)
	result := send(t, server, `{"teammate":{"email":"Mary@Example.com","first_name":"Mary","last_name":"Jackson","persona":"observer"}}`)
	require.False(t, result.Failed, result.Text)
	require.Contains(t, result.Text, "/v3/teammates/mary@example.com")
	require.Len(t, p.sendGrid.Teammates(), 2, "and the administrator who was there")
	require.Equal(t, "mary@example.com", p.journal.entries()[0].Email)
}

// What is in a sample cannot become markup, and no script or style but the page's own runs.
func TestPageEscapes(t *testing.T) {
	t.Parallel()
	server, _ := newPage(t, pageSample{Name: `<b>"name"`, Text: `"></option><script>alert(1)</script>`})
	w := fetch(t, server, http.MethodGet, "/", "", "")
	require.Equal(t, http.StatusOK, w.Code)
	require.Equal(t, "text/html; charset=utf-8", w.Header().Get("Content-Type"))
	html := w.Body.String()
	require.NotContains(t, html, "<script>")
	require.NotContains(t, html, "<b>")
	require.Contains(t, html, "&lt;script&gt;alert(1)&lt;/script&gt;")
	require.NotContains(t, html, "//", "nothing comes from elsewhere, and comments are removed")
	require.NotContains(t, html, apiKey)

	policy := w.Header().Get("Content-Security-Policy")
	require.Contains(t, policy, "default-src 'none'; script-src 'nonce-")
	require.Contains(t, policy, "frame-ancestors 'none'")
	require.NotContains(t, policy, "unsafe")
	_, nonce, _ := strings.Cut(policy, "script-src 'nonce-")
	nonce, _, _ = strings.Cut(nonce, "'")
	require.Contains(t, html, `<script nonce="`+nonce+`">`)
	require.NotContains(t, fetch(t, server, http.MethodGet, "/", "", "").Body.String(), nonce, "each response has its own")
}

func TestPageRefuses(t *testing.T) {
	t.Parallel()
	server, p := newPage(t)
	for name, tt := range map[string]struct {
		request func() *httptest.ResponseRecorder
		status  int
	}{
		"another secret": {func() *httptest.ResponseRecorder {
			return fetch(t, server, http.MethodPost, "/send", "another-secret-altogether", exampleRequest)
		}, http.StatusUnauthorized},
		"an event without the secret": {func() *httptest.ResponseRecorder {
			return fetch(t, server, http.MethodPost, "/send", "", `{"detail-type":"x","source":"x","detail":{}}`)
		}, http.StatusUnauthorized},
		"another path":   {func() *httptest.ResponseRecorder { return fetch(t, server, http.MethodGet, "/x", "", "") }, http.StatusNotFound},
		"another method": {func() *httptest.ResponseRecorder { return fetch(t, server, http.MethodGet, "/send", "", "") }, http.StatusMethodNotAllowed},
		"another host": {func() *httptest.ResponseRecorder {
			w := httptest.NewRecorder()
			server.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodGet, "http://localhost.evil.example/", nil))
			return w
		}, http.StatusMisdirectedRequest},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := tt.request()
			require.Equal(t, tt.status, w.Code)
			require.NotContains(t, w.Body.String(), pageSecret)
			require.Empty(t, p.sendGrid.Integrations())
		})
	}
}

// The form sends a request by HTTP, and any event as it is.
func TestPageSends(t *testing.T) {
	t.Parallel()
	server, p := newPage(t)
	require.Contains(t, send(t, server, exampleRequest).Text, "HTTP 201 Created\nLocation: ")
	require.Contains(t, send(t, server, exampleRequest).Text, `"outcome": "unchanged"`)
	event := `{"version":"0","id":"1","detail-type":"x","source":"com.example","detail":` + exampleRequest + `}`
	require.Contains(t, send(t, server, event).Text, `"outcome": "unchanged"`)
	bad := send(t, server, `{"name":""}`)
	require.True(t, bad.Failed)
	require.Contains(t, bad.Text, `"code": "InvalidRequest"`)
	forbidden := send(t, server, strings.Replace(exampleRequest, "{", `{"if_exists":"update",`, 1))
	require.Contains(t, forbidden.Text, `"code": "Forbidden"`, "as for every caller with a webhook secret")

	var verdicts []string
	for _, e := range stateOf(t, p, time.Now()).Requests {
		verdicts = append(verdicts, e.Trigger+" "+e.Verdict)
		require.NotEmpty(t, e.RequestID)
	}
	require.Equal(t, []string{"http-api Forbidden", "http-api InvalidRequest", "eventbridge unchanged", "http-api unchanged", "http-api created"}, verdicts)
}

// As a caller with AWS credentials, the form sends a request directly, and the caller may do everything.
func TestPageSendsAsACallerWithAWSCredentials(t *testing.T) {
	t.Parallel()
	server, p := newPage(t)
	updating := strings.Replace(exampleRequest, "{", `{"if_exists":"update",`, 1)
	for body, want := range map[string]string{
		updating: `"outcome": "created"`, `{"state":"absent","entity_id":"urn:x"}`: `"outcome": "unchanged"`, `{"status":{}}`: `"ok": true`, `{"name":""}`: `"errorType": "InvalidRequest"`,
	} {
		require.Contains(t, sendTo(t, server, directPath, body).Text, want)
		require.Equal(t, handler.TriggerDirect, p.journal.entries()[0].Trigger)
	}
	require.Equal(t, http.StatusUnauthorized, fetch(t, server, http.MethodPost, directPath, "another-secret-altogether", updating).Code)
}

// Each sample of the form is handled as by "run", by the caller that is chosen for it.
func TestPageHandlesItsSamples(t *testing.T) {
	atRoot(t)
	sim, err := simulated(t.Context(), newSimulator, bundledMetadata{newFetcher()}, `{"bearer": "`+pageSecret+`"}`, slog.New(slog.DiscardHandler))
	require.NoError(t, err)
	p := &page{simulation: sim, journal: &journal{out: &output{}}, secret: pageSecret}
	mux := http.NewServeMux()
	p.register(mux)
	all, err := samples()
	require.NoError(t, err)
	forms, err := pageSamples()
	require.NoError(t, err)
	require.False(t, forms[0].AWS, "a webhook may send it")
	for _, form := range forms {
		path := map[bool]string{false: "/send", true: directPath}[form.AWS]
		result := sendTo(t, onlyLocalHost(mux), path, form.Text)
		expected := expectationOf("events/"+form.Name, all)
		require.Equal(t, expected.code != "", result.Failed, "%s: %s", form.Name, result.Text)
		require.Contains(t, result.Text, expected.code, form.Name)
	}
}

func TestPageState(t *testing.T) {
	t.Parallel()
	server, p := newPage(t)
	require.JSONEq(t, `{"status":{"ok":true,"checks":[],"findings":[]},"integrations":[],"requests":[]}`, fetch(t, server, http.MethodGet, "/state", "", "").Body.String())

	i := p.sendGrid.Add(sendgrid.IntegrationRequest{Name: "x", Enabled: true, EntityID: "urn:x"})
	now := time.Now()
	for _, valid := range []time.Duration{40 * 24 * time.Hour, time.Hour, -time.Minute, -25 * time.Hour} {
		idp, err := sendgridtest.NewIDP("https://idp.example/metadata", now.Add(-100*time.Hour), now.Add(valid+time.Second))
		require.NoError(t, err)
		p.sendGrid.AddCertificate(sendgrid.CertificateRequest{PublicCertificate: idp.PEM(), IntegrationID: i.ID, Enabled: valid > 0})
	}
	s := stateOf(t, p, now)
	require.Len(t, s.Integrations, 1)
	require.Equal(t, "urn:x", s.Integrations[0].EntityID)
	require.Equal(t, 40, *s.Integrations[0].DaysLeft)
	require.Equal(t, audit.Unmanaged, s.Integrations[0].State)
	require.Empty(t, s.Integrations[0].Audited)
	require.Empty(t, s.Integrations[0].Findings)
	var days []int
	for _, c := range s.Integrations[0].Certificates {
		days = append(days, c.DaysLeft)
		require.Equal(t, c.DaysLeft >= 0, c.Enabled)
	}
	require.Equal(t, []int{40, 0, -1, -2}, days)
}

// stateOf returns what the page shows.
func stateOf(t *testing.T, p *page, now time.Time) state {
	t.Helper()
	s, err := p.state(t.Context(), now)
	require.NoError(t, err)
	return s
}

// The button of the page audits every connection, and the page shows what was found about each of them.
func TestPageAudits(t *testing.T) {
	t.Parallel()
	server, p := newPage(t)
	require.Contains(t, fetch(t, server, http.MethodGet, "/", "", "").Body.String(), `value="`+html.EscapeString(scheduled)+`"`)
	require.False(t, send(t, server, exampleRequest).Failed)
	p.sendGrid.Edit(p.sendGrid.Integrations()[0].ID, func(i *sendgrid.Integration) { i.Name = "Edited" })
	unfinished := p.sendGrid.Add(sendgrid.IntegrationRequest{Name: "Begun in the UI"})
	p.sendGrid.Add(sendgrid.IntegrationRequest{Name: "Begun in the UI, too"})
	require.Eventually(t, func() bool { // It leaves alone what was written a moment ago.
		text := send(t, server, scheduled).Text
		return strings.Contains(text, `"unreached": 0`)
	}, 10*time.Second, simulatedSettling)

	all := stateOf(t, p, time.Now()).Integrations
	require.Equal(t, audit.Managed, all[0].State)
	require.Regexp(t, `^\d\d:\d\d:\d\d$`, all[0].Audited)
	require.Nil(t, all[0].DaysLeft)
	drift := slices.IndexFunc(all[0].Findings, func(f audit.Finding) bool { return f.Code == provision.Drifted })
	require.Equal(t, []problem.Change{{Field: "name", From: "Okta", To: "Edited"}}, all[0].Findings[drift].Changes)

	require.Equal(t, audit.Unmanaged, all[1].State)
	require.Len(t, all[1].Findings, 1, "those of the other one are its own")
	require.Equal(t, provision.IntegrationIncomplete, all[1].Findings[0].Code)
	require.Equal(t, unfinished.ID, all[1].Findings[0].IntegrationID)

	// What is known about a teammate is not about the integration without an entity id.
	body := `{"teammate": {"email": "jane@example.com", "first_name": "Jane", "last_name": "Doe", "persona": "observer"}}`
	a := invoke(t.Context(), p.handler, []byte(body))
	require.NoError(t, a.err)
	p.sendGrid.AddPendingTeammate("new@example.com")
	require.NoError(t, invoke(t.Context(), p.handler, []byte(scheduled)).err)
	require.Equal(t, all[1].Findings, stateOf(t, p, time.Now()).Integrations[1].Findings)
	require.Equal(t, "schedule audited", p.journal.entries()[0].Trigger+" "+p.journal.entries()[0].Verdict)
}

// The page shows the checks that are not ok, and what is about no connection.
func TestPageShowsTheStatus(t *testing.T) {
	t.Parallel()
	_, p := newPage(t)
	for range 2 {
		p.sendGrid.Add(sendgrid.IntegrationRequest{Name: "Okta", EntityID: "urn:twice"})
	}
	s := stateOf(t, p, time.Now()).Status
	require.True(t, s.OK)
	require.Empty(t, s.Checks)
	require.Len(t, s.Findings, 1)
	require.Equal(t, audit.DuplicateEntityID, s.Findings[0].Code)

	p.sendGrid.SetKeys("SG.another")
	s = stateOf(t, p, time.Now()).Status
	require.False(t, s.OK)
	require.Len(t, s.Checks, 3)
	require.Equal(t, "api_key", s.Checks[0].Name)
	require.Contains(t, s.Checks[0].Message, "does not accept the API key")
}

// The journal keeps the last requests only.
func TestJournalIsBounded(t *testing.T) {
	t.Parallel()
	j := &journal{out: &output{}}
	for range 3 * maxJournal {
		j.record(response{requestID: "old", deliveries: []*delivery.Delivery{{Result: &provision.Result{Outcome: "created"}}}})
	}
	j.record(response{requestID: "new", deliveries: []*delivery.Delivery{{Result: &provision.Result{Outcome: "created"}}}})
	require.Len(t, j.entries(), maxJournal)
	require.Equal(t, "new", j.entries()[0].RequestID)
}
