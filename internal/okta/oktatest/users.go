package oktatest

import (
	"encoding/json"
	"net/http"
)

const usersPath = "/api/v1/users/"

// PutUser stores a user, which has to be a JSON object with an "id".
func (s *Server) PutUser(user string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.users[idOf(user)] = json.RawMessage(user)
}

// Assign stores the assignment of a user to an application, which has to be a JSON object whose
// "id" is that of the user. Okta documents its form.
//
// https://developer.okta.com/docs/api/openapi/okta-management/management/tag/ApplicationUsers/
func (s *Server) Assign(appID, appUser string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.appUsers[assignment{appID, idOf(appUser)}] = json.RawMessage(appUser)
}

// idOf returns the id of an object.
func idOf(object string) string {
	var known struct{ ID string }
	if json.Unmarshal([]byte(object), &known) != nil || known.ID == "" {
		panic("oktatest: not an object with an id: " + object)
	}
	return known.ID
}

// person responds to a request for a user, or for an assignment, which is nil if there is none.
func person(w http.ResponseWriter, r *http.Request, known json.RawMessage, name string) {
	switch {
	case known == nil:
		fail(w, http.StatusNotFound, "E0000007", "Not found: Resource not found: "+name)
	case r.Method != http.MethodGet:
		fail(w, http.StatusMethodNotAllowed, "E0000022", "The endpoint does not support the provided HTTP method")
	default:
		respond(w, http.StatusOK, known)
	}
}
