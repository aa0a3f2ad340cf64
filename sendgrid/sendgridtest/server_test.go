package sendgridtest_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"sendgrid-sso-integration/sendgrid"
	"sendgrid-sso-integration/sendgrid/sendgridtest"
)

const (
	collection = "/v3/sso/integrations"
	goodBody   = `{"name":"Okta","enabled":true,"signin_url":"https://idp.example/in","signout_url":"","entity_id":"urn:okta"}`
)

// send gives the server one request and returns its response.
func send(t *testing.T, s *sendgridtest.Server, method, target, body string, header ...string) *httptest.ResponseRecorder {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), method, target, strings.NewReader(body))
	r.Header.Set("Authorization", "Bearer key")
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	s.ServeHTTP(w, r)
	return w
}

// decode returns the JSON value of a response.
func decode[T any](t *testing.T, w *httptest.ResponseRecorder) T {
	t.Helper()
	require.Equal(t, "application/json", w.Header().Get("Content-Type"))
	var value T
	require.NoError(t, json.Unmarshal(w.Body.Bytes(), &value), w.Body.String())
	return value
}

// fieldErrors returns the messages of a documented error response by field.
func fieldErrors(t *testing.T, w *httptest.ResponseRecorder) map[string]string {
	t.Helper()
	messages := map[string]string{}
	for _, each := range decode[[]map[string]*string](t, w) {
		require.NotEmpty(t, *each["error_id"])
		field := ""
		if each["field"] != nil {
			field = *each["field"]
		}
		messages[field] = *each["message"]
	}
	return messages
}

func request() sendgrid.IntegrationRequest {
	return sendgrid.IntegrationRequest{Name: "Okta", Enabled: true, SigninURL: "https://idp.example/in", EntityID: "urn:okta"}
}

func TestCreateListGet(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := sendgridtest.New()
		require.JSONEq(t, "[]", send(t, s, http.MethodGet, collection, "").Body.String())

		w := send(t, s, http.MethodPost, collection, goodBody)
		require.Equal(t, http.StatusOK, w.Code)
		created := decode[map[string]any](t, w)
		id, _ := created["id"].(string)
		require.Regexp(t, `^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$`, id)
		want := map[string]any{
			"id":                id,
			"name":              "Okta",
			"enabled":           true,
			"signin_url":        "https://idp.example/in",
			"signout_url":       "",
			"entity_id":         "urn:okta",
			"single_signon_url": "https://api.sendgrid.com/v3/public/sso/saml/response/id/" + id,
			"audience_url":      "https://api.sendgrid.com/v3/public/sso/saml/response/id/" + id,
			"last_updated":      float64(time.Now().Unix()),
		}
		require.Equal(t, want, created)

		require.Equal(t, want, decode[map[string]any](t, send(t, s, http.MethodGet, collection+"/"+id, "")))
		require.Equal(t, []map[string]any{want}, decode[[]map[string]any](t, send(t, s, http.MethodGet, collection, "")))
		want["completed_integration"] = false
		require.Equal(t, want, decode[map[string]any](t, send(t, s, http.MethodGet, collection+"/"+id+"?si=true", "")))
		require.Equal(t, []map[string]any{want}, decode[[]map[string]any](t, send(t, s, http.MethodGet, collection+"?si=true", "")))
	})
}

func TestDuplicatesAreNotRefused(t *testing.T) {
	t.Parallel()
	s := sendgridtest.New()
	send(t, s, http.MethodPost, collection, goodBody)
	send(t, s, http.MethodPost, collection, goodBody)
	all := s.Integrations()
	require.Len(t, all, 2)
	require.NotEqual(t, all[0].ID, all[1].ID)
}

func TestBadRequests(t *testing.T) {
	t.Parallel()
	const notAnObject = `the request body is not a JSON object`
	tests := []struct {
		name, body string
		want       map[string]string
	}{
		{name: "empty", body: "", want: map[string]string{"": notAnObject}},
		{name: "not JSON", body: "{", want: map[string]string{"": notAnObject}},
		{name: "an array", body: "[]", want: map[string]string{"": notAnObject}},
		{name: "null", body: "null", want: map[string]string{"": notAnObject}},
		{name: "two objects", body: goodBody + goodBody, want: map[string]string{"": notAnObject}},
		{name: "everything is missing", body: "{}", want: map[string]string{
			"name": "this field is required", "enabled": "this field is required", "signin_url": "this field is required",
			"signout_url": "this field is required", "entity_id": "this field is required",
		}},
		{name: "null is missing, and case matters", body: strings.ReplaceAll(strings.Replace(goodBody, "true", "null", 1), `"name"`, `"Name"`), want: map[string]string{
			"name": "this field is required", "enabled": "this field is required",
		}},
		{
			name: "wrong types",
			body: `{"name":1,"enabled":"true","signin_url":{},"signout_url":[],"entity_id":false,"completed_integration":"no"}`,
			want: map[string]string{
				"name": "must be a string", "enabled": "must be a boolean", "signin_url": "must be a string",
				"signout_url": "must be a string", "entity_id": "must be a string", "completed_integration": "must be a boolean",
			},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			s := sendgridtest.New()
			w := send(t, s, http.MethodPost, collection, tt.body)
			require.Equal(t, http.StatusBadRequest, w.Code)
			require.Equal(t, tt.want, fieldErrors(t, w))
			require.Empty(t, s.Integrations())
		})
	}
}

// An update takes what a create takes, all of it.
func TestUpdateIntegration(t *testing.T) {
	t.Parallel()
	yes := true
	in := request()
	in.CompletedIntegration = &yes
	change := strings.Replace(goodBody, `"Okta","enabled":true`, `"New","enabled":false`, 1)
	for name, tt := range map[string]struct {
		body   string
		status int
		want   string // name, enabled, completed_integration
	}{
		"completed_integration is kept where it is missing": {change, 200, "New false true"},
		"a false that is sent is a false":                   {change[:len(change)-1] + `,"completed_integration":false}`, 200, "New false false"},
		"a required field is missing":                       {strings.Replace(change, `"enabled":false,`, "", 1), 400, "Okta true true"},
		"no object":                                         {"[]", 400, "Okta true true"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := sendgridtest.New()
			id := s.Add(in).ID
			w := send(t, s, http.MethodPatch, collection+"/"+id+"?si=true", tt.body)
			require.Equal(t, tt.status, w.Code)
			now := s.Integrations()[0]
			require.Equal(t, tt.want, fmt.Sprint(now.Name, " ", now.Enabled, " ", *now.CompletedIntegration))
			if tt.status == http.StatusOK {
				require.Equal(t, now, decode[sendgrid.Integration](t, w))
			} else {
				require.NotEmpty(t, decode[[]map[string]any](t, w)[0]["message"])
			}
			require.Equal(t, http.StatusNotFound, send(t, s, http.MethodPatch, collection+"/"+id, tt.body, "On-Behalf-Of", "subuser").Code)
		})
	}
}

func TestDeleteIntegration(t *testing.T) {
	t.Parallel()
	s := sendgridtest.New()
	s.SetScopes("creator", sendgrid.ScopeCreate)
	s.SetScopes("deleter", sendgrid.ScopeDelete)
	made := s.Add(request())
	path := collection + "/" + made.ID
	require.Equal(t, http.StatusForbidden, send(t, s, http.MethodDelete, path, "", "Authorization", "Bearer creator").Code)
	require.Equal(t, http.StatusNotFound, send(t, s, http.MethodDelete, path, "", "Authorization", "Bearer deleter", "On-Behalf-Of", "subuser").Code)
	w := send(t, s, http.MethodDelete, path, "", "Authorization", "Bearer deleter")
	require.Equal(t, http.StatusNoContent, w.Code)
	require.Empty(t, w.Body.String())
	require.Empty(t, s.Integrations())
	require.Equal(t, http.StatusNotFound, send(t, s, http.MethodDelete, path, "", "Authorization", "Bearer deleter").Code)
}

func TestRefusals(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, method, target, body string
		header                     []string
		status                     int
		allow                      string
	}{
		{name: "no key", method: http.MethodGet, target: collection, header: []string{"Authorization", ""}, status: 401},
		{name: "an empty key", method: http.MethodGet, target: collection, header: []string{"Authorization", "Bearer "}, status: 401},
		{name: "another scheme", method: http.MethodGet, target: collection, header: []string{"Authorization", "Basic key"}, status: 401},
		{name: "an unknown key", method: http.MethodPost, target: collection, body: goodBody, header: []string{"Authorization", "Bearer stranger"}, status: 401},
		{name: "no scope to create", method: http.MethodPost, target: collection, body: goodBody, header: []string{"Authorization", "Bearer reader"}, status: 403},
		{name: "the scope to list", method: http.MethodGet, target: collection, header: []string{"Authorization", "Bearer reader"}, status: 200},
		{name: "no scope to list", method: http.MethodGet, target: collection, header: []string{"Authorization", "Bearer creator"}, status: 403},
		{name: "no scope to get", method: http.MethodGet, target: collection + "/1", header: []string{"Authorization", "Bearer nobody"}, status: 403},
		{name: "the scope to create", method: http.MethodPost, target: collection, body: goodBody, header: []string{"Authorization", "Bearer creator"}, status: 200},
		{name: "a scheme in small letters", method: http.MethodGet, target: collection, header: []string{"Authorization", "bearer key"}, status: 200},
		{name: "an unknown id", method: http.MethodGet, target: collection + "/1", status: 404},
		{name: "no id", method: http.MethodGet, target: collection + "/", status: 404},
		{name: "an unknown path", method: http.MethodGet, target: "/v3/sso/settings", status: 404},
		{name: "an unknown certificate", method: http.MethodGet, target: "/v3/sso/certificates/1", status: 404},
		{name: "the certificates of an unknown integration", method: http.MethodGet, target: collection + "/1/certificates", status: 404},
		{name: "a method of neither", method: http.MethodDelete, target: collection, status: 405, allow: "GET, POST"},
		{name: "a method of the collection", method: http.MethodPost, target: collection + "/1", status: 405, allow: "DELETE, GET, PATCH"},
		{name: "no scope to update", method: http.MethodPatch, target: collection + "/1", header: []string{"Authorization", "Bearer creator"}, status: 403},
		{name: "no scope to delete", method: http.MethodDelete, target: "/v3/sso/certificates/1", header: []string{"Authorization", "Bearer creator"}, status: 403},
		{name: "a body without end", method: http.MethodPost, target: collection, body: strings.Repeat(" ", 1<<20), status: 413},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			s := sendgridtest.New()
			s.SetKeys("key", "reader", "creator", "nobody")
			s.SetScopes("reader", sendgrid.ScopeRead)
			s.SetScopes("creator", sendgrid.ScopeCreate)
			s.SetScopes("nobody")
			w := send(t, s, tt.method, tt.target, tt.body, tt.header...)
			require.Equal(t, tt.status, w.Code)
			require.Equal(t, tt.allow, w.Header().Get("Allow"))
			require.NotEmpty(t, w.Header().Get("X-RateLimit-Reset"))
			require.Equal(t, tt.status, s.Requests()[0].Status)
			if tt.status == http.StatusOK {
				return
			}
			require.NotEmpty(t, decode[[]map[string]any](t, w)[0]["message"])
			require.Empty(t, s.Integrations())
		})
	}
}

func TestSetKeysReplacesTheKeys(t *testing.T) {
	t.Parallel()
	s := sendgridtest.New()
	require.Equal(t, http.StatusOK, send(t, s, http.MethodGet, collection, "").Code)
	s.SetKeys("next")
	require.Equal(t, http.StatusUnauthorized, send(t, s, http.MethodGet, collection, "").Code)
	s.SetKeys()
	require.Equal(t, http.StatusOK, send(t, s, http.MethodGet, collection, "").Code)
}

func TestRequestsAreRecorded(t *testing.T) {
	t.Parallel()
	s := sendgridtest.New()
	send(t, s, http.MethodPost, collection, goodBody, "X-Test", "1")
	send(t, s, http.MethodGet, collection+"/a%2Fb?si=true", "")
	send(t, s, http.MethodPut, "/elsewhere", "x")

	got := s.Requests()
	require.Len(t, got, 3)
	require.Equal(t, "1", got[0].Header.Get("X-Test"))
	for i := range got {
		got[i].Header = nil
	}
	require.Equal(t, []sendgridtest.Request{
		{Op: sendgrid.OpCreateIntegration, Method: http.MethodPost, Path: collection, Body: []byte(goodBody), Status: 200},
		{Op: sendgrid.OpGetIntegration, Method: http.MethodGet, Path: collection + "/a%2Fb", RawQuery: "si=true", Body: []byte{}, Status: 404},
		{Method: http.MethodPut, Path: "/elsewhere", Body: []byte("x"), Status: 404},
	}, got)
	require.Equal(t, 1, s.Count(sendgrid.OpCreateIntegration))
	require.Equal(t, 0, s.Count(sendgrid.OpListIntegrations))
	got[0].Body[0] = 'x' // It is a copy.
	require.NotEqual(t, got[0].Body, s.Requests()[0].Body)
}

// Run with -race.
func TestServerIsSafeForConcurrentUse(t *testing.T) {
	t.Parallel()
	s := sendgridtest.New()
	s.Script(sendgridtest.Fault{Op: sendgrid.OpListIntegrations, Times: -1, Status: 500})
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			id := s.Add(request()).ID
			send(t, s, http.MethodPost, collection, goodBody)
			send(t, s, http.MethodGet, collection, "")
			send(t, s, http.MethodGet, collection+"/"+id, "")
			s.Edit(id, func(i *sendgrid.Integration) { i.Enabled = false })
			s.SetKeys("key")
			s.SetScopes("other")
			s.SetRateLimit(1000, time.Minute)
			s.SetStale(time.Second)
			s.Requests()
			s.Integrations()
			s.Delete(id)
		})
	}
	wg.Wait()
	require.Len(t, s.Integrations(), 8)
	require.Equal(t, 8, s.Count(sendgrid.OpCreateIntegration))
}
