package main

import (
	"fmt"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
	"github.com/stretchr/testify/require"

	"sendgrid-sso-integration/internal/audit"
	"sendgrid-sso-integration/internal/delivery"
	"sendgrid-sso-integration/internal/problem"
	"sendgrid-sso-integration/internal/protocol"
	"sendgrid-sso-integration/internal/provision"
	"sendgrid-sso-integration/internal/request"
	"sendgrid-sso-integration/sendgrid"
)

// TestPageInBrowser uses one browser for all, because its start takes the most time.
func TestPageInBrowser(t *testing.T) {
	atRoot(t)
	browser := newBrowser(t)
	forms, err := pageSamples()
	require.NoError(t, err)
	for name, test := range map[string]func(b *tab, url string, p *page){
		"without a mouse": pageWithoutAMouse, "text stays text": pageShowsTextAsText, "at every width": pageAtEveryWidth,
	} {
		t.Run(name, func(t *testing.T) {
			handler, p := newPage(t, forms...)
			server := httptest.NewServer(handler)
			t.Cleanup(server.Close)
			b := browser.open(t)
			test(b, server.URL, p)
			b.isContent()
		})
	}
}

// pageWithoutAMouse sends a sample and a bad request by keyboard only.
func pageWithoutAMouse(b *tab, url string, p *page) {
	b.do(chromedp.Navigate(url))
	b.sees("#requests", "none yet")
	b.press(kb.Tab)
	b.isAt("sample")
	b.press(kb.Tab)
	b.isAt("text") // The first sample is in it.
	b.press(kb.Tab)
	b.isAt("aws")
	b.press(kb.Tab)
	b.isAt("button")
	b.press(kb.Enter)
	b.sees("#verdict", "Carried out.")
	b.sees("#response", "HTTP 201 Created")
	b.sees("#integrations", "https://idp.example/metadata")
	b.sees("#integrations", " days left")
	b.sees("#requests", "created")
	b.isAt("button")
	require.Len(b.t, p.sendGrid.Integrations(), 1)

	b.press(kb.Tab)
	b.isAt("dry")
	b.press(kb.Enter)
	b.sees("#verdict", "Nothing was changed")
	b.sees("#response", `"outcome": "planned"`)
	b.sees("#requests", "planned")
	b.press(kb.Tab)
	b.isAt("response") // A long response can be scrolled.
	require.NotEqual(b.t, "none", valueOf[string](b, "getComputedStyle(document.activeElement).outlineStyle"), "the focus is visible")

	p.sendGrid.Edit(p.sendGrid.Integrations()[0].ID, func(i *sendgrid.Integration) { i.Name = "Edited by hand" })
	b.sees("#integrations", "Edited by hand")
	b.sees("#integrations", "not audited yet")
	b.press(kb.Tab)
	b.isAt("audit")
	time.Sleep(simulatedSettling) // An audit leaves alone what was written a moment ago.
	b.press(kb.Enter)
	b.sees("#audited", "Audited: 1. What was found is below.")
	b.sees("#integrations .state", "managed, 364 days left, audited at ")
	b.sees("#integrations .bad", "Drifted: Somebody changed the integration")
	b.sees("#integrations code", "name: An identity provider with a certificate \u2192 Edited by hand")
	b.sees("#requests", "audited")
	b.isAt("audit")
	b.do(chromedp.Focus(chromedp.CSS("#sample")))
	b.press("refused/InvalidRequest")
	b.press(kb.Tab)
	b.press(kb.Tab)
	b.isAt("aws")
	require.True(b.t, valueOf[bool](b, "document.activeElement.checked"), "it is a direct invocation")
	b.press(kb.Tab)
	b.press(kb.Enter)
	b.sees("#verdict", "Not carried out")
	b.sees("#response", `"errorType": "InvalidRequest"`)
	b.sees("#response", "signin_url")
	b.sees("#requests", "InvalidRequest")
	require.Len(b.t, p.sendGrid.Integrations(), 1)

	b.sees("#ok.good", "Every check is ok.")
	p.sendGrid.Add(sendgrid.IntegrationRequest{Name: "Begun in the UI"})
	b.sees("#wrong .bad", "IntegrationIncomplete: Integrations without entity_id: 1.")
	p.sendGrid.SetKeys("SG.another")
	b.sees("#ok.bad", "Not ok: 3 checks.")
	b.sees("#wrong .bad", "api_key: SendGrid does not accept the API key")
}

// pageShowsTextAsText: names and entity ids come from outside, and are text, not
// markup.
func pageShowsTextAsText(b *tab, url string, p *page) {
	const evil = `<img src=x onerror="document.title='broken'"><script>document.title='broken'</script>`
	p.sendGrid.Add(sendgrid.IntegrationRequest{Name: evil, EntityID: "urn:evil", SigninURL: evil})
	for range 2 {
		p.sendGrid.Add(sendgrid.IntegrationRequest{Name: "Twice", EntityID: evil})
	}
	p.journal.record(response{deliveries: []*delivery.Delivery{{Result: &provision.Result{Outcome: evil}, Request: &request.Request{EntityID: evil}}}})
	_, stored, err := p.ledger.Put(b.t.Context(), protocol.Entry{
		Key: "evil", EntityID: "urn:evil", Revision: 1,
		Findings: request.Text(map[string]any{"findings": []audit.Finding{{Code: evil, Message: evil, Changes: []problem.Change{{Field: evil, From: evil, To: evil}}}}}),
	})
	require.NoError(b.t, err)
	require.True(b.t, stored)
	b.do(chromedp.Navigate(url))
	b.sees("#integrations h3", evil)
	b.sees("#integrations .bad", evil+": "+evil)
	b.sees("#requests", evil)
	b.sees("#wrong .bad", evil)
	require.Equal(b.t, "SendGrid SSO on this machine", valueOf[string](b, "document.title"))
	require.Zero(b.t, valueOf[int](b, "document.querySelectorAll('img, script:not([nonce])').length"))
}

// pageAtEveryWidth: every control has a label, and the page never scrolls sideways. With
// SCREENSHOT the page is saved there for the README.
func pageAtEveryWidth(b *tab, url string, p *page) {
	b.do(chromedp.EmulateViewport(960, 1250), chromedp.Navigate(url))
	for _, sample := range []string{"saml-metadata (made for this run)", "eventbridge.json", "eventbridge.json", "refused/InvalidRequest.json"} {
		require.NotEqual(b.t, -1, valueOf[int](b, fmt.Sprintf(`document.getElementById("verdict").textContent = ""; var s = document.getElementById("sample");
			s.selectedIndex = [...s.options].findIndex((o) => o.text === %q); s.dispatchEvent(new Event("change")); s.selectedIndex`, sample)))
		b.do(chromedp.Click(chromedp.CSS("button")))
		b.sees("#verdict", "arried out")
	}
	b.sees("#requests", "InvalidRequest")
	time.Sleep(simulatedSettling) // An audit leaves alone what was written a moment ago.
	b.do(chromedp.Click(chromedp.CSS("#audit")))
	b.sees("#audited", "Audited: 2.")
	b.sees("#integrations", "audited at ")
	require.Zero(b.t, valueOf[int](b, `[...document.querySelectorAll("select, textarea, input")].filter((e) => !e.labels.length).length`))
	if file := os.Getenv("SCREENSHOT"); file != "" {
		image, err := chromedp.Run(b.ctx, chromedp.CaptureScreenshot())
		require.NoError(b.t, err)
		require.NoError(b.t, os.WriteFile(file, image, 0o644))
	}
	long := strings.Repeat("x", 256)
	p.sendGrid.Add(sendgrid.IntegrationRequest{Name: long, EntityID: "urn:" + long})
	b.sees("#integrations", long)
	for _, width := range []int64{320, 390, 768, 1100, 1920} {
		b.do(chromedp.EmulateViewport(width, 800))
		require.LessOrEqual(b.t, valueOf[int](b, "document.documentElement.scrollWidth"), valueOf[int](b, "innerWidth"), "at %d pixels", width)
	}
}
