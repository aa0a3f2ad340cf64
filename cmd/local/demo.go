package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"sendgrid-sso-integration/internal/provision"
	"sendgrid-sso-integration/sendgrid"
	"sendgrid-sso-integration/sendgrid/sendgridtest"
)

const (
	demoIDP  = "https://idp.example/metadata"
	demoTwin = "https://twin.example/metadata"
	demoLost = "https://lost.example/metadata"
	demoName = "Our identity provider"
	person   = "ada@example.com"
	copies   = 5
)

// demo shows what the function does, with the function's own code and a simulated SendGrid.
// Every line that it prints has just happened and is checked.
func demo(ctx context.Context, args []string, out, logs io.Writer) error {
	flags := flag.NewFlagSet("demo", flag.ContinueOnError)
	flags.SetOutput(logs)
	verbose := flags.Bool("v", false, "show the function's log")
	if err := flags.Parse(args); err != nil {
		return err
	}
	began := time.Now()
	s, err := newChecklist(ctx, out, slog.New(logTo(logs, *verbose)))
	if err != nil {
		return err
	}
	if err := s.run(ctx); err != nil {
		return err
	}
	fmt.Fprintf(out, "\n%d of %d checks passed in %.1f s. The function's code is the real one; SendGrid, its login and the ledger are simulated.\n",
		s.checks-s.failed, s.checks, time.Since(began).Seconds())
	return s.err()
}

// emptySimulator returns a SendGrid without integrations. Somebody administers it by SSO, as a status expects.
func emptySimulator() (*sendgridtest.Server, error) {
	sg := sendgridtest.New()
	sg.SetKeys(apiKey)
	sg.AddTeammate(sendgrid.Teammate{Email: "admin@example.com", FirstName: "Ann", LastName: "Admin", IsAdmin: true, IsSSO: new(true)})
	return sg, nil
}

func (s *checklist) run(ctx context.Context) error {
	providers, err := newIDPs(demoIDP, demoIDP, demoIDP)
	if err != nil {
		return err
	}
	before, after, stranger := providers[0], providers[1], providers[2]
	integration, err := s.connect(ctx, before)
	if err != nil {
		return err
	}
	s.section("A person logs in")
	s.checkLogIn(before, integration, "the identity provider's key")
	for _, next := range []func() error{
		func() error { return s.repeatEvent(ctx, idp{before.IDP, demoTwin}) },
		func() error { return s.loseResponse(ctx, idp{before.IDP, demoLost}) },
		func() error { return s.rotate(ctx, before, after, integration) },
		func() error { return s.edit(ctx, after, integration) },
	} {
		if err := next(); err != nil {
			return err
		}
	}
	s.section("A stranger signs with a key of their own")
	s.checkRefusal(stranger, integration, "the stranger's key")
	return nil
}

// newIDPs returns an identity provider for each entity id. Making keys takes most of the
// demo's time, so they are made at once.
func newIDPs(entityIDs ...string) ([]idp, error) {
	providers, errs := make([]idp, len(entityIDs)), make([]error, len(entityIDs))
	var running sync.WaitGroup
	for i, entityID := range entityIDs {
		running.Go(func() { providers[i], errs[i] = newIDP(entityID) })
	}
	running.Wait()
	for _, err := range errs {
		if err != nil {
			return nil, err
		}
	}
	return providers, nil
}

// connect names the SAML metadata of an identity provider, and returns the integration.
func (s *checklist) connect(ctx context.Context, provider idp) (sendgrid.Integration, error) {
	s.section("An event names the SAML metadata of an identity provider")
	if err := s.metadata.publish(provider); err != nil {
		return sendgrid.Integration{}, err
	}
	payload, err := provider.declaration("first", demoName, "")
	if err != nil {
		return sendgrid.Integration{}, err
	}
	r := s.send(ctx, payload)
	s.check(r.verdict == "created", "the function returns: %s, after %d ms", r.verdict, r.took.Milliseconds())
	all := s.integrationsOf(demoIDP)
	if len(all) != 1 {
		return sendgrid.Integration{}, fmt.Errorf("SendGrid has %d integrations for %s; the function returned %s: %w", len(all), demoIDP, r.verdict, r.err)
	}
	i := all[0]
	s.check(r.Integration.ID == i.ID, "SendGrid has the integration %s", i.ID)
	s.check(s.trusts(i, provider), "with the certificate from the metadata, and it is enabled")
	s.check(i.SigninURL == "https://idp.example/sso", "and with the sign-in URL from the metadata, %s", i.SigninURL)
	return i, nil
}

// repeatEvent sends an event several times at once.
func (s *checklist) repeatEvent(ctx context.Context, provider idp) error {
	s.section(fmt.Sprintf("Another event arrives %d times at once, as queues do", copies))
	payload, err := provider.event("repeated", "Delivered five times")
	if err != nil {
		return err
	}
	before, verdicts := s.posts(), make([]string, copies)
	var running sync.WaitGroup
	for i := range verdicts {
		running.Go(func() { verdicts[i] = s.send(ctx, payload).verdict })
	}
	running.Wait()
	count := map[string]int{}
	for _, v := range verdicts {
		count[v]++
	}
	var parts []string
	for _, verdict := range slices.Sorted(maps.Keys(count)) {
		parts = append(parts, fmt.Sprintf("%d × %s", count[verdict], verdict))
	}
	s.check(count["created"] == 1 && count["unchanged"] == copies-1, "the function returns: %s", strings.Join(parts, ", "))
	s.check(s.posts()-before == 1, "creates sent to SendGrid: %d", s.posts()-before)
	s.check(len(s.integrationsOf(demoTwin)) == 1, "integrations that SendGrid has for it: %d", len(s.integrationsOf(demoTwin)))
	return nil
}

// loseResponse has the connection break after SendGrid has created an integration.
func (s *checklist) loseResponse(ctx context.Context, provider idp) error {
	s.section("SendGrid creates an integration, and the connection breaks before its response")
	payload, err := provider.event("lost", "Response lost")
	if err != nil {
		return err
	}
	before := s.posts()
	s.sendGrid.Script(sendgridtest.Fault{Op: sendgrid.OpCreateIntegration, Commit: true, Drop: true})
	r := s.send(ctx, payload)
	s.check(s.withoutResponse() == 1, "responses that never arrived: %d", s.withoutResponse())
	s.check(r.verdict == "created", "the function finds the integration by reading, and returns: %s", r.verdict)
	s.check(s.posts()-before == 1, "creates sent to SendGrid: %d", s.posts()-before)
	again := s.send(ctx, payload)
	s.check(again.verdict == "unchanged", "the same event again: %s", again.verdict)
	s.check(len(s.integrationsOf(demoLost)) == 1, "integrations that SendGrid has for it: %d", len(s.integrationsOf(demoLost)))
	return nil
}

// withoutResponse returns how many creates got no response.
func (s *checklist) withoutResponse() int {
	count := 0
	for _, r := range s.sendGrid.Requests() {
		if r.Op == sendgrid.OpCreateIntegration && r.Status == 0 {
			count++
		}
	}
	return count
}

// rotate has an identity provider rotate its certificate: it publishes the next one, and then signs with it.
func (s *checklist) rotate(ctx context.Context, before, after idp, i sendgrid.Integration) error {
	s.section("The identity provider rolls its certificate, and nobody sends anything")
	if err := s.metadata.publish(before, after); err != nil {
		return err
	}
	s.checkRefusal(after, i, "the next key")
	if _, err := s.audit(ctx, demoIDP); err != nil {
		return err
	}
	s.check(s.trusts(i, before, after), "the daily audit reads the SAML metadata again, and SendGrid has both certificates")
	s.checkLogIn(before, i, "the old key")
	s.checkLogIn(after, i, "the next key")
	return s.metadata.publish(after)
}

// edit has somebody change the integration of a provider by hand.
func (s *checklist) edit(ctx context.Context, provider idp, i sendgrid.Integration) error {
	s.section("Somebody disables the integration in SendGrid by hand")
	s.sendGrid.Edit(i.ID, func(i *sendgrid.Integration) { i.Enabled = false })
	s.checkRefusal(provider, i, "the next key")
	found, err := s.audit(ctx, demoIDP)
	if err != nil {
		return err
	}
	s.check(found.Has(provision.Drifted), "the daily audit notices it: %s", changesIn(found))
	for _, try := range []struct{ ifExists, outcome, remark string }{
		{"", "unchanged", "the same request again undoes nobody's edit"},
		{"restore", "updated", `with if_exists "restore" it does`},
	} {
		payload, err := provider.declaration("again "+try.ifExists, demoName, try.ifExists)
		if err != nil {
			return err
		}
		verdict := s.send(ctx, payload).verdict
		s.check(verdict == try.outcome, "%s: %s", try.remark, verdict)
	}
	s.checkLogIn(provider, i, "the next key")
	if found, err = s.audit(ctx, demoIDP); err != nil {
		return err
	}
	s.check(!found.Has(provision.Drifted), "the next audit finds no edit")
	return nil
}

// trusts reports whether an integration has exactly the certificates of these providers, all
// enabled.
func (s *checklist) trusts(i sendgrid.Integration, providers ...idp) bool {
	var want, got []string
	for _, p := range providers {
		want = append(want, p.PEM())
	}
	for _, c := range s.sendGrid.Certificates(i.ID) {
		if !c.Enabled {
			return false
		}
		got = append(got, c.PublicCertificate)
	}
	slices.Sort(want)
	slices.Sort(got)
	return slices.Equal(want, got)
}
