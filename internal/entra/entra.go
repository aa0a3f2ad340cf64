// Package entra is a client of the part of Microsoft Graph that reads SAML applications of one
// tenant of Microsoft Entra ID, and puts a service provider's URLs into them. It knows no AWS,
// except that its credential comes from a cached secret or is a token of AWS about the function's identity.
//
// API reference: https://learn.microsoft.com/en-us/graph/api/resources/application
package entra

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"sendgrid-sso-integration/internal/idp"
)

// Name is Entra's name in errors.
const Name = "Entra"

// The addresses of the public cloud.
const (
	LoginURL = "https://login.microsoftonline.com"
	GraphURL = "https://graph.microsoft.com"
)

// SAML is the single sign-on mode of SAML applications.
const SAML = "saml"

const (
	// maxResponseBytes bounds what is read of a response. An application takes less than 100 KiB.
	maxResponseBytes = 1 << 20
	// maxMetadataBytes is the bound that the SAML metadata has when it is fetched for a request.
	maxMetadataBytes = 1 << 20
	// defaultWait is the wait after a 429 that names no time.
	defaultWait = 5 * time.Second
)

var guid = regexp.MustCompile(`^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$`)

// IsGUID reports whether text has the form of an id, of a tenant, an application or an object.
func IsGUID(text string) bool { return guid.MatchString(text) }

// Client calls Microsoft Graph for one tenant. Set its fields before the first call; its methods
// may be called concurrently. Errors of a response are of type *idp.Error.
//
// Every request that it sends is idempotent: repeating one changes nothing more. The client
// repeats a request only where Graph has certainly not carried it out (401 with a new token,
// 429); other repetitions are up to the caller.
type Client struct {
	// LoginURL and GraphURL are the addresses of the cloud. Required.
	LoginURL, GraphURL string
	// TenantID names the tenant, ClientID the app registration that the client is. Required.
	TenantID, ClientID string
	// Credentials supplies what the client authenticates with. Required.
	Credentials CredentialSource
	// UserAgent is sent with every request.
	UserAgent string
	// HTTP sends the requests. Required; idp.NewHTTPClient returns one.
	HTTP *http.Client
	// OnCall, if set, is called after each request.
	OnCall func(context.Context, idp.Call)

	tokens idp.TokenCache
}

// Application is an app registration.
type Application struct {
	ObjectID       string   `json:"id"`
	AppID          string   `json:"appId"`
	IdentifierURIs []string `json:"identifierUris"`
	Web            struct {
		RedirectURIs []string `json:"redirectUris"`
	} `json:"web"`
}

// Has reports whether the application has an identifier and a reply URL.
func (a *Application) Has(identifier, reply string) bool {
	return slices.Contains(a.IdentifierURIs, identifier) && slices.Contains(a.Web.RedirectURIs, reply)
}

// ServicePrincipal is the enterprise application of an app registration.
type ServicePrincipal struct {
	AppID                     string `json:"appId"`
	DisplayName               string `json:"displayName"`
	AccountEnabled            bool   `json:"accountEnabled"`
	PreferredSingleSignOnMode string `json:"preferredSingleSignOnMode"`
}

// Application reads the app registration with an application id.
//
// https://learn.microsoft.com/en-us/graph/api/application-get
func (c *Client) Application(ctx context.Context, appID string) (*Application, error) {
	var app Application
	if err := c.get(ctx, "/v1.0/applications(appId='"+url.PathEscape(appID)+"')?$select=id,appId,identifierUris,web", &app); err != nil {
		return nil, err
	}
	if !IsGUID(app.ObjectID) || !strings.EqualFold(app.AppID, appID) {
		return nil, errors.New("entra: the application is not the documented JSON: it has another id")
	}
	return &app, nil
}

// ServicePrincipal reads the enterprise application with an application id.
//
// https://learn.microsoft.com/en-us/graph/api/serviceprincipal-get
func (c *Client) ServicePrincipal(ctx context.Context, appID string) (*ServicePrincipal, error) {
	var principal ServicePrincipal
	const fields = "?$select=appId,displayName,accountEnabled,preferredSingleSignOnMode"
	if err := c.get(ctx, "/v1.0/servicePrincipals(appId='"+url.PathEscape(appID)+"')"+fields, &principal); err != nil {
		return nil, err
	}
	if !strings.EqualFold(principal.AppID, appID) {
		return nil, errors.New("entra: the service principal is not the documented JSON: it has another id")
	}
	return &principal, nil
}

func (c *Client) get(ctx context.Context, path string, into any) error {
	response, err := c.do(ctx, idp.Request{Method: http.MethodGet, Path: path, Accept: idp.JSON, Limit: maxResponseBytes})
	if err != nil {
		return err
	}
	if json.Unmarshal(response.Body, into) != nil {
		return errors.New("entra: the response is not the documented JSON")
	}
	return nil
}

// AddURLs puts an identifier and a reply URL into an application that was just read, before the
// ones that it has: where somebody begins in Entra, the first identifier is the audience. Graph
// replaces both lists as a whole.
//
// https://learn.microsoft.com/en-us/graph/api/application-update
func (c *Client) AddURLs(ctx context.Context, app *Application, identifier, reply string) error {
	var body struct {
		IdentifierURIs []string `json:"identifierUris"`
		Web            struct {
			RedirectURIs []string `json:"redirectUris"`
		} `json:"web"`
	}
	body.IdentifierURIs = first(identifier, app.IdentifierURIs)
	body.Web.RedirectURIs = first(reply, app.Web.RedirectURIs)
	var document bytes.Buffer
	encoder := json.NewEncoder(&document)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(body); err != nil {
		return fmt.Errorf("entra: encode the URLs: %w", err)
	}
	_, err := c.do(ctx, idp.Request{
		Method: http.MethodPatch, Path: "/v1.0/applications/" + url.PathEscape(app.ObjectID), Accept: idp.JSON,
		ContentType: idp.JSON, Body: document.Bytes(), Limit: maxResponseBytes,
	})
	return err
}

// first returns the others with text before them, once.
func first(text string, others []string) []string {
	return append([]string{text}, slices.DeleteFunc(slices.Clone(others), func(other string) bool { return other == text })...)
}

// MetadataURL returns the public URL of the SAML metadata of an application.
func (c *Client) MetadataURL(appID string) string { return c.login() + c.metadataPath(appID) }

func (c *Client) metadataPath(appID string) string {
	return "/" + c.TenantID + "/federationmetadata/2007-06/federationmetadata.xml?appid=" + url.QueryEscape(appID)
}

// Metadata reads the SAML metadata of an application.
func (c *Client) Metadata(ctx context.Context, appID string) ([]byte, error) {
	response, err := c.api().Send(ctx, idp.Request{
		Method: http.MethodGet, Base: c.login(), Path: c.metadataPath(appID), Limit: maxMetadataBytes,
	}, idp.Authorization{})
	if err != nil {
		return nil, err
	}
	return response.Body, nil
}

func (c *Client) login() string { return strings.TrimRight(c.LoginURL, "/") }

func (c *Client) api() *idp.API {
	return &idp.API{Provider: Name, UserAgent: c.UserAgent, HTTP: c.HTTP, OnCall: c.OnCall, Describe: describe, Wait: retryAfter}
}

// Connect gets an access token ready before the first call. Its errors are no reason not to go
// on; a later call reports them again.
func (c *Client) Connect(ctx context.Context) error {
	_, err := c.authorize(ctx)
	return err
}

// do sends a request to Graph with an access token. Where Graph returns 401, it gets another one
// and sends the request once more.
func (c *Client) do(ctx context.Context, r idp.Request) (*idp.Response, error) {
	auth, err := c.authorize(ctx)
	if err != nil {
		return nil, err
	}
	r.Base = strings.TrimRight(c.GraphURL, "/")
	response, err := c.api().Send(ctx, r, auth)
	var refused *idp.Error
	if !errors.As(err, &refused) || refused.Status != http.StatusUnauthorized {
		return response, err
	}
	c.tokens.Drop(auth)
	renewed, renewErr := c.authorize(ctx)
	if renewErr != nil {
		return nil, fmt.Errorf("%w; getting another token: %w", err, renewErr)
	}
	return c.api().Send(ctx, r, renewed)
}

// describe reads the code and the message of an error: Graph has an object of both, the token
// endpoint two texts.
//
// https://learn.microsoft.com/en-us/graph/errors
func describe(body []byte) (code, summary string) {
	var known struct {
		Error       json.RawMessage `json:"error"`
		Description string          `json:"error_description"`
	}
	if json.Unmarshal(body, &known) != nil {
		return "", ""
	}
	if json.Unmarshal(known.Error, &code) == nil {
		return code, known.Description
	}
	var graph struct{ Code, Message string }
	if json.Unmarshal(known.Error, &graph) != nil {
		return "", ""
	}
	return graph.Code, graph.Message
}

// retryAfter returns how long the rate limit lasts: seconds, or a time.
//
// https://learn.microsoft.com/en-us/graph/throttling
func retryAfter(header http.Header, now time.Time) time.Duration {
	text := header.Get("Retry-After")
	if seconds, err := strconv.ParseUint(text, 10, 31); err == nil {
		return time.Duration(seconds) * time.Second
	}
	if at, err := http.ParseTime(text); err == nil {
		return at.Sub(now)
	}
	return defaultWait
}
