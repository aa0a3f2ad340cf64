package oktatest

import (
	"encoding/json"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

const appsPath = "/api/v1/apps"

// route responds to a request as Okta would. The caller has locked s.mu.
func (s *Server) route(w http.ResponseWriter, r *http.Request, body []byte) {
	if r.URL.Path == tokenPath {
		s.issue(w, r, body)
		return
	}
	authenticated, permitted := s.authenticated(r)
	switch {
	case !authenticated:
		fail(w, http.StatusUnauthorized, "E0000011", "Invalid token provided")
		return
	case !permitted:
		fail(w, http.StatusForbidden, "E0000006", "You do not have permission to perform the requested action")
		return
	case strings.HasPrefix(r.URL.Path, usersPath):
		id := strings.TrimPrefix(r.URL.Path, usersPath)
		person(w, r, s.users[id], id+" (User)")
		return
	}
	rest, ok := strings.CutPrefix(r.URL.Path, appsPath)
	if !ok {
		fail(w, http.StatusNotFound, "E0000022", "The endpoint does not support the provided HTTP method")
		return
	}
	if app, user, found := strings.Cut(strings.TrimPrefix(rest, "/"), "/users/"); found {
		person(w, r, s.appUsers[assignment{app, user}], user+" (AppUser)")
		return
	}
	id, isMetadata := strings.CutSuffix(strings.TrimPrefix(rest, "/"), "/sso/saml/metadata")
	app, known := s.apps[id]
	kid := r.URL.Query().Get("kid")
	switch {
	case id == "" && r.Method == http.MethodGet:
		s.list(w, r)
	case !known:
		fail(w, http.StatusNotFound, "E0000007", "Not found: Resource not found: "+id+" (AppInstance)")
	case isMetadata && r.Header.Get("Accept") != "text/xml":
		fail(w, http.StatusNotAcceptable, "E0000021", "Bad request. Accept and/or Content-Type headers likely do not match supported values.")
	case isMetadata && kid == "": // The API's document requires it.
		fail(w, http.StatusBadRequest, "E0000001", "Api validation failed: kid")
	case isMetadata && s.metadata[appKey{id, kid}] == nil:
		fail(w, http.StatusNotFound, "E0000007", "Not found: Resource not found: "+kid+" (KeyStoreEntry)")
	case isMetadata:
		w.Header().Set("Content-Type", "text/xml")
		_, _ = w.Write(s.metadata[appKey{id, kid}])
	case r.Method == http.MethodGet:
		respond(w, http.StatusOK, app)
	case r.Method == http.MethodPut:
		s.replace(w, id, app, body)
	default:
		fail(w, http.StatusMethodNotAllowed, "E0000022", "The endpoint does not support the provided HTTP method")
	}
}

// list responds with a page of the applications, in the order of their ids.
func (s *Server) list(w http.ResponseWriter, r *http.Request) {
	limit, err := strconv.Atoi(r.URL.Query().Get("limit"))
	if err != nil || limit < 1 || limit > 200 {
		fail(w, http.StatusBadRequest, "E0000001", "Api validation failed: limit")
		return
	}
	after := r.URL.Query().Get("after")
	ids := slices.DeleteFunc(slices.Sorted(maps.Keys(s.apps)), func(id string) bool { return id <= after })
	page := []any{}
	for _, id := range ids[:min(limit, s.pageSize, len(ids))] {
		page = append(page, s.apps[id])
	}
	self := "http://" + r.Host + appsPath + "?limit=" + strconv.Itoa(limit)
	w.Header().Add("Link", "<"+self+`>; rel="self"`)
	if len(page) < len(ids) {
		w.Header().Add("Link", "<"+self+"&after="+ids[len(page)-1]+`>; rel="next"`)
	}
	respond(w, http.StatusOK, page)
}

// replace replaces an application: what the body lacks is gone, and what it has of read-only
// fields is ignored.
func (s *Server) replace(w http.ResponseWriter, id string, app map[string]json.RawMessage, body []byte) {
	var next map[string]json.RawMessage
	var required struct {
		Label, SignOnMode *string
		Settings          struct {
			SignOn struct {
				SSOACSURL, Recipient, Destination, Audience                                                    *string
				AllowMultipleACSEndpoints, AssertionSigned, HonorForceAuthn, RequestCompressed, ResponseSigned *bool
			}
		}
	}
	on := &required.Settings.SignOn
	if json.Unmarshal(body, &next) != nil || json.Unmarshal(body, &required) != nil ||
		required.Label == nil || required.SignOnMode == nil || on.SSOACSURL == nil || on.Recipient == nil || on.Destination == nil ||
		on.Audience == nil || on.AllowMultipleACSEndpoints == nil || on.AssertionSigned == nil || on.HonorForceAuthn == nil ||
		on.RequestCompressed == nil || on.ResponseSigned == nil {
		fail(w, http.StatusBadRequest, "E0000001", "Api validation failed: signOn")
		return
	}
	keep(next, app, "id", "status", "created", "_links")
	next["lastUpdated"] = encode(time.Now().UTC())
	s.apps[id] = next
	s.writes++
	respond(w, http.StatusOK, next)
}
