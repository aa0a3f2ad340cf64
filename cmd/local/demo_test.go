package main

import (
	"context"
	"log/slog"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"sendgrid-sso-integration/internal/audit"
	"sendgrid-sso-integration/internal/problem"
	"sendgrid-sso-integration/internal/provision"
	"sendgrid-sso-integration/internal/request"
	"sendgrid-sso-integration/sendgrid"
	"sendgrid-sso-integration/sendgrid/sendgridtest"
)

func TestDemo(t *testing.T) {
	t.Parallel()
	var out, logs output
	require.NoError(t, run(t.Context(), []string{"demo"}, noEnvironment, noInput{}, &out, &logs))
	printed := out.String()
	require.LessOrEqual(t, strings.Count(printed, "\n"), 45, "it fits on a screen")
	for _, text := range []string{
		"the function returns: 1 × created, 4 × unchanged", "responses that never arrived: 1",
		"SendGrid logs in " + person + ", signed with the old key", "SendGrid logs in " + person + ", signed with the next key",
		"the daily audit notices it: enabled was true and is false", `with if_exists "restore" it does: updated`, "the next audit finds no edit",
		"SendGrid refuses " + person + ", signed with the stranger's key: Could not verify certificate against trusted certs",
	} {
		require.Contains(t, printed, "✓ "+text)
	}
	require.NotContains(t, printed, "✗")
	require.Contains(t, printed, " checks passed in ")
	require.Empty(t, logs.String())
	require.NotContains(t, printed, apiKey)
}

// newTestChecklist returns a checklist whose SendGrid and provisioner a test can change.
func newTestChecklist(t *testing.T, out *output) *checklist {
	t.Helper()
	s, err := newChecklist(t.Context(), out, slog.New(slog.DiscardHandler))
	require.NoError(t, err)
	return s
}

// A check that fails is marked, and the demo returns an error.
func TestDemoIsHonest(t *testing.T) {
	t.Parallel()
	refuse := ensure(func(context.Context, request.Resolved) (*provision.Result, error) {
		return nil, &problem.Error{Code: problem.SendGridUnavailable, Message: "No."}
	})
	for name, tt := range map[string]struct {
		change func(*checklist)
		marked string
		err    string
	}{
		"nothing is created": {
			func(s *checklist) { s.handler.Provisioner = refuse },
			"✗ the function returns: SendGridUnavailable", "SendGrid has 0 integrations for " + demoIDP,
		},
		"a key that SendGrid does not know": {
			func(s *checklist) { s.sendGrid.SetKeys("SG.another") },
			"✗ the function returns: SendGridUnauthorized", "SendGrid has 0 integrations for " + demoIDP,
		},
		"certificates are lost": {
			func(s *checklist) {
				s.sendGrid.Script(sendgridtest.Fault{Op: sendgrid.OpCreateCertificate, Times: -1, Status: 403, Body: "[]"})
			},
			"✗ with the certificate from the metadata", "checks failed",
		},
		"nothing is renewed": {
			func(s *checklist) { s.handler.Auditor.(*audit.Auditor).Renews = false },
			"✗ the daily audit reads the SAML metadata again", "checks failed",
		},
		"an update is refused": {
			func(s *checklist) {
				s.sendGrid.Script(sendgridtest.Fault{Op: sendgrid.OpUpdateIntegration, Times: -1, Status: 403, Body: "[]"})
			},
			`✗ with if_exists "restore" it does: SendGridForbidden`, "checks failed",
		},
		"one create is refused": {
			func(s *checklist) {
				s.sendGrid.Script(sendgridtest.Fault{Op: sendgrid.OpCreateIntegration, Skip: 1, Status: 403, Body: "[]"})
			},
			"✗ the function returns: ", "checks failed",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var out output
			s := newTestChecklist(t, &out)
			tt.change(s)
			err := s.run(t.Context())
			if err == nil {
				err = s.err()
			}
			require.ErrorContains(t, err, tt.err)
			require.Contains(t, out.String(), tt.marked)
		})
	}
}

// Both sides of a login are checked: a refusal where it has to succeed, and the reverse.
func TestDemoChecksLogIns(t *testing.T) {
	t.Parallel()
	var out output
	s := newTestChecklist(t, &out)
	providers, err := newIDPs(demoIDP, demoIDP)
	require.NoError(t, err)
	trusted, stranger := providers[0], providers[1]
	i := s.sendGrid.Add(sendgrid.IntegrationRequest{Name: "x", Enabled: true, EntityID: demoIDP})
	s.sendGrid.AddCertificate(sendgrid.CertificateRequest{PublicCertificate: trusted.PEM(), IntegrationID: i.ID, Enabled: true})

	s.checkRefusal(trusted, i, "a trusted key")
	s.checkLogIn(stranger, i, "a stranger's key")
	require.EqualError(t, s.err(), "2 of 2 checks failed")
	require.Contains(t, out.String(), "✗ "+person+`, signed with a trusted key: logged in as "ada@example.com"`)
	require.Contains(t, out.String(), "✗ "+person+", signed with a stranger's key: cannot validate signature")
	require.False(t, s.trusts(i, trusted, stranger))
	require.True(t, s.trusts(i, trusted))
}
