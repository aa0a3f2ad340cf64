package main

import (
	"bytes"
	"context"
	"crypto/rand"
	_ "embed" // for page.html
	"encoding/json"
	"fmt"
	"html/template"
	"net/http"
	"os"
	"slices"
	"time"

	"sendgrid-sso-integration/handler"
	"sendgrid-sso-integration/internal/audit"
	"sendgrid-sso-integration/internal/protocol"
	"sendgrid-sso-integration/internal/provision"
	"sendgrid-sso-integration/internal/status"
)

//go:embed page.html
var pageHTML string

// directPath is where the page sends as a caller with AWS credentials.
const directPath = "/send/direct"

// page shows what SendGrid has and the last requests, and sends requests.
type page struct {
	*simulation
	journal *journal
	secret  string
	samples []pageSample
}

func (p *page) register(mux *http.ServeMux) {
	mux.HandleFunc("GET /{$}", p.serveHTML)
	mux.HandleFunc("GET /state", p.serveState)
	mux.HandleFunc("POST /send", p.send)
	mux.HandleFunc("POST "+directPath, p.send)
}

// serveHTML serves the page. Only the script and the style that carry the nonce of this
// response are used, and nothing is loaded from elsewhere.
func (p *page) serveHTML(w http.ResponseWriter, _ *http.Request) {
	nonce := rand.Text()
	var b bytes.Buffer
	err := template.Must(template.New("page").Parse(pageHTML)).Execute(&b, struct {
		Nonce, Secret, Path, DirectPath, Audit string
		Samples                                []pageSample
	}{nonce, p.secret, integrationsPath, directPath, scheduled, p.samples})
	if err != nil {
		http.Error(w, "the page could not be made", http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Content-Security-Policy", fmt.Sprintf("default-src 'none'; script-src 'nonce-%s'; style-src 'nonce-%s'; connect-src 'self'; "+
		"img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'", nonce, nonce))
	noStore(w)
	_, _ = b.WriteTo(w) // The browser may be gone; nothing can be done about that.
}

func noStore(w http.ResponseWriter) {
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	w.Header().Set("Referrer-Policy", "no-referrer")
}

// state is what the page shows.
type state struct {
	Status       shownStatus        `json:"status"`
	Integrations []shownIntegration `json:"integrations"`
	Requests     []journalEntry     `json:"requests"`
}

// shownStatus is what is wrong apart from the integrations: the checks that are not ok, and the findings that
// are not about a connection.
type shownStatus struct {
	OK       bool             `json:"ok"`
	Checks   []status.Result  `json:"checks"`
	Findings []status.Finding `json:"findings"`
}

func (p *page) status(ctx context.Context) shownStatus {
	report := p.handler.Reporter.Report(ctx)
	wrong := slices.DeleteFunc(report.Checks, func(c status.Result) bool { return c.OK })
	return shownStatus{report.OK, wrong, report.Findings}
}

type shownIntegration struct {
	Name         string             `json:"name"`
	EntityID     string             `json:"entity_id"`
	Enabled      bool               `json:"enabled"`
	ACS          string             `json:"single_signon_url"`
	Certificates []shownCertificate `json:"certificates"`
	// DaysLeft is that of the certificate that expires last, nil without one.
	DaysLeft *int `json:"days_left"`
	// State, Audited and Findings are what the ledger has: whether the connection is managed, and when the
	// last audit was, empty before the first one, and what it found.
	State    audit.State     `json:"state"`
	Audited  string          `json:"audited"`
	Findings []audit.Finding `json:"findings"`
}

type shownCertificate struct {
	ID       string `json:"id"`
	Enabled  bool   `json:"enabled"`
	DaysLeft int    `json:"days_left"`
}

func (p *page) state(ctx context.Context, now time.Time) (state, error) {
	entries := map[string]protocol.Entry{} // By entity id. The audit's own has none: it is about integrations without one.
	for e, err := range p.ledger.All(ctx) {
		if err != nil {
			return state{}, err
		}
		if e.EntityID != "" || e.Key == audit.LedgerKey {
			entries[e.EntityID] = e
		}
	}
	s := state{Status: p.status(ctx), Integrations: []shownIntegration{}, Requests: p.journal.entries()}
	for _, i := range p.sendGrid.Integrations() {
		shown := shownIntegration{
			Name: i.Name, EntityID: i.EntityID, Enabled: i.Enabled, ACS: i.SingleSignOnURL,
			Certificates: []shownCertificate{},
		}
		var all []provision.Certificate
		for _, c := range p.sendGrid.Certificates(i.ID) {
			expires := provision.Certificate{NotAfter: time.Unix(c.NotAfter, 0)}
			all = append(all, expires)
			shown.Certificates = append(shown.Certificates, shownCertificate{ID: c.ID, Enabled: c.Enabled, DaysLeft: *provision.DaysLeft([]provision.Certificate{expires}, now)})
		}
		shown.DaysLeft = provision.DaysLeft(all, now)
		shown.addEntry(i.ID, entries[i.EntityID])
		s.Integrations = append(s.Integrations, shown)
	}
	return s, nil
}

// addEntry adds what a ledger entry records about an integration.
func (i *shownIntegration) addEntry(id string, e protocol.Entry) {
	i.State = audit.Unmanaged
	if e.Managed() && e.IntegrationID == id {
		i.State = audit.Managed
	}
	if !e.Audited.IsZero() {
		i.Audited = e.Audited.Local().Format(time.TimeOnly)
	}
	i.Findings = slices.DeleteFunc(audit.Stored(e.Findings), func(f audit.Finding) bool { return f.Email != "" || f.IntegrationID != "" && f.IntegrationID != id })
}

func (p *page) serveState(w http.ResponseWriter, r *http.Request) {
	noStore(w)
	s, err := p.state(r.Context(), time.Now())
	if err != nil {
		http.Error(w, "the ledger could not be read", http.StatusInternalServerError)
		return
	}
	writeJSON(w, http.StatusOK, s)
}

// sent is the response to the form.
type sent struct {
	Text   string `json:"text"`
	Failed bool   `json:"failed"`
}

// send sends the content of the form: an event as Lambda would get it or, if it is not an event, a
// request through the HTTP API, or directly as a caller with AWS credentials would. In any case the
// caller has to know the secret.
func (p *page) send(w http.ResponseWriter, r *http.Request) {
	noStore(w)
	body, err := readBody(r)
	if err == nil {
		_, err = p.handler.Verifier.Authenticate(r.Context(), r.Header, body)
	}
	if err != nil {
		writeJSON(w, http.StatusUnauthorized, sent{Text: "The secret of this page is no longer valid. Reload the page.", Failed: true})
		return
	}
	payload := body
	if r.URL.Path != directPath && handler.Recognise(body) == handler.TriggerDirect {
		if payload, err = httpEvent(r, pathOf(body), body); err != nil {
			writeJSON(w, http.StatusInternalServerError, sent{Text: "The event could not be encoded.", Failed: true})
			return
		}
	}
	a := invoke(r.Context(), p.handler, payload)
	p.journal.record(a)
	writeJSON(w, http.StatusOK, sent{Text: a.text(), Failed: a.code() != ""})
}

// pathOf returns the path that takes a request.
func pathOf(body []byte) string {
	var asked map[string]json.RawMessage
	if json.Unmarshal(body, &asked) == nil && asked["teammate"] != nil {
		return teammatesPath
	}
	return integrationsPath
}

func writeJSON(w http.ResponseWriter, status int, v any) {
	data, err := json.Marshal(v)
	if err != nil {
		panic(err) // Only types that can be encoded are passed.
	}
	if w.Header().Get("Content-Type") == "" {
		w.Header().Set("Content-Type", "application/json")
	}
	w.WriteHeader(status)
	_, _ = w.Write(append(data, '\n')) // The browser may be gone; nothing can be done about that.
}

// pageSample is what the form offers to send.
type pageSample struct {
	Name, Text string
	// AWS reports whether it is sent as a caller with AWS credentials would.
	AWS bool
}

// pageSamples returns a request with the SAML metadata of an identity provider that is made for
// this run, and the samples. Those that come by HTTP are left out: their secrets and
// signatures are not of this run, and the form sends any request by HTTP. None of the others come by
// a webhook.
func pageSamples() ([]pageSample, error) {
	idp, err := newIDP("https://idp.example/metadata")
	if err != nil {
		return nil, err
	}
	request, err := idp.request("An identity provider with a certificate")
	if err != nil {
		return nil, err
	}
	forms := []pageSample{{Name: "saml-metadata (made for this run)", Text: string(request)}}
	files, err := samples()
	if err != nil {
		return nil, err
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			return nil, err
		}
		if trigger := handler.Recognise(text); trigger != handler.TriggerHTTPAPI && trigger != handler.TriggerRESTAPI {
			forms = append(forms, pageSample{sampleName(file), string(text), true})
		}
	}
	return forms, nil
}
