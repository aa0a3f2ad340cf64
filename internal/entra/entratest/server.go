// Package entratest is the part of Microsoft Entra ID and Microsoft Graph for tests that an
// entra.Client calls: one tenant with its applications, their SAML metadata, and access tokens by
// a client secret or a federated credential. It also has the part of AWS STS that signs the
// assertions for it.
package entratest

import (
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

const maxBody = 1 << 20

// Application is an application with its service principal.
type Application struct {
	ObjectID, AppID, DisplayName string
	Disabled                     bool
	// SingleSignOnMode is preferredSingleSignOnMode, empty for none.
	SingleSignOnMode             string
	IdentifierURIs, RedirectURIs []string
	// Owners are the client ids of the app registrations that own it.
	Owners []string
	// Metadata is its SAML metadata, nil if there is none.
	Metadata []byte
}

// Request is a request that the server got.
type Request struct {
	Method, Path  string
	Authorization string
	Body          string
}

// Fault is a response in place of the regular one.
type Fault struct {
	// Method and Path are of the requests with this response; an empty one is any.
	Method, Path string
	Status       int
	// RetryAfter is the value of the header, if it is not empty.
	RetryAfter string
	// Body is that of the response. "{{sent}}" in it stands for the Authorization header and the
	// body that were sent.
	Body string
}

// Server is an http.Handler that serves one tenant from memory, at one address: both the login
// and Graph. It is safe for concurrent use.
type Server struct {
	// TenantID is that of the tenant.
	TenantID string

	mu        sync.Mutex
	apps      map[string]*Application
	secrets   map[string]string // of each client
	federated map[string]Federated
	issued    map[string]accessToken
	verified  []string
	excluded  bool
	faults    []Fault
	requests  []Request
	writes    int
}

// New returns a tenant without applications that accepts no credential.
func New(tenantID string) *Server {
	return &Server{
		TenantID: tenantID, apps: map[string]*Application{}, secrets: map[string]string{}, federated: map[string]Federated{},
		issued: map[string]accessToken{}, verified: []string{"contoso.onmicrosoft.com"},
	}
}

// Put stores an application.
func (s *Server) Put(app Application) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.apps[app.AppID] = &app
}

// Remove deletes an application.
func (s *Server) Remove(appID string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.apps, appID)
}

// App returns an application, zero if there is none.
func (s *Server) App(appID string) Application {
	s.mu.Lock()
	defer s.mu.Unlock()
	if app, ok := s.apps[appID]; ok {
		return *app
	}
	return Application{}
}

// RestrictSAML makes a policy of the tenant restrict the identifiers of SAML applications, too.
func (s *Server) RestrictSAML() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.excluded = true
}

// Fail scripts the next responses, one fault for each request that matches it.
func (s *Server) Fail(faults ...Fault) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults = append(s.faults, faults...)
}

// Requests returns the requests so far, in order.
func (s *Server) Requests() []Request {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.requests)
}

// Writes returns how often an application was changed.
func (s *Server) Writes() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.writes
}

// ServeHTTP handles one request.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	if err != nil {
		fail(w, http.StatusRequestEntityTooLarge, "Request_BadRequest", "The body is too large.")
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	sent := Request{Method: r.Method, Path: r.URL.RequestURI(), Authorization: r.Header.Get("Authorization"), Body: string(body)}
	s.requests = append(s.requests, sent)
	i := slices.IndexFunc(s.faults, func(f Fault) bool {
		return (f.Method == "" || f.Method == r.Method) && (f.Path == "" || f.Path == r.URL.Path)
	})
	if i >= 0 {
		fault := s.faults[i]
		s.faults = slices.Delete(s.faults, i, i+1)
		if fault.RetryAfter != "" {
			w.Header().Set("Retry-After", fault.RetryAfter)
		}
		w.WriteHeader(fault.Status)
		_, _ = io.WriteString(w, strings.ReplaceAll(fault.Body, "{{sent}}", sent.Authorization+" "+sent.Body))
		return
	}
	switch r.URL.Path {
	case "/" + s.TenantID + "/oauth2/v2.0/token":
		s.issue(w, r, body)
	case "/" + s.TenantID + "/federationmetadata/2007-06/federationmetadata.xml":
		s.metadata(w, r.URL.Query().Get("appid"))
	default:
		s.graph(w, r, body)
	}
}

// metadata responds with the SAML metadata of an application, which needs no login.
func (s *Server) metadata(w http.ResponseWriter, appID string) {
	app, ok := s.apps[appID]
	if !ok || app.Metadata == nil {
		http.Error(w, "AADSTS700016: Application with identifier '"+appID+"' was not found in the directory.", http.StatusBadRequest)
		return
	}
	w.Header().Set("Content-Type", "application/samlmetadata+xml")
	_, _ = w.Write(app.Metadata)
}

var byAppID = regexp.MustCompile(`^/v1\.0/(applications|servicePrincipals)\(appId='([^']*)'\)$`)

func (s *Server) graph(w http.ResponseWriter, r *http.Request, body []byte) {
	client, ok := s.authenticated(r)
	if !ok {
		fail(w, http.StatusUnauthorized, "InvalidAuthenticationToken", "Access token is empty or has expired.")
		return
	}
	objectID, isObject := strings.CutPrefix(r.URL.Path, "/v1.0/applications/")
	named := byAppID.FindStringSubmatch(r.URL.Path)
	switch {
	case r.Method == http.MethodPatch && isObject:
		s.patch(w, client, objectID, body)
	case r.Method != http.MethodGet || named == nil:
		fail(w, http.StatusBadRequest, "BadRequest", "Resource not found for the segment.")
	case s.apps[named[2]] == nil:
		fail(w, http.StatusNotFound, "Request_ResourceNotFound", "Resource '"+named[2]+"' does not exist or one of its queried reference-property objects are not present.")
	default:
		respond(w, http.StatusOK, selected(document(named[1], s.apps[named[2]]), r.URL.Query()))
	}
}

func document(kind string, app *Application) map[string]any {
	if kind == "applications" {
		return map[string]any{
			"id": app.ObjectID, "appId": app.AppID, "displayName": app.DisplayName, "identifierUris": list(app.IdentifierURIs),
			"web": map[string]any{"redirectUris": list(app.RedirectURIs), "logoutUrl": nil}, "signInAudience": "AzureADMyOrg",
		}
	}
	var mode any
	if app.SingleSignOnMode != "" {
		mode = app.SingleSignOnMode
	}
	return map[string]any{
		"id": "principal-of-" + app.AppID, "appId": app.AppID, "displayName": app.DisplayName, "accountEnabled": !app.Disabled,
		"preferredSingleSignOnMode": mode, "tags": []string{"WindowsAzureActiveDirectoryCustomSingleSignOnApplication"},
	}
}

func list(texts []string) []string { return append([]string{}, texts...) }

// selected keeps the fields of $select.
func selected(all map[string]any, query url.Values) map[string]any {
	fields := strings.Split(query.Get("$select"), ",")
	some := map[string]any{"@odata.context": "https://graph.microsoft.com/v1.0/$metadata"}
	for _, name := range fields {
		some[name] = all[name]
	}
	return some
}

// patch replaces the lists that the body has. The caller has locked s.mu.
func (s *Server) patch(w http.ResponseWriter, client, objectID string, body []byte) {
	var app *Application
	for _, a := range s.apps {
		if a.ObjectID == objectID {
			app = a
		}
	}
	var changes struct {
		IdentifierURIs *[]string `json:"identifierUris"`
		Web            struct {
			RedirectURIs *[]string `json:"redirectUris"`
		} `json:"web"`
	}
	decoder := json.NewDecoder(strings.NewReader(string(body)))
	decoder.DisallowUnknownFields()
	switch {
	case app == nil:
		fail(w, http.StatusNotFound, "Request_ResourceNotFound", "Resource '"+objectID+"' does not exist.")
		return
	case !slices.Contains(app.Owners, client):
		fail(w, http.StatusForbidden, "Authorization_RequestDenied", "Insufficient privileges to complete the operation.")
		return
	case decoder.Decode(&changes) != nil:
		fail(w, http.StatusBadRequest, "BadRequest", "Unable to read JSON request payload.")
		return
	}
	if changes.IdentifierURIs != nil {
		for _, uri := range *changes.IdentifierURIs {
			if !slices.Contains(app.IdentifierURIs, uri) && !s.allowed(app, uri) {
				fail(w, http.StatusBadRequest, "HostNameNotOnVerifiedDomain",
					"Values of identifierUris property must use a verified domain of the organization or its subdomain: '"+uri+"'")
				return
			}
		}
		app.IdentifierURIs = *changes.IdentifierURIs
	}
	if changes.Web.RedirectURIs != nil {
		app.RedirectURIs = *changes.Web.RedirectURIs
	}
	s.writes++
	w.WriteHeader(http.StatusNoContent)
}

// allowed reports whether an application may have an identifier: one on a verified domain, or,
// for SAML applications, any that a policy does not restrict.
//
// https://learn.microsoft.com/en-us/entra/identity-platform/identifier-uri-restrictions
func (s *Server) allowed(app *Application, uri string) bool {
	if app.SingleSignOnMode == "saml" && !s.excluded {
		return true
	}
	u, err := url.Parse(uri)
	return err == nil && (u.Scheme == "api" && u.Host == app.AppID || slices.Contains(s.verified, u.Hostname()))
}

func respond(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(body) // An error means that the caller closed the connection.
}

func fail(w http.ResponseWriter, status int, code, message string) {
	respond(w, status, map[string]any{"error": map[string]any{
		"code": code, "message": message,
		"innerError": map[string]any{"date": time.Now().UTC().Format(time.RFC3339), "request-id": strconv.Itoa(status)},
	}})
}
