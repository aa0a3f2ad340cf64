package provision_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"sendgrid-sso-integration/internal/problem"
	"sendgrid-sso-integration/internal/provision"
	"sendgrid-sso-integration/sendgrid"
	"sendgrid-sso-integration/sendgrid/sendgridtest"
)

// A request that can only wait gives up after its maximum wait. One that waits for an answer to
// its own calls has all its time.
func TestEnsureWaitsForOthersAsLongAsItsMaxWait(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		prepare func(w *world)
		code    problem.Code // empty for a success
	}{
		"another attempt has the entry": {
			func(w *world) {
				w.dies(&fakeSendGrid{list: func(context.Context) ([]sendgrid.Integration, error) { panic(death) }})
			}, problem.InProgress,
		},
		"a create settles": {
			func(w *world) {
				w.lose(false)
				w.fails(problem.OutcomeUnknown, oktaRequest())
				w.pass(provision.DefaultSettling - 10*time.Second)
			}, problem.OutcomeUnknown,
		},
		"the rate limit of the list resets later": {
			func(w *world) { w.sendGrid.Script(limited(sendgrid.OpListIntegrations, 10*time.Second)) }, problem.RateLimited,
		},
		"the rate limit of the create resets later": {
			func(w *world) { w.sendGrid.Script(limited(sendgrid.OpCreateIntegration, 10*time.Second)) }, problem.RateLimited,
		},
		"the rate limit resets soon": {
			func(w *world) { w.sendGrid.Script(limited(sendgrid.OpListIntegrations, 2*time.Second)) }, "",
		},
		"SendGrid is slow": {
			func(w *world) { w.sendGrid.Script(sendgridtest.Fault{Delay: 7 * time.Second, Times: -1}) }, "",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t)
				tt.prepare(w)
				ctx, cancel := context.WithTimeout(context.Background(), invocation)
				defer cancel()
				start := time.Now()
				_, err := w.provisioner.Ensure(ctx, oktaRequest(), provision.Delivery{MaxWait: 5 * time.Second})
				if tt.code == "" {
					require.NoError(t, err)
					return
				}
				requireCode(t, tt.code, err)
				require.LessOrEqual(t, time.Since(start), 5*time.Second)
			})
		})
	}
}
