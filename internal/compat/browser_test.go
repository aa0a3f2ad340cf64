//go:build compat

package compat_test

import (
	"encoding/base64"
	"html"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"sendgrid-sso-integration/sendgrid"
)

const (
	// maxPages is how many pages a login may have, and maxPage how long one of them is read.
	maxPages = 6
	maxPage  = 1 << 20
)

// logIn logs a person in at an identity provider by its own pages, and returns the SAML response that the
// last of them would send, to the URL that SendGrid has for it.
func logIn(t *testing.T, idp identityProvider, i sendgrid.Integration) (response []byte) {
	t.Helper()
	jar, err := cookiejar.New(nil)
	require.NoError(t, err)
	browser := idp.client()
	browser.Jar = jar
	who := idp.person()
	at, text := open(t, browser, request(t, http.MethodGet, idp.logInURL(i), nil))
	typed := false
	for range maxPages {
		f, found := chooseForm(text, "SAMLResponse")
		if found {
			require.True(t, typed, "a person who has typed no password is logged in")
			require.Equal(t, i.SingleSignOnURL, f.action)
			response, err := base64.StdEncoding.DecodeString(f.fields.Get("SAMLResponse"))
			require.NoError(t, err)
			return response
		}
		f, found = chooseForm(text, who.passwordField)
		require.True(t, found, "no form for a login:\n%s", text)
		require.False(t, typed, "the login page comes again:\n%s", text)
		typed = true
		f.fields.Set(who.userField, who.user)
		f.fields.Set(who.passwordField, who.password)
		action, err := at.Parse(f.action)
		require.NoError(t, err)
		at, text = open(t, browser, request(t, http.MethodPost, action.String(), f.fields))
	}
	require.FailNow(t, "the login does not end", text)
	return nil
}

// request returns a request for a page, with the fields of a form if there are any.
func request(t *testing.T, method, address string, fields url.Values) *http.Request {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, address, strings.NewReader(fields.Encode()))
	require.NoError(t, err)
	r.Header.Set("Accept", "text/html")
	if fields != nil {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	return r
}

// open returns a page and its URL, after redirects.
func open(t *testing.T, browser *http.Client, r *http.Request) (at *url.URL, text string) {
	t.Helper()
	response, err := browser.Do(r)
	require.NoError(t, err)
	defer response.Body.Close()
	body, err := io.ReadAll(io.LimitReader(response.Body, maxPage))
	require.NoError(t, err)
	// LemonLDAP::NG returns 401 with its login page.
	require.Contains(t, []int{http.StatusOK, http.StatusUnauthorized}, response.StatusCode, "%s\n%s", response.Request.URL, body)
	return response.Request.URL, string(body)
}

// form is a form of a page.
type form struct {
	action string
	fields url.Values
}

// The identity providers' pages are no XML, and a parser of HTML would be a dependency for three patterns.
var (
	formPattern      = regexp.MustCompile(`(?is)<form\b([^>]*)>(.*?)</form>`)
	inputPattern     = regexp.MustCompile(`(?is)<input\b([^>]*)>`)
	attributePattern = regexp.MustCompile(`(?s)([\w-]+)\s*=\s*(?:"([^"]*)"|'([^']*)')`)
)

// chooseForm returns the form of a page that has a field.
func chooseForm(page, field string) (form, bool) {
	for _, each := range formPattern.FindAllStringSubmatch(page, -1) {
		f := form{action: attributes(each[1])["action"], fields: url.Values{}}
		for _, input := range inputPattern.FindAllStringSubmatch(each[2], -1) {
			if a := attributes(input[1]); a["name"] != "" && a["type"] != "submit" && a["type"] != "checkbox" {
				f.fields.Set(a["name"], a["value"])
			}
		}
		if f.fields.Has(field) {
			return f, true
		}
	}
	return form{}, false
}

func attributes(tag string) map[string]string {
	found := map[string]string{}
	for _, each := range attributePattern.FindAllStringSubmatch(tag, -1) {
		found[strings.ToLower(each[1])] = html.UnescapeString(each[2] + each[3])
	}
	return found
}
