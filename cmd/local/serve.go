package main

import (
	"context"
	"crypto/rand"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strconv"
)

const exampleRequest = `{"name":"Okta","enabled":true,"signin_url":"https://example.okta.com/app/sendgrid/exkcurl/sso/saml","signout_url":"","entity_id":"http://www.okta.com/exkcurl","metadata":{"ticket":"OPS-1"}}`

// serve serves the HTTP API on localhost, with a bearer secret made for this run, and a page
// that shows what SendGrid has.
func serve(ctx context.Context, args []string, out, logs io.Writer) error {
	flags := flag.NewFlagSet("serve", flag.ContinueOnError)
	flags.SetOutput(logs)
	port := flags.Int("port", 8089, "the port to listen on")
	verbose := flags.Bool("v", false, "show the function's log")
	if err := flags.Parse(args); err != nil {
		return err
	}
	secret := rand.Text()
	sim, err := simulated(ctx, newSimulator, bundledMetadata{newFetcher()}, fmt.Sprintf(`{"bearer": %q}`, secret), slog.New(logTo(logs, *verbose)))
	if err != nil {
		return err
	}
	forms, err := pageSamples()
	if err != nil {
		return err
	}
	j := &journal{out: out}
	p := &page{simulation: sim, journal: j, secret: secret, samples: forms}

	mux := http.NewServeMux()
	for _, path := range []string{integrationsPath, teammatesPath, webhooksPath, teammatesWebhooksPath} {
		mux.Handle(path, gateway(sim.handler, j))
	}
	mux.Handle(statusPath, gateway(sim.handler, j)) // A webhook secret does not read it; the page shows it.
	p.register(mux)
	mux.HandleFunc("/", notFound)
	return listenUntil(ctx, net.JoinHostPort("127.0.0.1", strconv.Itoa(*port)), onlyLocalHost(mux), func(address string) {
		fmt.Fprintf(out, "What SendGrid has, and a form to send requests: http://%s/\n\n"+
			"The HTTP API is at http://%s%s, with a simulated SendGrid behind it; teammates go to http://%s%s. Try:\n\n"+
			"curl -i -X POST http://%s%s \\\n  -H 'Authorization: Bearer %s' \\\n  -H 'Content-Type: application/json' \\\n  -d '%s'\n\n"+
			"Ctrl-C ends it.\n\n", address, address, integrationsPath, address, teammatesPath, address, integrationsPath, secret, exampleRequest)
	})
}

// notFound says what this server has.
func notFound(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "application/problem+json")
	writeJSON(w, http.StatusNotFound, map[string]any{
		"title": http.StatusText(http.StatusNotFound), "status": http.StatusNotFound,
		"detail": fmt.Sprintf("There is nothing at %s %s. This server has POST %s, POST %s, POST %s, POST %s, GET %s, and the page at /.",
			r.Method, r.URL.Path, integrationsPath, teammatesPath, webhooksPath, teammatesWebhooksPath, statusPath),
	})
}

// onlyLocalHost refuses requests for another host, so that no page of another site can read
// this one by a name that it lets resolve to this machine.
func onlyLocalHost(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		host, _, err := net.SplitHostPort(r.Host)
		if err != nil {
			host = r.Host
		}
		if ip := net.ParseIP(host); host != "localhost" && (ip == nil || !ip.IsLoopback()) {
			http.Error(w, "this server is reachable at localhost only", http.StatusMisdirectedRequest)
			return
		}
		next.ServeHTTP(w, r)
	})
}
