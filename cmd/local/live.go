package main

import (
	"bufio"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"strings"

	"sendgrid-sso-integration/handler"
	"sendgrid-sso-integration/internal/invocation"
	"sendgrid-sso-integration/internal/ledger"
	"sendgrid-sso-integration/internal/problem"
	"sendgrid-sso-integration/internal/provision"
	"sendgrid-sso-integration/internal/request"
	"sendgrid-sso-integration/sendgrid"
)

// live calls the real SendGrid. It is used only on request, for events that are named, and
// after a person has seen what is about to be created.
type live struct {
	on, yes    bool
	region     string
	onBehalfOf string
}

// liveFlags are the flags that choose an account. They override the function's own variables.
func liveFlags(flags *flag.FlagSet) *live {
	l := &live{}
	flags.BoolVar(&l.on, "live", false, "call the real SendGrid, with the key in SENDGRID_API_KEY")
	flags.StringVar(&l.region, "region", "", "with -live: global or eu, in place of SENDGRID_REGION and SENDGRID_BASE_URL")
	flags.StringVar(&l.onBehalfOf, "on-behalf-of", "", "with -live: the subuser to act for, in place of SENDGRID_ON_BEHALF_OF")
	return l
}

// client returns the client of the account.
func (l *live) client(getenv func(string) string) (*sendgrid.Client, error) {
	key := strings.TrimSpace(getenv("SENDGRID_API_KEY"))
	_, err := sendgrid.RegionURL(l.region)
	switch {
	case err != nil:
		return nil, fmt.Errorf("-region %w", err)
	case key == "":
		return nil, errors.New("-live needs the API key in SENDGRID_API_KEY")
	}
	return newClient(key, func(name string) string {
		switch {
		case name == "SENDGRID_REGION" && l.region != "":
			return l.region
		case name == "SENDGRID_BASE_URL" && l.region != "":
			return "" // It would override the region.
		case name == "SENDGRID_ON_BEHALF_OF" && l.onBehalfOf != "":
			return l.onBehalfOf
		}
		return getenv(name)
	})
}

func (l *live) run(ctx context.Context, files []string, getenv func(string) string, logger *slog.Logger, in io.Reader, out io.Writer) error {
	client, err := l.client(getenv)
	switch {
	case err != nil:
		return err
	case len(files) == 0:
		return errors.New("-live needs the event's file; it does not send all the samples to your account")
	}
	secret, err := sampleSecret() // HTTP samples are authenticated here too.
	if err != nil {
		return err
	}
	h, err := parts{client: client, metadata: newFetcher(), ledger: &ledger.Memory{}, logger: logger}.handler(secret)
	if err != nil {
		return err
	}
	h.Provisioner = &confirming{next: h.Provisioner, url: client.BaseURL, yes: l.yes, in: bufio.NewReader(in), out: out, interrupted: ctx.Done()}
	r := &runner{handler: h, out: out, bodies: true, expect: func(string) expectation { return expectation{} }}
	return r.handleAll(ctx, files)
}

// confirming prints what is about to be created, and asks a person for confirmation.
type confirming struct {
	next handler.Provisioner
	url  string
	yes  bool
	in   *bufio.Reader
	out  io.Writer
	// interrupted is closed when the person presses Ctrl-C.
	interrupted <-chan struct{}
}

func (c *confirming) Ensure(ctx context.Context, r request.Resolved, d provision.Delivery) (*provision.Result, error) {
	fmt.Fprintf(c.out, "\nAbout to create at %s, %s:\n  name          %s\n  enabled       %t\n  entity_id     %s\n  sign in       %s\n  sign out      %s\n  certificates  %d\n",
		c.url, ifExists(r), r.Name, r.Enabled, r.EntityID, r.SigninURL, r.SignoutURL, len(r.Certificates))
	if !c.yes && c.ask() != "yes" {
		return nil, &problem.Error{Code: problem.Internal, Message: "You did not type yes; nothing was created.", Permanent: true}
	}
	// The person's time must not count against the request.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), invocation.Timeout)
	defer cancel()
	return c.next.Ensure(ctx, r, d)
}

// ifExists describes what happens to an integration that exists already.
func ifExists(r request.Resolved) string {
	if r.IfExists.Updates() {
		return "or to change what differs if it exists already"
	}
	return "unless it exists already"
}

// ask returns what the person types, or nothing if they interrupt.
func (c *confirming) ask() string {
	fmt.Fprint(c.out, "Type yes to go on: ")
	typed := make(chan string, 1)
	go func() { // Reading the terminal cannot be ended; after an interruption the process does.
		line, _ := c.in.ReadString('\n')
		typed <- strings.TrimSpace(line)
	}()
	select {
	case line := <-typed:
		return line
	case <-c.interrupted:
		return ""
	}
}
