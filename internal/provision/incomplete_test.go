package provision_test

import (
	"net/http"
	"testing"
	"testing/synctest"

	"sendgrid-sso-integration/internal/problem"

	"github.com/stretchr/testify/require"

	"sendgrid-sso-integration/sendgrid"
	"sendgrid-sso-integration/sendgrid/sendgridtest"
)

// An answer without the id or the URLs is none: the IdP needs them. Where SendGrid does not
// tell them even when asked again, the caller learns that, and nothing is created twice.
func TestEnsureInsistsOnWhatTheIdPNeeds(t *testing.T) {
	t.Parallel()
	urls := []string{"single_signon_url", "audience_url"}
	for name, tt := range map[string]struct {
		there  bool
		faults []sendgridtest.Fault
		code   problem.Code
	}{
		"found without an id": {true, []sendgridtest.Fault{{Op: sendgrid.OpListIntegrations, Omit: []string{"id"}}}, problem.SendGridUnavailable},
		"found without URLs": {true, []sendgridtest.Fault{
			{Op: sendgrid.OpListIntegrations, Omit: urls}, {Op: sendgrid.OpGetIntegration, Omit: urls},
		}, problem.SendGridUnavailable},
		"found without URLs, and gone": {true, []sendgridtest.Fault{
			{Op: sendgrid.OpListIntegrations, Omit: urls}, {Op: sendgrid.OpGetIntegration, Status: http.StatusNotFound},
		}, problem.SendGridUnavailable},
		"created without URLs": {false, []sendgridtest.Fault{
			{Op: sendgrid.OpCreateIntegration, Omit: urls}, {Op: sendgrid.OpGetIntegration, Omit: urls},
		}, problem.OutcomeUnknown},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t)
				if tt.there {
					w.sendGrid.Add(asSent(oktaRequest()))
				}
				w.sendGrid.Script(tt.faults...)
				e := w.fails(tt.code, oktaRequest())
				require.True(t, e.Retryable())
				w.unchanged(oktaRequest())
				require.Len(t, w.sendGrid.Integrations(), 1)
			})
		})
	}
}
