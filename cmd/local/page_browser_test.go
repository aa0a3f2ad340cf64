package main

import (
	"context"
	"fmt"
	"net/http/httptest"
	"os"
	"sync"
	"testing"

	cdplog "github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
	"github.com/stretchr/testify/require"

	"sendgrid-sso-integration/sendgrid"
)

// complaints collects what the browser reports: errors of the script, and what the content
// security policy forbids.
func complaints(t *testing.T, ctx context.Context) func() []string {
	t.Helper()
	var mu sync.Mutex
	var all []string
	require.NoError(t, chromedp.Listen(ctx, func(event any) {
		mu.Lock()
		defer mu.Unlock()
		switch e := event.(type) {
		case *cdplog.EventEntryAdded:
			all = append(all, e.Entry.Text)
		case *runtime.EventExceptionThrown:
			all = append(all, e.ExceptionDetails.Text)
		}
	}))
	return func() []string {
		mu.Lock()
		defer mu.Unlock()
		return all
	}
}

// value returns the value of a JavaScript expression.
func value[T any](t *testing.T, ctx context.Context, expression string) T {
	t.Helper()
	v, err := chromedp.Run(ctx, chromedp.Evaluate[T](expression))
	require.NoError(t, err)
	return v
}

// seen waits until an element of the page contains a text.
func seen(selector, text string) chromedp.Action[chromedp.Void] {
	return chromedp.Func(func(ctx context.Context, tab *chromedp.Target) error {
		_, err := chromedp.Poll[bool](fmt.Sprintf("document.querySelector(%q)?.textContent.includes(%q)", selector, text))(ctx, tab)
		return err
	})
}

// focused fails unless the element with this id, or else of this kind, has the focus.
func focused(id string) chromedp.Action[chromedp.Void] {
	return chromedp.Func(func(ctx context.Context, tab *chromedp.Target) error {
		is, err := chromedp.Evaluate[string]("document.activeElement.id || document.activeElement.localName")(ctx, tab)
		if err == nil && is != id {
			err = fmt.Errorf("%s has the focus, not %s", is, id)
		}
		return err
	})
}

// servePage serves a page with the samples.
func servePage(t *testing.T) (url string, p *page) {
	t.Helper()
	forms, err := pageSamples()
	require.NoError(t, err)
	handler, p := newPage(t, forms...)
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	return server.URL, p
}

// TestPageInBrowser uses one browser for all, because its start takes the most time.
func TestPageInBrowser(t *testing.T) {
	atRoot(t)
	browser := newBrowser(t)
	for name, test := range map[string]func(*testing.T, context.Context){
		"without a mouse": testPageWithoutAMouse, "text stays text": testPageShowsTextAsText, "at every width": testPageAtEveryWidth,
	} {
		t.Run(name, func(t *testing.T) {
			tab, cancel := chromedp.NewContext(browser)
			t.Cleanup(cancel)
			test(t, tab)
		})
	}
}

// testPageWithoutAMouse sends a sample and a bad request by keyboard only.
func testPageWithoutAMouse(t *testing.T, ctx context.Context) {
	t.Helper()
	url, p := servePage(t)
	complained := complaints(t, ctx)
	require.NoError(t, chromedp.Do(ctx,
		chromedp.Navigate(url), seen("#requests", "none yet"),
		chromedp.KeyEvent(kb.Tab), focused("sample"),
		chromedp.KeyEvent(kb.Tab), focused("text"), // The first sample is in it.
		chromedp.KeyEvent(kb.Tab), focused("button"),
		chromedp.KeyEvent(kb.Enter),
		seen("#verdict", "Carried out."), seen("#answer", "HTTP 201 Created"), focused("button"),
		seen("#integrations", "https://idp.example/metadata"), seen("#integrations", " days left"), seen("#requests", "created"),
	))
	require.Len(t, p.sendGrid.Integrations(), 1)

	require.NoError(t, chromedp.Do(ctx,
		chromedp.KeyEvent(kb.Tab), focused("answer"), // A long answer can be scrolled.
	))
	require.NotEqual(t, "none", value[string](t, ctx, "getComputedStyle(document.activeElement).outlineStyle"), "the focus is visible")
	require.NoError(t, chromedp.Do(ctx,
		chromedp.Focus(chromedp.CSS("#sample")), chromedp.KeyEvent("refused/InvalidRequest"), chromedp.KeyEvent(kb.Tab),
		chromedp.KeyEvent(kb.Tab), chromedp.KeyEvent(kb.Enter),
		seen("#verdict", "Not carried out"), seen("#answer", `"code": "InvalidRequest"`), seen("#answer", "signin_url"), seen("#requests", "InvalidRequest"),
	))
	require.Len(t, p.sendGrid.Integrations(), 1)
	require.Empty(t, complained())
}

// Names and entity ids come from outside: they are text, whatever they contain.
func testPageShowsTextAsText(t *testing.T, ctx context.Context) {
	t.Helper()
	url, p := servePage(t)
	complained := complaints(t, ctx)
	const evil = `<img src=x onerror="document.title='broken'"><script>document.title='broken'</script>`
	p.sendGrid.Add(sendgrid.IntegrationRequest{Name: evil, EntityID: "urn:evil", SigninURL: evil})
	p.journal.record(answer{deliveries: []delivered{{Outcome: evil, EntityID: evil}}})
	require.NoError(t, chromedp.Do(ctx, chromedp.Navigate(url), seen("#integrations h3", evil), seen("#requests", evil)))
	require.Equal(t, "SendGrid SSO on this machine", value[string](t, ctx, "document.title"))
	require.Zero(t, value[int](t, ctx, "document.querySelectorAll('img, script:not([nonce])').length"))
	require.Empty(t, complained())
}

// Every control has a name, and no width makes the page scroll sideways. With SCREENSHOT the
// page is saved there for the README.
func testPageAtEveryWidth(t *testing.T, ctx context.Context) {
	t.Helper()
	url, _ := servePage(t)
	send := chromedp.Steps(chromedp.Click(chromedp.CSS("button")), seen("#verdict", "arried out"))
	require.NoError(t, chromedp.Do(ctx, chromedp.EmulateViewport(1100, 900), chromedp.Navigate(url), send))
	for _, sample := range []string{"eventbridge.json", "eventbridge.json", "refused/InvalidRequest.json"} {
		value[int](t, ctx, fmt.Sprintf(`document.getElementById("verdict").textContent = ""; var s = document.getElementById("sample");
			s.selectedIndex = [...s.options].findIndex((o) => o.text === %q); s.dispatchEvent(new Event("change")); s.selectedIndex`, sample))
		require.NoError(t, chromedp.Do(ctx, send))
	}
	for _, width := range []int64{320, 390, 768, 1100, 1920} {
		require.NoError(t, chromedp.Do(ctx, chromedp.EmulateViewport(width, 800)))
		require.LessOrEqual(t, value[int](t, ctx, "document.documentElement.scrollWidth"), value[int](t, ctx, "innerWidth"), "at %d pixels", width)
	}
	require.Zero(t, value[int](t, ctx, `[...document.querySelectorAll("select, textarea")].filter((e) => !e.labels.length).length`))

	file := os.Getenv("SCREENSHOT")
	if file == "" {
		return
	}
	require.NoError(t, chromedp.Do(ctx, chromedp.EmulateViewport(960, 1060), seen("#requests", "InvalidRequest")))
	image, err := chromedp.Run(ctx, chromedp.CaptureScreenshot())
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(file, image, 0o644)) //nolint:gosec // Everybody may read it.
}
