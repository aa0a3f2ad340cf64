package main

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"sendgrid-sso-integration/handler"
	"sendgrid-sso-integration/internal/auth"
	"sendgrid-sso-integration/internal/request"
)

// verify is a verifier made of a function; a nil one panics.
type verify func(header http.Header, body []byte) error

func (f verify) Authenticate(_ context.Context, header http.Header, body []byte) (string, error) {
	return "bearer", f(header, body)
}

// ask sends a request through the gateway and returns its response.
func ask(t *testing.T, h *handler.Handler, r *http.Request) (*http.Response, string) {
	t.Helper()
	h.Logger = slog.New(slog.DiscardHandler)
	h.IntegrationURL = func(id string) string { return "https://sg.example.com/" + id }
	recorder := httptest.NewRecorder()
	gateway(h, &journal{out: io.Discard}).ServeHTTP(recorder, r)
	response := recorder.Result()
	body, err := io.ReadAll(response.Body)
	require.NoError(t, err)
	return response, string(body)
}

func post(body io.Reader) *http.Request {
	r := httptest.NewRequest(http.MethodPost, integrationsPath, body)
	r.Header.Set("Content-Type", "application/json")
	return r
}

func TestGatewayPassesRequestsOn(t *testing.T) {
	t.Parallel()
	sent := exampleRequest + "\r\n"
	h := &handler.Handler{Provisioner: ensure(created), Verifier: verify(func(header http.Header, body []byte) error {
		require.Equal(t, sent, string(body))
		require.Equal(t, []string{"Bearer a,Bearer b"}, header["Authorization"], "several are joined, as API Gateway does it")
		return nil
	})}
	r := post(strings.NewReader(sent))
	r.Header["Authorization"] = []string{"Bearer a", "Bearer b"}
	response, body := ask(t, h, r)
	require.Equal(t, http.StatusCreated, response.StatusCode, body)
	require.Equal(t, "https://sg.example.com/id-1", response.Header.Get("Location"))
	require.Equal(t, "application/json", response.Header.Get("Content-Type"))
	require.True(t, json.Valid([]byte(body)))
}

func TestGatewayPassesRefusalsOn(t *testing.T) {
	t.Parallel()
	refuse := verify(func(http.Header, []byte) error { return &auth.CredentialsError{Reason: "it is wrong"} })
	accept := verify(func(http.Header, []byte) error { return nil })
	form := post(strings.NewReader(exampleRequest))
	form.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	tests := map[string]struct {
		request  *http.Request
		verifier verify
		status   int
		code     string
	}{
		"GET":           {httptest.NewRequest(http.MethodGet, "/", nil), nil, http.StatusMethodNotAllowed, "MethodNotAllowed"},
		"stranger":      {post(strings.NewReader(exampleRequest)), refuse, http.StatusUnauthorized, "Unauthenticated"},
		"form":          {form, accept, http.StatusUnsupportedMediaType, "UnsupportedMediaType"},
		"empty":         {post(http.NoBody), accept, http.StatusBadRequest, "InvalidJSON"},
		"too large":     {post(strings.NewReader(strings.Repeat(" ", request.MaxRequestBytes+1))), nil, http.StatusRequestEntityTooLarge, "PayloadTooLarge"},
		"larger by far": {post(strings.NewReader(strings.Repeat(" ", 9*request.MaxRequestBytes))), nil, http.StatusRequestEntityTooLarge, "PayloadTooLarge"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			response, body := ask(t, &handler.Handler{Verifier: test.verifier}, test.request)
			require.Equal(t, test.status, response.StatusCode)
			require.Equal(t, "application/problem+json", response.Header.Get("Content-Type"))
			var problem struct {
				Code      string `json:"code"`
				RequestID string `json:"request_id"`
			}
			require.NoError(t, json.Unmarshal([]byte(body), &problem))
			require.Equal(t, test.code, problem.Code)
			require.NotEmpty(t, problem.RequestID)
		})
	}
}

type brokenBody struct{}

func (brokenBody) Read([]byte) (int, error) { return 0, errors.New("the connection broke") }

func TestGatewayRequestThatBreaksOff(t *testing.T) {
	t.Parallel()
	response, _ := ask(t, &handler.Handler{}, post(brokenBody{}))
	require.Equal(t, http.StatusBadRequest, response.StatusCode)
}
