package provision_test

import (
	"net/http"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/require"

	"sendgrid-sso-integration/internal/provision"
	"sendgrid-sso-integration/sendgrid"
	"sendgrid-sso-integration/sendgrid/simulator"
)

// An answer without the id or the URLs is none: the IdP needs them. Where SendGrid does not
// tell them even when asked again, the caller learns that, and nothing is created twice.
func TestEnsureInsistsOnWhatTheIdPNeeds(t *testing.T) {
	t.Parallel()
	urls := []string{"single_signon_url", "audience_url"}
	for name, tt := range map[string]struct {
		there  bool
		faults []simulator.Fault
		code   provision.Code
	}{
		"found without an id": {true, []simulator.Fault{{Op: sendgrid.OpList, Omit: []string{"id"}}}, provision.SendGridUnavailable},
		"found without URLs": {true, []simulator.Fault{
			{Op: sendgrid.OpList, Omit: urls}, {Op: sendgrid.OpGet, Omit: urls},
		}, provision.SendGridUnavailable},
		"found without URLs, and gone": {true, []simulator.Fault{
			{Op: sendgrid.OpList, Omit: urls}, {Op: sendgrid.OpGet, Status: http.StatusNotFound},
		}, provision.SendGridUnavailable},
		"created without URLs": {false, []simulator.Fault{
			{Op: sendgrid.OpCreate, Omit: urls}, {Op: sendgrid.OpGet, Omit: urls},
		}, provision.OutcomeUnknown},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t)
				if tt.there {
					w.sendGrid.Add(asSent(request()))
				}
				w.sendGrid.Script(tt.faults...)
				e := w.fails(tt.code, request())
				require.True(t, e.Retryable())
				w.unchanged(request())
				require.Len(t, w.sendGrid.Integrations(), 1)
			})
		})
	}
}
