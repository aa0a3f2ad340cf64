package provision_test

import (
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"sendgrid-sso-integration/internal/protocol"
	"sendgrid-sso-integration/internal/provision"
	"sendgrid-sso-integration/internal/request"
	"sendgrid-sso-integration/sendgrid"
	"sendgrid-sso-integration/sendgrid/sendgridtest"
)

// A request that may not update, sent five times a second, keeps no update waiting, whether the
// integration was created by this function or by hand.
func TestEnsureIsNotKeptWaitingByRequestsThatOnlyRead(t *testing.T) {
	t.Parallel()
	for name, make := range map[string]func(*world){
		"created by a request": func(w *world) { w.created(oktaRequest()) },
		"created by hand":      func(w *world) { w.sendGrid.Add(asSent(oktaRequest())) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t)
				make(w)
				w.pass(time.Hour)
				w.sendGrid.Script(sendgridtest.Fault{Op: sendgrid.OpListIntegrations, Times: -1, Delay: time.Second})
				plain := oktaRequest()
				plain.Name = "Another"
				w.ensure(plain) // The first one may find out that the integration exists.

				var stopped atomic.Bool
				var callers sync.WaitGroup
				callers.Go(func() {
					for !stopped.Load() {
						callers.Go(func() { _, _ = w.another().Ensure(t.Context(), plain, provision.Delivery{}) })
						w.pass(200 * time.Millisecond)
					}
				})
				for n := range 20 {
					w.pass(700 * time.Millisecond)
					update := updating(func(r *request.Resolved) { r.Enabled = n%2 == 0 })
					result, err := w.ensureWithin(10*time.Second, update)
					require.NoError(t, err, "update %d", n)
					require.Contains(t, []protocol.Outcome{protocol.OutcomeUpdated, protocol.OutcomeUnchanged}, result.Outcome)
					require.Equal(t, update.Enabled, w.sendGrid.Integrations()[0].Enabled)
				}
				stopped.Store(true)
				callers.Wait()
			})
		})
	}
}
