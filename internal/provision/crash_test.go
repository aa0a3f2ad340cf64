package provision_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"sendgrid-sso-integration/internal/problem"
	"sendgrid-sso-integration/internal/protocol"

	"github.com/stretchr/testify/require"

	"sendgrid-sso-integration/internal/provision"
	"sendgrid-sso-integration/sendgrid"
)

const death = "the process dies here"

// dies makes a request in a process that dies in one of its calls to SendGrid.
func (w *world) dies(within provision.SendGrid) {
	w.t.Helper()
	p := w.another()
	p.SendGrid = within
	require.PanicsWithValue(w.t, death, func() {
		ctx, cancel := context.WithTimeout(context.Background(), invocation)
		defer cancel()
		_, _ = p.Ensure(ctx, oktaRequest(), provision.Delivery{})
	})
}

// dead requires that the entry is as the dead process left it, that nobody acts before its
// lease has ended, and returns shortly before that.
func (w *world) dead(state protocol.State) {
	w.t.Helper()
	left, _ := w.ledger.state()
	require.Equal(w.t, state, left.State)
	require.Equal(w.t, lease, time.Until(left.Lease))
	creates := w.sendGrid.Count(sendgrid.OpCreateIntegration)
	for range 2 {
		w.fails(problem.InProgress, oktaRequest())
	}
	require.Equal(w.t, creates, w.sendGrid.Count(sendgrid.OpCreateIntegration))
	w.pass(time.Until(left.Lease) - 5*time.Second) // Who has the time waits for the rest.
}

func TestEnsureAfterAProcessThatDiedLooking(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.dies(&fakeSendGrid{list: func(context.Context) ([]sendgrid.Integration, error) { panic(death) }})
		w.dead(protocol.Free)
		w.created(oktaRequest())
		w.creates(1, 1)
	})
}

func TestEnsureAfterAProcessThatDiedBeforeItsCreate(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.dies(&fakeSendGrid{
			list:   w.client.ListIntegrations,
			create: func(context.Context, sendgrid.IntegrationRequest) (*sendgrid.Integration, error) { panic(death) },
		})
		w.dead(protocol.Creating)
		w.fails(problem.OutcomeUnknown, oktaRequest())
		w.pass(provision.DefaultSettling)
		w.created(oktaRequest())
		w.creates(1, 1)
	})
}

func TestEnsureAfterAProcessThatDiedAfterItsCreate(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.dies(&fakeSendGrid{
			list: w.client.ListIntegrations,
			create: func(ctx context.Context, in sendgrid.IntegrationRequest) (*sendgrid.Integration, error) {
				_, err := w.client.CreateIntegration(ctx, in)
				require.NoError(t, err)
				panic(death)
			},
		})
		w.dead(protocol.Creating)
		require.Equal(t, w.sendGrid.Integrations()[0].ID, w.created(oktaRequest()).ID)
		w.creates(1, 1)
		entry, _ := w.ledger.state()
		require.Equal(t, protocol.Completed, entry.State)
		require.Zero(t, entry.Lease)
	})
}

// A process may die at every write of its own, too; the write may have been done or not.
func TestEnsureAfterAProcessThatDiedWriting(t *testing.T) {
	t.Parallel()
	for _, step := range []string{stepTake, stepCreating, stepCompleted} {
		t.Run(step, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t)
				w.ledger.meet = func(_ context.Context, at string) error {
					if at == step {
						panic(death)
					}
					return nil
				}
				w.dies(w.client)
				w.ledger.failAt("", nil)
				w.pass(lease)
				if _, err := w.ensure(oktaRequest()); err != nil {
					requireCode(t, problem.OutcomeUnknown, err)
					w.pass(provision.DefaultSettling)
					_, err = w.ensure(oktaRequest())
					require.NoError(t, err)
				}
				w.creates(1, 1)
			})
		})
	}
}
