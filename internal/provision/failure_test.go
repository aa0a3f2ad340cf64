package provision_test

import (
	"context"
	"errors"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"sendgrid-sso-integration/internal/problem"
	"sendgrid-sso-integration/internal/protocol"
	"sendgrid-sso-integration/internal/request"
	"sendgrid-sso-integration/sendgrid"
	"sendgrid-sso-integration/sendgrid/sendgridtest"
)

// released requires that nobody holds the entry, and that the same request succeeds at
// once when the trouble is over.
func (w *world) released() {
	w.t.Helper()
	entry, steps := w.ledger.state()
	require.Zero(w.t, entry.Lease, "the entry is free after %v", steps)
	require.NotContains(w.t, []protocol.State{protocol.Creating, protocol.Unknown}, entry.State)
	w.sendGrid.ClearFaults()
	start := time.Now()
	w.created(oktaRequest())
	require.Zero(w.t, time.Since(start), "nothing to wait for")
	require.Len(w.t, w.sendGrid.Integrations(), 1)
}

func TestEnsureRepeatsAReadThatFails(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name  string
		fault sendgridtest.Fault
	}{
		{name: "500", fault: sendgridtest.Fault{Status: 500}},
		{name: "502 with HTML", fault: sendgridtest.Fault{Status: 502, Body: "<html>Bad Gateway</html>"}},
		{name: "503", fault: sendgridtest.Fault{Status: 503}},
		{name: "504", fault: sendgridtest.Fault{Status: 504}},
		{name: "dropped", fault: sendgridtest.Fault{Drop: true}},
		{name: "truncated", fault: sendgridtest.Fault{Truncate: true}},
		{name: "200 with HTML", fault: sendgridtest.Fault{Status: 200, Body: "<html>maintenance</html>"}},
		{name: "hanging", fault: sendgridtest.Fault{Delay: forever}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t)
				tt.fault.Op = sendgrid.OpListIntegrations
				w.sendGrid.Script(tt.fault)
				w.created(oktaRequest())
				// The transport itself may repeat a read on a connection that was used before.
				require.Equal(t, 2, w.sendGrid.Count(sendgrid.OpListIntegrations))
				w.creates(1, 1)
			})
		})
	}
}

func TestEnsureGivesUpReading(t *testing.T) {
	t.Parallel()
	tests := []struct {
		status, tries int
		code          problem.Code
		message       string
	}{
		{status: 400, tries: 1, code: problem.SendGridUnavailable, message: "status 400"},
		{status: 401, tries: 1, code: problem.SendGridUnauthorized, message: "API key"},
		{status: 403, tries: 1, code: problem.SendGridForbidden, message: "sso.settings.read"},
		{status: 404, tries: 1, code: problem.SendGridUnavailable, message: "SENDGRID_REGION"},
		{status: 500, tries: 4, code: problem.SendGridUnavailable, message: "status 500"},
		{status: 503, tries: 4, code: problem.SendGridUnavailable, message: "status 503"},
	}
	for _, tt := range tests {
		t.Run(tt.message, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t)
				w.sendGrid.Script(sendgridtest.Fault{Op: sendgrid.OpListIntegrations, Status: tt.status, Times: -1, Body: `{"errors":[{"message":"access forbidden (marker)"}]}`})
				e := w.fails(tt.code, oktaRequest())
				require.Contains(t, e.Message, tt.message)
				refused := tt.status == 401 || tt.status == 403 // Then the reason is for the caller, too.
				require.Equal(t, refused, strings.Contains(e.Public(), "marker"))
				require.ErrorContains(t, e, "marker", "the log has what SendGrid said")
				require.Equal(t, tt.code == problem.SendGridUnavailable, e.Retryable())
				require.Equal(t, e.Retryable(), e.RetryAfter > 0)
				w.calls(tt.tries, 0, 0)
				w.released()
			})
		})
	}
}

// What nobody has foreseen is not shown, and not repeated.
func TestEnsureReportsAnUnknownErrorAsInternal(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		unknown := errors.New("marker: whatever this is")
		calls := 0
		w.provisioner.SendGrid = &fakeSendGrid{list: func(context.Context) ([]sendgrid.Integration, error) {
			calls++
			return nil, unknown
		}}
		e := w.fails(problem.Internal, oktaRequest())
		require.ErrorIs(t, e, unknown)
		require.NotContains(t, e.Public(), "marker")
		require.Equal(t, 1, calls)
		w.provisioner.SendGrid = w.client
		w.released()
	})
}

// A documented refusal created nothing, and is final.
func TestEnsureReportsARefusedCreate(t *testing.T) {
	t.Parallel()
	tests := []struct {
		status  int
		code    problem.Code
		message string
	}{
		{status: 400, code: problem.SendGridRejected, message: "rejected"},
		{status: 401, code: problem.SendGridUnauthorized, message: "API key"},
		{status: 402, code: problem.SendGridForbidden, message: "plan"},
		{status: 403, code: problem.SendGridForbidden, message: "refused to create an integration"},
		{status: 409, code: problem.SendGridRejected, message: "because of something that exists"},
	}
	for _, tt := range tests {
		t.Run(strconv.Itoa(tt.status), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t)
				w.sendGrid.Script(sendgridtest.Fault{
					Op: sendgrid.OpCreateIntegration, Status: tt.status,
					Body: `[{"field":"signin_url","message":"is not reachable"},{"field":null,"message":"try another"}]`,
				})
				e := w.fails(tt.code, oktaRequest())
				require.Contains(t, e.Message, tt.message)
				require.False(t, e.Retryable())
				require.Contains(t, e.Message, `"signin_url: is not reachable; try another"`)
				if tt.code == problem.SendGridRejected {
					require.Equal(t, []problem.FieldError{
						{Field: "signin_url", Message: "is not reachable"}, {Message: "try another"},
					}, e.Fields)
				} else {
					require.Empty(t, e.Fields)
				}
				w.calls(1, 1, 0)
				w.released()
			})
		})
	}
}

// So did a documented refusal of an update.
func TestEnsureReportsARefusedUpdate(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.created(oktaRequest())
		w.sendGrid.Script(sendgridtest.Fault{Op: sendgrid.OpUpdateIntegration, Status: 400, Body: `[{"field":"name","message":"is taken"}]`})
		e := w.fails(problem.SendGridRejected, updating(func(r *request.Resolved) { r.Name = "Renamed" }))
		require.Equal(t, []problem.FieldError{{Field: "name", Message: "is taken"}}, e.Fields)
		require.False(t, e.Retryable())
		entry, _ := w.ledger.state()
		require.Equal(t, protocol.Completed, entry.State)
		require.Zero(t, entry.Lease)
	})
}

// Who takes the entry and finds nothing out leaves in it what others remember.
func TestEnsureRemembersThroughAFailure(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.created(oktaRequest())
		before, _ := w.ledger.state()
		other := oktaRequest()
		other.Name = "Another"
		w.sendGrid.Script(sendgridtest.Fault{Op: sendgrid.OpListIntegrations, Status: 403})
		w.fails(problem.SendGridForbidden, other)

		after, _ := w.ledger.state()
		require.Equal(t, protocol.Completed, after.State)
		require.Zero(t, after.Lease)
		require.Equal(t, before.IntegrationID, after.IntegrationID)
		require.Equal(t, before.Fingerprint, after.Fingerprint)
	})
}

// A refusal to create again what was deleted leaves nothing to remember.
func TestEnsureForgetsWhatIsGone(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.createdAndDeleted()
		w.sendGrid.Script(sendgridtest.Fault{Op: sendgrid.OpCreateIntegration, Status: 403})
		w.fails(problem.SendGridForbidden, oktaRequest())
		w.released()
	})
}

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
		{name: "any error", err: errors.New("marker: no response")},
		{name: "an error that passes", err: secretError{}},
		{name: "an error that stays", err: secretError{permanent: true}, permanent: true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t)
				good := w.keys.OnKey
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
				w.keys.OnKey = bad
				check()
				w.calls(0, 0, 0)

				w.keys.OnKey = func(context.Context) (string, string, error) {
					w.keys.OnKey = bad
					return testKey, "v1", nil
				}
				check()
				w.calls(1, 0, 0)

				w.keys.OnKey = good
				w.released()
			})
		})
	}
}

// However long the key takes, the failure is that of the secret, and not of the time.
func TestEnsureReportsAKeyThatCameTooLate(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		good := w.keys.OnKey
		w.keys.OnKey = func(ctx context.Context) (string, string, error) {
			<-ctx.Done()
			return "", "", ctx.Err()
		}
		for _, length := range lengths {
			_, err := w.ensureWithin(length, oktaRequest())
			requireCode(t, problem.SecretUnavailable, err)
		}
		w.calls(0, 0, 0)
		w.keys.OnKey = good
		w.released()
	})
}

func TestEnsureRenewsARejectedKeyOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.sendGrid.SetKeys("SG.new")
		w.keys.OnRenew = func(context.Context, string) (string, string, error) {
			w.keys.OnKey = func(context.Context) (string, string, error) { return "SG.new", "v2", nil }
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
		w.keys.OnRenew = func(context.Context, string) (string, string, error) { return "", "", secretError{} }
		w.fails(problem.SecretUnavailable, oktaRequest())
		w.calls(1, 0, 0)
		w.sendGrid.SetKeys(testKey)
		w.released()
	})
}

// Whoever may not update is not sent in a circle: each refusal that asks for more says who may send that.
func TestRefusalsOfCallersWhoMayNotUpdate(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		made := w.created(oktaRequest())
		different := oktaRequest()
		different.Name = "Another"
		refused := func(code problem.Code, r request.Resolved) {
			w.pass(time.Hour)
			for caller, says := range map[string]bool{"webhook": true, "operator": false} {
				_, err := w.deliveredBy(caller, r)
				require.Equal(t, says, strings.Contains(requireCode(t, code, err).Message, "only if the parameter WebhookMayUpdate (WEBHOOK_MAY_UPDATE) is true"), "%v", err)
			}
		}
		refused(problem.Conflict, different)
		w.sendGrid.Delete(made.ID)
		refused(problem.Gone, oktaRequest())
		w.ended(protocol.OutcomeUnchanged)
		refused(problem.Conflict, oktaRequest())
	})
}
