package main

import (
	"encoding/json"
	"io"
	"net/http"
	"strings"

	"github.com/aws/aws-lambda-go/events"

	"sendgrid-sso-integration/handler"
	"sendgrid-sso-integration/internal/request"
)

// The paths of the HTTP API, as in the template.
const (
	integrationsPath      = "/sso/integrations"
	teammatesPath         = "/sso/teammates"
	webhooksPath          = "/webhooks/sso/integrations"
	teammatesWebhooksPath = "/webhooks/sso/teammates"
	statusPath            = "/sso/status"
)

// gateway simulates API Gateway: it converts an HTTP request to an event, and what the
// function returns to an HTTP response. The journal records the invocations.
func gateway(h *handler.Handler, j *journal) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := readBody(r)
		if err != nil {
			http.Error(w, "the request could not be read", http.StatusBadRequest)
			return
		}
		payload, err := httpEvent(r, r.URL.Path, body)
		if err != nil {
			http.Error(w, "the event could not be encoded", http.StatusInternalServerError)
			return
		}
		a := invoke(r.Context(), h, payload)
		j.record(a)
		if a.http == nil {
			http.Error(w, "the function failed", http.StatusBadGateway)
			return
		}
		for name, value := range a.http.Headers {
			w.Header().Set(name, value)
		}
		w.WriteHeader(a.http.StatusCode)
		_, _ = io.WriteString(w, a.http.Body+"\n") // The client may be gone; nothing can be done about that.
	})
}

// readBody returns the body of a request up to one byte more than is allowed, which is enough
// for the function to refuse it.
func readBody(r *http.Request) ([]byte, error) {
	return io.ReadAll(io.LimitReader(r.Body, request.MaxRequestBytes+1))
}

// httpEvent returns the event that an HTTP API makes of a request.
func httpEvent(r *http.Request, path string, body []byte) ([]byte, error) {
	event := events.APIGatewayV2HTTPRequest{
		Version: "2.0", RawPath: path, RawQueryString: r.URL.RawQuery, Body: string(body),
		Headers: map[string]string{},
	}
	event.RequestContext.HTTP.Method, event.RequestContext.HTTP.Path = r.Method, path
	for name, values := range r.Header {
		event.Headers[strings.ToLower(name)] = strings.Join(values, ",")
	}
	return json.Marshal(event)
}
