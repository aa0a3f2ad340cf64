package provision_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"

	"sendgrid-sso-integration/internal/problem"
	"sendgrid-sso-integration/internal/protocol"

	"github.com/stretchr/testify/require"
)

// secretError is a key source's error that knows whether trying again can help.
type secretError struct{ permanent bool }

func (e secretError) Error() string   { return "marker: the secret is of no use" }
func (e secretError) Permanent() bool { return e.permanent }

func TestEnsureReportsThatItHasNoKey(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name      string
		err       error
		permanent bool
	}{
		{name: "any error", err: errors.New("marker: no answer")},
		{name: "an error that passes", err: secretError{}},
		{name: "an error that stays", err: secretError{permanent: true}, permanent: true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t)
				good := w.keys.key
				check := func() {
					e := w.fails(problem.SecretUnavailable, oktaRequest())
					require.Equal(t, !tt.permanent, e.Retryable())
					require.Equal(t, e.Retryable(), e.RetryAfter > 0)
					require.NotContains(t, e.Public(), "marker")
					require.ErrorIs(t, e, tt.err)
					entry, _ := w.ledger.state()
					require.Zero(t, entry.Lease)
				}
				bad := func(context.Context) (string, string, error) { return "", "", tt.err }
				w.keys.key = bad
				check()
				w.calls(0, 0, 0)

				w.keys.key = func(context.Context) (string, string, error) {
					w.keys.key = bad
					return testKey, "v1", nil
				}
				check()
				w.calls(1, 0, 0)

				w.keys.key = good
				w.released()
			})
		})
	}
}

func TestEnsureReportsAKeyThatCameTooLate(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		good := w.keys.key
		w.keys.key = func(ctx context.Context) (string, string, error) {
			<-ctx.Done()
			return "", "", ctx.Err()
		}
		w.fails(problem.DeadlineExceeded, oktaRequest())
		w.calls(0, 0, 0)
		w.keys.key = good
		w.released()
	})
}

func TestEnsureRenewsARejectedKeyOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.sendGrid.SetKeys("SG.new")
		w.keys.renew = func(context.Context, string) (string, string, error) {
			w.keys.key = func(context.Context) (string, string, error) { return "SG.new", "v2", nil }
			return "SG.new", "v2", nil
		}
		require.False(t, w.succeeds(protocol.OutcomeCreated, oktaRequest()).Adopted)
		w.calls(2, 1, 0)
	})
}

func TestEnsureReportsARejectedKeyThatCannotBeRenewed(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.sendGrid.SetKeys("SG.new")
		w.keys.renew = func(context.Context, string) (string, string, error) { return "", "", secretError{} }
		w.fails(problem.SecretUnavailable, oktaRequest())
		w.calls(1, 0, 0)
		w.sendGrid.SetKeys(testKey)
		w.released()
	})
}
