package provision_test

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"sendgrid-sso-integration/internal/problem"
	"sendgrid-sso-integration/internal/protocol"
	"sendgrid-sso-integration/internal/provision"
	"sendgrid-sso-integration/internal/request"
	"sendgrid-sso-integration/sendgrid"
	"sendgrid-sso-integration/sendgrid/sendgridtest"
)

// A duplicate that arrives a moment after the create, while neither the list nor the read by
// id shows the integration, creates nothing.
func TestEnsureBelievesNothingGoneWhileReadsLag(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.sendGrid.SetLag(4*time.Second, 4*time.Second)
		first := w.created(oktaRequest())
		w.pass(100 * time.Millisecond)
		e := w.fails(problem.OutcomeUnknown, oktaRequest())
		require.Equal(t, first.ID, e.IntegrationID)
		require.LessOrEqual(t, e.RetryAfter, provision.DefaultSettling)
		other := oktaRequest()
		other.Name = "Another"
		w.fails(problem.OutcomeUnknown, other)
		w.creates(1, 1)

		w.pass(4 * time.Second)
		require.Equal(t, first.ID, w.unchanged(oktaRequest()).ID)
		w.fails(problem.Conflict, other)
	})
}

// The response to the create lacks the URLs, and the read by id does not show the integration.
func TestEnsureCreatesNothingTwiceThatItCannotReadBack(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.sendGrid.SetLag(30*time.Second, 30*time.Second)
		w.sendGrid.Script(sendgridtest.Fault{Op: sendgrid.OpCreateIntegration, Omit: []string{"audience_url", "single_signon_url"}})
		w.fails(problem.OutcomeUnknown, oktaRequest())
		w.fails(problem.OutcomeUnknown, oktaRequest())
		w.pass(30 * time.Second)
		w.unchanged(oktaRequest())
		w.creates(1, 1)
	})
}

// Reads that begin before the integration has settled, and end after, are not believed.
func TestEnsureJudgesReadsByTheirBeginning(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.sendGrid.SetLag(provision.DefaultSettling, provision.DefaultSettling)
		w.created(oktaRequest())
		w.pass(provision.DefaultSettling - time.Second)
		w.provisioner.SendGrid = slowReads{SendGrid: w.client, takes: 2 * time.Second}
		w.fails(problem.OutcomeUnknown, oktaRequest())
		w.creates(1, 1)
	})
}

// slowReads is a SendGrid whose responses take a while after it has read them.
type slowReads struct {
	provision.SendGrid
	takes time.Duration
}

func (s slowReads) GetIntegration(ctx context.Context, id string) (*sendgrid.Integration, error) {
	i, err := s.SendGrid.GetIntegration(ctx, id)
	time.Sleep(s.takes)
	return i, err
}

// Ten duplicates at once, with reads that lag, make one integration.
func TestEnsureCreatesOnceForManyWhileReadsLag(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.sendGrid.SetLag(4*time.Second, 4*time.Second)
		all := w.together(oktaRequest())
		require.Equal(t, 1, all.outcomes[protocol.OutcomeCreated])
		require.Equal(t, map[problem.Code]int{problem.OutcomeUnknown: copies - 1}, all.codes)
		w.creates(1, 1)
		w.pass(provision.DefaultSettling)
		require.Equal(t, copies, w.together(oktaRequest()).outcomes[protocol.OutcomeUnchanged])
	})
}

// A create gets 504, SendGrid's reads fail for a quarter of an hour, and only then is
// the create carried out.
func TestEnsureSettlesOnceMoreAfterAnOutage(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.sendGrid.Script(
			sendgridtest.Fault{Op: sendgrid.OpCreateIntegration, Status: 504},
			sendgridtest.Fault{Op: sendgrid.OpListIntegrations, Skip: 1, Status: 503, Times: -1},
		)
		w.fails(problem.OutcomeUnknown, oktaRequest())
		for range 15 {
			w.pass(time.Minute)
			_, err := w.ensure(oktaRequest())
			require.Error(t, err)
		}
		w.sendGrid.ClearFaults()
		w.fails(problem.OutcomeUnknown, oktaRequest())
		w.pass(10 * time.Second)
		late := w.sendGrid.Add(asSent(oktaRequest()))
		w.pass(provision.DefaultSettling)
		require.Equal(t, late.ID, w.created(oktaRequest()).ID)
		w.creates(1, 1)
	})
}

// Every response to a create is lost, and SendGrid changed the entity id, so that nothing is
// ever found: three integrations at most, and then a person has to check.
func TestEnsureGivesUpAfterThreeUnknownCreates(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.sendGrid.Script(sendgridtest.Fault{Op: sendgrid.OpCreateIntegration, Status: 502, Times: -1})
		for range 3 {
			w.fails(problem.OutcomeUnknown, oktaRequest())
			w.recheck()
		}
		for range 2 {
			e := w.fails(problem.OutcomeUnknown, oktaRequest())
			require.False(t, e.Retryable())
			require.Contains(t, e.Message, "three times")
		}
		w.creates(3, 0)

		// The person finds the integration, and corrects its entity id.
		w.sendGrid.Add(asSent(oktaRequest()))
		w.created(oktaRequest())
		w.unchanged(oktaRequest())
		w.creates(3, 1)
	})
}

// A process that dies after its create counts, too.
func TestEnsureCountsTheCreatesOfDeadProcesses(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.ledger.failAt(stepUnknown, errLedger)
		w.lose(false)
		w.fails(problem.OutcomeUnknown, oktaRequest())
		w.ledger.failAt("", nil)
		w.pass(lease)
		w.fails(problem.OutcomeUnknown, oktaRequest())
		entry, _ := w.ledger.state()
		require.Equal(t, 1, entry.UnknownCreates)
		require.True(t, entry.Rechecked)
	})
}

// The response is lost, and SendGrid changed how a URL is written. It is the same integration.
func TestEnsureAdoptsWhatSendGridChanged(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		changed := asSent(oktaRequest())
		changed.SignoutURL += "/"
		w.sendGrid.Script(sendgridtest.Fault{Op: sendgrid.OpCreateIntegration, Status: 502})
		w.afterCreate(func() { w.sendGrid.Add(changed) })
		result := w.succeeds(protocol.OutcomeCreated, oktaRequest())
		require.True(t, result.Adopted)
		require.Equal(t, changed.SignoutURL, result.Integration.SignoutURL)
		require.Equal(t, result.Integration.ID, w.unchanged(oktaRequest()).ID)
		w.creates(1, 1)
	})
}

// A copy of the write that announces a create arrives after the create was recorded.
func TestEnsureIsNotUndoneByALateCopyOfAWrite(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		var writes []protocol.Entry
		w.ledger.stored = func(e protocol.Entry) { writes = append(writes, e) }
		first := w.created(oktaRequest())
		require.Len(t, writes, 3)
		for _, late := range writes {
			_, stored, err := w.ledger.Memory.Put(t.Context(), late)
			require.NoError(t, err)
			require.Equal(t, late.State == protocol.Completed, stored, "only the last write is what is stored")
		}
		w.sendGrid.SetLag(forever, forever)
		w.fails(problem.OutcomeUnknown, oktaRequest())
		w.creates(1, 1)
		require.Equal(t, first.ID, w.sendGrid.Integrations()[0].ID)
	})
}

// What a person deleted on purpose is not created again by the delivery that created it,
// however late it is repeated, nor by the same request; one that restores creates it again.
func TestEnsureKeepsWhatWasDeletedOnPurpose(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		deliverAs := func(r request.Resolved, ids ...string) (*provision.Result, error) {
			w.provisioner = w.another()
			return w.provisioner.Ensure(t.Context(), r, provision.Delivery{IDs: ids})
		}
		deliver := func(ids ...string) (*provision.Result, error) { return deliverAs(oktaRequest(), ids...) }
		made, err := deliver("event-1", "message-1")
		require.NoError(t, err)
		w.pass(13 * 24 * time.Hour)
		w.sendGrid.Delete(made.Integration.ID)
		for _, id := range []string{"event-1", "message-1"} {
			_, err = deliver("message-2", id)
			e := requireCode(t, problem.Gone, err)
			require.False(t, e.Retryable())
			require.Equal(t, made.Integration.ID, e.IntegrationID)
		}
		w.creates(1, 0)

		_, err = deliver("event-2")
		requireCode(t, problem.Gone, err)
		again, err := deliverAs(updating(func(r *request.Resolved) { r.IfExists = request.Restore }), "event-3")
		require.NoError(t, err)
		require.Equal(t, protocol.OutcomeCreated, again.Outcome)
		_, err = deliver("event-1")
		require.NoError(t, err, "it is there again")
		w.creates(2, 1)
	})
}

// A half-configured integration, made by hand, is no obstacle.
func TestEnsureSkipsHalfConfiguredIntegrations(t *testing.T) {
	t.Parallel()
	for i, row := range []string{`{"id":"half"}`, `{"id":"half","entity_id":null}`, `{"id":"half","entity_id":"","name":"Half"}`} {
		t.Run(fmt.Sprint(i), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t)
				w.sendGrid.Script(sendgridtest.Fault{Op: sendgrid.OpListIntegrations, Status: 200, Body: "[" + row + "]"})
				w.created(oktaRequest())
				w.creates(1, 1)
			})
		})
	}
}

// afterCreate lets something happen after the response to the first create.
func (w *world) afterCreate(happen func()) {
	w.client.OnCall = func(_ context.Context, call sendgrid.Call) {
		if call.Op == sendgrid.OpCreateIntegration {
			w.client.OnCall = nil
			happen()
		}
	}
}

// Whatever the response to the create lacks, the result has it.
func TestEnsureCompletesTheResponseToACreate(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name      string
		omit      []string
		list, get int
		inList    bool
	}{
		{name: "complete", list: 1},
		{name: "without audience_url", omit: []string{"audience_url"}, list: 1},
		{name: "without single_signon_url", omit: []string{"single_signon_url"}, list: 1},
		{name: "without URLs", omit: []string{"audience_url", "single_signon_url"}, list: 1, get: 1},
		{name: "without id", omit: []string{"id"}, list: 2},
		{name: "as the documented example", omit: []string{"id", "audience_url", "single_signon_url"}, list: 2},
		{
			name: "as the documented example, and no better in the list", omit: []string{"audience_url", "single_signon_url"},
			inList: true, list: 2, get: 1,
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t)
				w.sendGrid.Script(sendgridtest.Fault{Op: sendgrid.OpCreateIntegration, Omit: tt.omit})
				if tt.inList {
					w.sendGrid.ClearFaults()
					w.sendGrid.Script(
						sendgridtest.Fault{Op: sendgrid.OpCreateIntegration, Omit: append(tt.omit, "id")},
						sendgridtest.Fault{Op: sendgrid.OpListIntegrations, Omit: tt.omit, Times: -1},
					)
				}
				result := w.succeeds(protocol.OutcomeCreated, oktaRequest())
				w.calls(tt.list, 1, tt.get)
				require.False(t, result.Adopted, "the response was not lost")
				require.Equal(t, w.sendGrid.Integrations()[0].ID, result.Integration.ID)
				require.Equal(t, w.sendGrid.Integrations()[0].SingleSignOnURL, result.Integration.SingleSignOnURL)
				entry, _ := w.ledger.state()
				require.Equal(t, protocol.Completed, entry.State)
				require.Equal(t, result.Integration.ID, entry.IntegrationID)
			})
		})
	}
}

func TestEnsureCompletesWhatTheListLacks(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.sendGrid.Add(asSent(oktaRequest()))
		w.sendGrid.Script(sendgridtest.Fault{Op: sendgrid.OpListIntegrations, Omit: []string{"audience_url", "single_signon_url"}})
		w.unchanged(oktaRequest())
		w.calls(1, 0, 1)
	})
}

// A create that succeeded is remembered before it is read back: if that fails, the next
// attempt shows it.
func TestEnsureRemembersWhatItCannotReadBack(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.sendGrid.Script(
			sendgridtest.Fault{Op: sendgrid.OpCreateIntegration, Omit: []string{"audience_url", "single_signon_url"}},
			sendgridtest.Fault{Op: sendgrid.OpGetIntegration, Delay: forever, Times: -1},
		)
		e := w.fails(problem.OutcomeUnknown, oktaRequest())
		id := w.sendGrid.Integrations()[0].ID
		require.Contains(t, e.Message, id)
		require.Positive(t, e.RetryAfter)
		entry, _ := w.ledger.state()
		require.Equal(t, protocol.Completed, entry.State)
		require.Zero(t, entry.Lease)

		w.sendGrid.ClearFaults()
		require.Equal(t, id, w.unchanged(oktaRequest()).ID)
		w.creates(1, 1)
	})
}

func TestEnsureNamesWhatDiffers(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name   string
		there  func(*sendgrid.IntegrationRequest)
		fields []string
	}{
		{name: "name", there: func(i *sendgrid.IntegrationRequest) { i.Name = "marker" }, fields: []string{"name"}},
		{name: "enabled", there: func(i *sendgrid.IntegrationRequest) { i.Enabled = false }, fields: []string{"enabled"}},
		{name: "signin_url", there: func(i *sendgrid.IntegrationRequest) { i.SigninURL = "https://marker" }, fields: []string{"signin_url"}},
		{name: "signout_url", there: func(i *sendgrid.IntegrationRequest) { i.SignoutURL = "" }, fields: []string{"signout_url"}},
		{
			name: "everything that can", fields: []string{"name", "enabled", "signin_url", "signout_url"},
			there: func(i *sendgrid.IntegrationRequest) {
				*i = sendgrid.IntegrationRequest{Name: "marker", EntityID: i.EntityID}
			},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t)
				in := asSent(oktaRequest())
				tt.there(&in)
				there := w.sendGrid.Add(in)

				e := w.fails(problem.Conflict, oktaRequest())
				require.Contains(t, e.Message, there.ID)
				var fields []string
				for _, f := range e.Fields {
					fields = append(fields, f.Field)
					require.Contains(t, e.Message, f.Field)
				}
				require.Equal(t, tt.fields, fields)
				require.Equal(t, there.ID, e.IntegrationID)
				require.Contains(t, e.Public(), `was requested`)
				w.calls(1, 0, 0)

				// Nobody holds the entry, so what matches is found at once.
				w.sendGrid.Edit(there.ID, func(i *sendgrid.Integration) {
					i.Name, i.Enabled, i.SigninURL, i.SignoutURL = oktaRequest().Name, true, oktaRequest().SigninURL, oktaRequest().SignoutURL
				})
				w.unchanged(oktaRequest())
				w.calls(2, 0, 0)
			})
		})
	}
}

// Where several integrations have the entity id, one that is as asked for counts.
func TestEnsurePrefersTheIntegrationThatMatches(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		differs := asSent(oktaRequest())
		differs.Name = "Another"
		w.sendGrid.Add(differs)
		matching := w.sendGrid.Add(asSent(oktaRequest()))
		w.sendGrid.Add(differs)
		require.Equal(t, matching.ID, w.unchanged(oktaRequest()).ID)
		w.creates(0, 3)
	})
}

// A result without the id or the URLs is none: the IdP needs them. Where SendGrid does not
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

// What lists something that is no integration is no list: taken for an empty one, it would
// let a second integration be created.
func TestEnsureBelievesNoListOfSomethingElse(t *testing.T) {
	t.Parallel()
	for name, body := range map[string]string{
		"nulls":    `[null]`,
		"an error": `[{"message":"internal error","field":null}]`,
		"objects":  `[{}]`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t)
				w.sendGrid.Add(asSent(oktaRequest()))
				w.sendGrid.Script(sendgridtest.Fault{Op: sendgrid.OpListIntegrations, Status: http.StatusOK, Body: body, Times: -1})
				w.fails(problem.SendGridUnavailable, oktaRequest())
				w.creates(0, 1)
			})
		})
	}
}

// A remembered integration that was given another entity id since does not stand for the
// old one in the eyes of another request.
func TestEnsureLetsGoOfAnEntityIDThatWasEditedAway(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		first := w.created(oktaRequest())
		require.True(t, w.sendGrid.Edit(first.ID, func(i *sendgrid.Integration) { i.EntityID = "urn:moved" }))
		require.Equal(t, first.ID, w.unchanged(oktaRequest()).ID, "the request that brought it about is fulfilled")

		other := oktaRequest()
		other.Name = "Another"
		require.NotEqual(t, first.ID, w.created(other).ID)
		w.creates(2, 2)
	})
}

// A conflict is told although the other integration lacks what a result would need.
func TestEnsureTellsAConflictWithoutURLs(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		other := asSent(oktaRequest())
		other.Name = "Somebody else's"
		w.sendGrid.Add(other)
		w.sendGrid.Script(sendgridtest.Fault{Op: sendgrid.OpListIntegrations, Omit: []string{"single_signon_url", "audience_url"}})
		w.fails(problem.Conflict, oktaRequest())
		w.calls(1, 0, 0)
	})
}

// A key that SendGrid refuses is told also while an outcome settles: somebody has to act.
func TestEnsureTellsARefusedKeyWhileAnOutcomeSettles(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.sendGrid.Script(sendgridtest.Fault{Op: sendgrid.OpCreateIntegration, Status: http.StatusBadGateway})
		w.fails(problem.OutcomeUnknown, oktaRequest())
		w.sendGrid.Script(sendgridtest.Fault{Op: sendgrid.OpListIntegrations, Status: http.StatusUnauthorized, Times: -1})
		w.fails(problem.SendGridUnauthorized, oktaRequest())
	})
}

// A ledger that takes its time leaves none for a create; it is not begun with.
func TestEnsureDoesNotBeginACreateAfterASlowLedger(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.ledger.meet = func(ctx context.Context, step string) error {
			if step == stepCreating {
				deadline, _ := ctx.Deadline()
				time.Sleep(time.Until(deadline) - 20*time.Millisecond)
			}
			return ctx.Err()
		}
		e := w.fails(problem.DeadlineExceeded, oktaRequest())
		require.Contains(t, e.Message, "mostly while waiting for the ledger")
		w.creates(0, 0)
		entry, _ := w.ledger.state()
		require.Equal(t, protocol.Free, entry.State)
		require.Zero(t, entry.Lease)
	})
}

// SendGrid's reasons are passed on where its response leaves the outcome open.
func TestEnsurePassesOnWhyACreateIsUncertain(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.sendGrid.Script(sendgridtest.Fault{Op: sendgrid.OpCreateIntegration, Status: 422, Body: `[{"message":"is taken","field":"entity_id"}]`})
		e := w.fails(problem.OutcomeUnknown, oktaRequest())
		require.Contains(t, e.Message, "422")
		require.Equal(t, []problem.FieldError{{Field: "entity_id", Message: "is taken"}}, e.Fields)
	})
}

// Who comes for an entry whose holder is gone is told to come when the lease has ended.
func TestEnsureSaysWhenAnEntryIsFree(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.ledger.failAt(stepRelease, context.DeadlineExceeded)
		w.sendGrid.Script(sendgridtest.Fault{Op: sendgrid.OpListIntegrations, Status: http.StatusForbidden})
		w.fails(problem.SendGridForbidden, oktaRequest())
		w.pass(30 * time.Second)
		e := w.fails(problem.InProgress, oktaRequest())
		entry, _ := w.ledger.state()
		require.InDelta(t, time.Until(entry.Lease).Seconds(), e.RetryAfter.Seconds(), 2)
	})
}

// Whatever stands for the time of the last change, an integration can be read.
func TestEnsureReadsIntegrationsWithStrangeTimes(t *testing.T) {
	t.Parallel()
	for _, value := range []string{`""`, `"2026-11-23T15:00:00Z"`, `null`, `{}`, `[]`, `true`, `"1795446000"`} {
		t.Run(value, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t)
				w.sendGrid.Script(sendgridtest.Fault{Op: sendgrid.OpListIntegrations, Status: http.StatusOK, Body: `[{"id":"1","entity_id":"urn:x","last_updated":` + value + `}]`})
				w.created(oktaRequest())
			})
		})
	}
}
