package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"time"

	"sendgrid-sso-integration/internal/secret/secrettest"
)

// The secrets as events/local.env.json names them.
const (
	apiKeySecretID  = "sendgrid-sso/api-key"
	webhookSecretID = "sendgrid-sso/webhook"
)

// simulate serves SendGrid and Secrets Manager on one port. A container started by
// "sam local" comes by the machine's outer address, so it listens on all of them.
func simulate(ctx context.Context, args []string, out, logs io.Writer) error {
	flags := flag.NewFlagSet("simulator", flag.ContinueOnError)
	flags.SetOutput(logs)
	port := flags.Int("port", 8089, "the port to listen on, on all addresses")
	if err := flags.Parse(args); err != nil {
		return err
	}
	sg, err := newSimulator()
	if err != nil {
		return err
	}
	webhookSecret, err := sampleSecret()
	if err != nil {
		return err
	}
	secrets := secrettest.New()
	secrets.Put(apiKeySecretID, fmt.Sprintf(`{"api_key": %q}`, apiKey))
	secrets.Put(webhookSecretID, webhookSecret)

	return listenUntil(ctx, net.JoinHostPort("", strconv.Itoa(*port)), logged(out, split(sg, secrets)), func(address string) {
		at := address[strings.LastIndex(address, ":"):] // The actual port, also if 0 was given.
		fmt.Fprintf(out, "SendGrid and Secrets Manager are simulated at %s, on all addresses of this machine. In another terminal:\n\n"+
			"  sam build\n"+
			"  sam local invoke SSOIntegrationFunction --event events/direct.json --env-vars events/local.env.json\n\n"+
			"The webhook secret is that of %s. What SendGrid has:\n\n"+
			"  curl -H 'Authorization: Bearer %s' 'http://localhost%s/v3/sso/integrations?si=true'\n\n"+
			"Ctrl-C ends it.\n\n", address, webhookSecretFile, apiKey, at)
	})
}

// split sends AWS's calls, which are all to "/", to the first handler, and all other calls to the second.
func split(sendGrid, secretsManager http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasPrefix(r.Header.Get("X-Amz-Target"), "secretsmanager.") {
			secretsManager.ServeHTTP(w, r)
			return
		}
		sendGrid.ServeHTTP(w, r)
	})
}

// logged prints a line for each request, without headers, which contain credentials.
func logged(out io.Writer, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		recorder := &statusRecorder{ResponseWriter: w, status: http.StatusOK}
		next.ServeHTTP(recorder, r)
		what := r.Method + " " + r.URL.Path
		if target := r.Header.Get("X-Amz-Target"); target != "" {
			what = target
		}
		fmt.Fprintf(out, "%s  %d  %s\n", time.Now().Format(time.TimeOnly), recorder.status, what)
	})
}

// statusRecorder records the status of a response.
type statusRecorder struct {
	http.ResponseWriter
	status int
}

func (s *statusRecorder) WriteHeader(status int) {
	s.status = status
	s.ResponseWriter.WriteHeader(status)
}

// Unwrap lets http.ResponseController find what is underneath.
func (s *statusRecorder) Unwrap() http.ResponseWriter { return s.ResponseWriter }
