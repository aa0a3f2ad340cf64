// Package okta is a client of the part of Okta's management API that reads and changes SAML
// applications, and reads who is assigned to them. It knows no AWS, except that its credential
// comes from a cached secret.
//
// API reference: https://developer.okta.com/docs/api/openapi/okta-management/management/tag/Application/
package okta

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"sendgrid-sso-integration/internal/idp"
)

// Name is Okta's name in errors.
const Name = "Okta"

const (
	// maxResponseBytes bounds what is read of a response. An application takes less than 50 KiB.
	maxResponseBytes = 1 << 20
	// MaxMetadataBytes bounds the SAML metadata of an application, which takes less than 4 KiB
	// for each signing certificate. An event with this much of it still fits into EventBridge.
	MaxMetadataBytes = 128 << 10
	// pageSize is how many applications are read at once, maxPageBytes bounds what they take, and
	// maxPages how many pages there are, in case they never end.
	pageSize     = 50
	maxPageBytes = 4 << 20
	maxPages     = 1000
	// defaultWait is the wait after a 429 that names no time.
	defaultWait = 5 * time.Second
)

// Client calls the API of one Okta org. Set its fields before the first call; its methods
// may be called concurrently. Errors of a response are of type *idp.Error.
//
// Every request that it sends is idempotent: repeating one changes nothing more. The client
// repeats a request only where Okta has certainly not carried it out (401 with a new
// credential, 429); other repetitions are up to the caller.
type Client struct {
	// OrgURL is the URL of the org, such as "https://example.okta.com". Required.
	OrgURL string
	// Credentials supplies the credential. Required.
	Credentials CredentialSource
	// ReadsUsers makes a service application ask for the scope that User needs. Okta gives no
	// access token at all if it was not granted.
	ReadsUsers bool
	// UserAgent is sent with every request.
	UserAgent string
	// HTTP sends the requests. Required; idp.NewHTTPClient returns one.
	HTTP *http.Client
	// OnCall, if set, is called after each request.
	OnCall func(context.Context, idp.Call)

	tokens idp.TokenCache
}

func (c *Client) base() string { return strings.TrimRight(c.OrgURL, "/") }

func (c *Client) api() *idp.API {
	return &idp.API{Provider: Name, UserAgent: c.UserAgent, HTTP: c.HTTP, OnCall: c.OnCall, Describe: describe, Wait: untilReset}
}

// IsAppID reports whether text has the form of an application's id, such as
// "0oa1gjh63g214q0Hq0g4", so that it can be part of a URL.
func IsAppID(text string) bool {
	const maxID = 64
	isForeign := func(r rune) bool {
		return (r < '0' || r > '9') && (r < 'A' || r > 'Z') && (r < 'a' || r > 'z')
	}
	return text != "" && len(text) <= maxID && !strings.ContainsFunc(text, isForeign)
}

// Application reads an application.
//
// https://developer.okta.com/docs/api/openapi/okta-management/management/tag/Application/#tag/Application/operation/getApplication
func (c *Client) Application(ctx context.Context, id string) (*Application, error) {
	response, err := c.do(ctx, idp.Request{Method: http.MethodGet, Path: appsPath + "/" + url.PathEscape(id), Accept: idp.JSON, Limit: maxResponseBytes})
	if err != nil {
		return nil, err
	}
	return parseApplication(response.Body)
}

const appsPath = "/api/v1/apps"

// Applications reads every application, page by page. An error ends the sequence. Reading it
// also uses the credential: Okta revokes an API token that was not used for 30 days.
//
// https://developer.okta.com/docs/api/openapi/okta-management/management/tag/Application/#tag/Application/operation/listApplications
func (c *Client) Applications(ctx context.Context) iter.Seq2[*Application, error] {
	return func(yield func(*Application, error) bool) {
		query := url.Values{"limit": {strconv.Itoa(pageSize)}}
		for range maxPages {
			page, next, err := c.page(ctx, query)
			if err != nil {
				yield(nil, err)
				return
			}
			for _, app := range page {
				if !yield(app, nil) {
					return
				}
			}
			if next == "" {
				return
			}
			query.Set("after", next)
		}
		yield(nil, fmt.Errorf("okta: the applications have more than %d pages", maxPages))
	}
}

// page reads one page of the applications. Next is the cursor of the following one, empty after
// the last.
func (c *Client) page(ctx context.Context, query url.Values) (apps []*Application, next string, err error) {
	response, err := c.do(ctx, idp.Request{Method: http.MethodGet, Path: appsPath + "?" + query.Encode(), Accept: idp.JSON, Limit: maxPageBytes})
	if err != nil {
		return nil, "", err
	}
	var documents []json.RawMessage
	if json.Unmarshal(response.Body, &documents) != nil {
		return nil, "", errors.New("okta: the list of applications is not the documented JSON")
	}
	for _, document := range documents {
		app, err := parseApplication(document)
		if err != nil {
			return nil, "", err
		}
		apps = append(apps, app)
	}
	return apps, nextCursor(response.Header), nil
}

// nextCursor returns the cursor in the link to the next page, empty if there is none. Only the
// cursor is taken from the link, so that the credential goes to the org and nowhere else.
//
// https://developer.okta.com/docs/api/#pagination
func nextCursor(header http.Header) string {
	for _, value := range header.Values("Link") {
		for _, link := range strings.Split(value, ",") {
			target, parameters, _ := strings.Cut(link, ";")
			if !strings.Contains(strings.ReplaceAll(parameters, " ", ""), `rel="next"`) {
				continue
			}
			if u, err := url.Parse(strings.Trim(strings.TrimSpace(target), "<>")); err == nil {
				return u.Query().Get("after")
			}
		}
	}
	return ""
}

// Metadata reads the SAML metadata of an application with the certificate of one of its keys,
// at most MaxMetadataBytes. Without a key it is that of the key with which Okta signs. Okta
// returns 404 for a key that it does not show.
//
// https://developer.okta.com/docs/api/openapi/okta-management/management/tag/ApplicationSSO/#tag/ApplicationSSO/operation/previewSAMLmetadataForApplication
func (c *Client) Metadata(ctx context.Context, id, keyID string) ([]byte, error) {
	path := appsPath + "/" + url.PathEscape(id) + "/sso/saml/metadata"
	if keyID != "" {
		path += "?" + url.Values{"kid": {keyID}}.Encode()
	}
	response, err := c.do(ctx, idp.Request{Method: http.MethodGet, Path: path, Accept: "text/xml", Limit: MaxMetadataBytes})
	if err != nil {
		return nil, err
	}
	return response.Body, nil
}

// Replace writes an application whole: what document lacks is removed, and Okta ignores
// read-only fields in it.
//
// https://developer.okta.com/docs/api/openapi/okta-management/management/tag/Application/#tag/Application/operation/replaceApplication
func (c *Client) Replace(ctx context.Context, id string, document []byte) error {
	_, err := c.do(ctx, idp.Request{
		Method: http.MethodPut, Path: appsPath + "/" + url.PathEscape(id), Accept: idp.JSON,
		ContentType: idp.JSON, Body: document, Limit: maxResponseBytes,
	})
	return err
}

// Connect does before the first call what takes the longest in it: it opens a connection by a
// request that needs no credential and, meanwhile, gets the credential ready. Its errors are
// no reason not to go on; a later call reports them again.
func (c *Client) Connect(ctx context.Context) error {
	connected := make(chan error, 1)
	go func() {
		_, err := c.api().SendOnce(ctx, idp.Request{
			Method: http.MethodGet, Base: c.base(), Path: "/.well-known/okta-organization", Accept: idp.JSON, Limit: maxResponseBytes,
		}, idp.Authorization{})
		connected <- err
	}()
	_, err := c.authorize(ctx)
	if connectErr := <-connected; connectErr != nil {
		return fmt.Errorf("connect to Okta: %w", connectErr)
	}
	return err
}

// do sends a request with the credential. Where Okta returns 401, it renews the credential
// and sends the request once more if that led to another one.
func (c *Client) do(ctx context.Context, r idp.Request) (*idp.Response, error) {
	auth, err := c.authorize(ctx)
	if err != nil {
		return nil, err
	}
	r.Base = c.base()
	response, err := c.api().Send(ctx, r, auth)
	var refused *idp.Error
	if !errors.As(err, &refused) || refused.Status != http.StatusUnauthorized {
		return response, err
	}
	renewed, renewErr := c.reauthorize(ctx, auth)
	switch {
	case renewErr != nil:
		return nil, fmt.Errorf("%w; renewing the credential: %w", err, renewErr)
	case renewed.Same(auth):
		return nil, err
	}
	return c.api().Send(ctx, r, renewed)
}

// describe reads Okta's code and summary of an error, or those of the token endpoint.
//
// https://developer.okta.com/docs/reference/error-codes/
func describe(body []byte) (code, summary string) {
	var known struct {
		ErrorCode, ErrorSummary string
		OAuthError              string `json:"error"`
		OAuthDescription        string `json:"error_description"`
	}
	if json.Unmarshal(body, &known) != nil {
		return "", ""
	}
	return known.ErrorCode + known.OAuthError, known.ErrorSummary + known.OAuthDescription
}

// untilReset returns how long the rate limit lasts. Both times are Okta's, so that the clock
// of this machine does not matter; now stands in for a missing Date.
//
// https://developer.okta.com/docs/reference/rl-best-practices/
func untilReset(header http.Header, now time.Time) time.Duration {
	seconds, err := strconv.ParseInt(header.Get("X-Rate-Limit-Reset"), 10, 64)
	if err != nil {
		return defaultWait
	}
	if date, err := http.ParseTime(header.Get("Date")); err == nil {
		now = date
	}
	return time.Unix(seconds, 0).Sub(now)
}
