package provision_test

import (
	"context"
	"net"
	"testing"
	"testing/synctest"

	"sendgrid-sso-integration/internal/problem"
	"sendgrid-sso-integration/internal/protocol"

	"github.com/stretchr/testify/require"

	"sendgrid-sso-integration/sendgrid"
	"sendgrid-sso-integration/sendgrid/sendgridtest"
)

// unreachable are ways in which no connection is obtained.
func unreachable() map[string]func(*sendgridtest.Network, int) {
	return map[string]func(*sendgridtest.Network, int){
		"refused": func(n *sendgridtest.Network, times int) { n.FailDials(times, nil) },
		"unknown host": func(n *sendgridtest.Network, times int) {
			n.FailDials(times, &net.DNSError{Err: "no such host", Name: "api.sendgrid.com", IsNotFound: true})
		},
		"untrusted certificate": func(n *sendgridtest.Network, times int) { n.FailHandshakes(times) },
	}
}

// afterList lets something happen between the list and the create, which then needs a
// connection of its own.
func (w *world) afterList(happen func()) {
	w.sendGrid.Script(sendgridtest.Fault{Op: sendgrid.OpListIntegrations, Header: map[string]string{"Connection": "close"}})
	w.client.OnCall = func(_ context.Context, call sendgrid.Call) {
		if call.Op == sendgrid.OpListIntegrations && call.Status == 200 {
			w.client.OnCall = nil
			happen()
		}
	}
}

func TestEnsureConnectsAgain(t *testing.T) {
	t.Parallel()
	for name, fail := range unreachable() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t)
				fail(w.network, 2)
				w.afterList(func() { fail(w.network, 2) })
				require.False(t, w.succeeds(protocol.OutcomeCreated, oktaRequest()).Adopted)
				require.Equal(t, 6, w.network.Dials(), "two failures and a success each for the list and the create")
				w.calls(1, 1, 0)
			})
		})
	}
}

func TestEnsureReportsThatSendGridCannotBeReached(t *testing.T) {
	t.Parallel()
	for name, fail := range unreachable() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t)
				fail(w.network, 4)
				e := w.fails(problem.SendGridUnavailable, oktaRequest())
				require.Positive(t, e.RetryAfter)
				require.Equal(t, 4, w.network.Dials())
				w.calls(0, 0, 0)
				w.released()
			})
		})
	}
}

// Without a connection nothing was sent, so nothing is unknown.
func TestEnsureReportsThatItCannotCreate(t *testing.T) {
	t.Parallel()
	for name, fail := range unreachable() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t)
				w.afterList(func() { fail(w.network, 4) })
				e := w.fails(problem.SendGridUnavailable, oktaRequest())
				require.Positive(t, e.RetryAfter)
				require.Equal(t, 5, w.network.Dials())
				w.calls(1, 0, 0)
				w.released()
			})
		})
	}
}
