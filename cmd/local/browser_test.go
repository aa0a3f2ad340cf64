package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"sync"
	"testing"
	"time"

	cdplog "github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/require"
)

// browserTime bounds the tests in the browser.
const browserTime = 2 * time.Minute

// newBrowser starts Chromium with a new profile. Without Chromium the test is skipped, except
// in CI, where it fails. chromedp makes the profile and removes it: Chromium's processes write
// into it for a while after the browser has ended, and t.TempDir would fail then.
func newBrowser(t *testing.T) browser {
	t.Helper()
	path := ""
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome"} {
		if found, err := exec.LookPath(name); err == nil {
			path = found
			break
		}
	}
	if path == "" {
		require.NotEqual(t, "true", os.Getenv("CI"), "CI needs Chromium for this test")
		t.Skip("there is no Chromium here, so the page is not tested in a browser")
	}
	options := []chromedp.ExecAllocatorOption{
		chromedp.ExecPath(path), chromedp.Headless, chromedp.NoSandbox, chromedp.DisableGPU, chromedp.NoFirstRun,
	}
	for _, flag := range []string{
		"disable-quic", "disable-background-networking", "disable-component-update", "disable-sync", "disable-dev-shm-usage", "no-proxy-server",
	} {
		options = append(options, chromedp.Flag(flag, true))
	}
	ctx, cancel := context.WithTimeout(t.Context(), browserTime)
	t.Cleanup(cancel)
	ctx, cancel = chromedp.NewExecAllocator(ctx, options...)
	t.Cleanup(cancel)
	ctx, cancel = chromedp.NewContext(ctx)
	t.Cleanup(func() {
		_ = chromedp.Cancel(ctx) // It waits until the browser has ended.
		cancel()
	})
	require.NoError(t, chromedp.Do(ctx)) // It starts here, so that later tabs belong to it.
	return browser{ctx}
}

// browser is a running browser.
type browser struct{ ctx context.Context } //nolint:containedctx // To chromedp a context is the browser.

// tab is a tab of the browser with an action for each thing that a test does in it.
type tab struct {
	t   *testing.T
	ctx context.Context //nolint:containedctx // To chromedp a context is the tab.

	mu sync.Mutex
	// complaints are what the browser reports: errors of the script, and what the content
	// security policy forbids.
	complaints []string
}

// open opens a tab.
func (b browser) open(t *testing.T) *tab {
	t.Helper()
	ctx, cancel := chromedp.NewContext(b.ctx)
	t.Cleanup(cancel)
	opened := &tab{t: t, ctx: ctx}
	require.NoError(t, chromedp.Listen(ctx, func(event any) {
		opened.mu.Lock()
		defer opened.mu.Unlock()
		switch e := event.(type) {
		case *cdplog.EventEntryAdded:
			opened.complaints = append(opened.complaints, e.Entry.Text)
		case *runtime.EventExceptionThrown:
			opened.complaints = append(opened.complaints, e.ExceptionDetails.Text)
		}
	}))
	return opened
}

// do carries out actions that return nothing.
func (b *tab) do(actions ...chromedp.Action[chromedp.Void]) {
	b.t.Helper()
	require.NoError(b.t, chromedp.Do(b.ctx, actions...))
}

// press presses keys.
func (b *tab) press(keys string) {
	b.t.Helper()
	b.do(chromedp.KeyEvent(keys))
}

// sees waits until an element contains a text.
func (b *tab) sees(selector, text string) {
	b.t.Helper()
	_, err := chromedp.Run(b.ctx, chromedp.Poll[bool](fmt.Sprintf("document.querySelector(%q)?.textContent.includes(%q)", selector, text)))
	require.NoError(b.t, err, "%s in %s", text, selector)
}

// isAt fails unless the element with this id, or else of this kind, has the focus.
func (b *tab) isAt(id string) {
	b.t.Helper()
	require.Equal(b.t, id, valueOf[string](b, "document.activeElement.id || document.activeElement.localName"), "the focus")
}

// isContent fails if the browser complained.
func (b *tab) isContent() {
	b.t.Helper()
	b.mu.Lock()
	defer b.mu.Unlock()
	require.Empty(b.t, b.complaints)
}

// valueOf returns the value of a JavaScript expression.
func valueOf[T any](b *tab, expression string) T {
	b.t.Helper()
	v, err := chromedp.Run(b.ctx, chromedp.Evaluate[T](expression))
	require.NoError(b.t, err)
	return v
}
