package main

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-lambda-go/lambdacontext"

	"sendgrid-sso-integration/handler"
	"sendgrid-sso-integration/internal/provision"
)

const (
	integrationsPath = "/sso/integrations"
	exampleRequest   = `{"name":"Okta","enabled":true,"signin_url":"https://example.okta.com/app/sendgrid/exkcurl/sso/saml","signout_url":"","entity_id":"http://www.okta.com/exkcurl","metadata":{"ticket":"OPS-1"}}`
)

// serve serves the HTTP API on localhost, with a bearer secret made for this run.
func serve(ctx context.Context, args []string, out, logs io.Writer) error {
	flags := flag.NewFlagSet("serve", flag.ContinueOnError)
	flags.SetOutput(logs)
	port := flags.Int("port", 8089, "the port to listen on")
	if err := flags.Parse(args); err != nil {
		return err
	}
	secret := rand.Text()
	h, _, err := simulated(ctx, fmt.Sprintf(`{"bearer": %q}`, secret), slog.New(slog.NewTextHandler(logs, nil)))
	if err != nil {
		return err
	}
	return listenUntil(ctx, net.JoinHostPort("127.0.0.1", strconv.Itoa(*port)), gateway(h), func(address string) {
		fmt.Fprintf(out, "The HTTP API is at http://%s%s, with a simulated SendGrid behind it. Try:\n\n"+
			"curl -i -X POST http://%s%s \\\n  -H 'Authorization: Bearer %s' \\\n  -H 'Content-Type: application/json' \\\n  -d '%s'\n\n"+
			"Ctrl-C ends it.\n", address, integrationsPath, address, integrationsPath, secret, exampleRequest)
	})
}

// listenUntil serves h at address until ctx ends. It calls ready once it listens.
func listenUntil(ctx context.Context, address string, h http.Handler, ready func(address string)) error {
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", address)
	if err != nil {
		return fmt.Errorf("%w (another port: PORT=8090)", err)
	}
	server := &http.Server{Handler: h, ReadHeaderTimeout: 5 * time.Second}
	context.AfterFunc(ctx, func() { _ = server.Close() })
	ready(listener.Addr().String())
	if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}

// gateway does what API Gateway does: it converts an HTTP request to an event, and what the
// function returns to an HTTP answer.
func gateway(h *handler.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		// One byte more than is allowed is enough for the function to refuse it.
		body, err := io.ReadAll(io.LimitReader(r.Body, provision.MaxRequestBytes+1))
		if err != nil {
			http.Error(w, "the request could not be read", http.StatusBadRequest)
			return
		}
		event := events.APIGatewayV2HTTPRequest{
			Version: "2.0", RawPath: r.URL.Path, RawQueryString: r.URL.RawQuery, Body: string(body),
			Headers: map[string]string{},
		}
		event.RequestContext.HTTP.Method, event.RequestContext.HTTP.Path = r.Method, r.URL.Path
		for name, values := range r.Header {
			event.Headers[strings.ToLower(name)] = strings.Join(values, ",")
		}
		payload, err := json.Marshal(event)
		if err != nil {
			http.Error(w, "the event could not be encoded", http.StatusInternalServerError)
			return
		}
		ctx, cancel := context.WithTimeout(r.Context(), invocationTime)
		defer cancel()
		ctx = lambdacontext.NewContext(ctx, &lambdacontext.LambdaContext{AwsRequestID: rand.Text()})

		answer, err := h.Invoke(ctx, payload)
		var response events.APIGatewayV2HTTPResponse
		if err == nil {
			err = json.Unmarshal(answer, &response)
		}
		if err != nil {
			http.Error(w, "the function failed", http.StatusBadGateway)
			return
		}
		for name, value := range response.Headers {
			w.Header().Set(name, value)
		}
		w.WriteHeader(response.StatusCode)
		_, _ = io.WriteString(w, response.Body+"\n") // The client may be gone; nothing can be done about that.
	})
}
