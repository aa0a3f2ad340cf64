package provision_test

import (
	"context"
	"encoding/json"
	"sync"
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

func TestEnsureCreates(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		result := w.succeeds(protocol.OutcomeCreated, oktaRequest())

		w.calls(1, 1, 0)
		require.False(t, result.Adopted)
		require.Nil(t, result.Metadata)
		stored := w.sendGrid.Integrations()
		require.Len(t, stored, 1)
		require.Equal(t, stored[0], result.Integration)
		require.Equal(t, oktaRequest().Name, stored[0].Name)
		require.True(t, stored[0].Enabled)
		require.Equal(t, oktaRequest().SigninURL, stored[0].SigninURL)
		require.Equal(t, oktaRequest().SignoutURL, stored[0].SignoutURL)
		require.Equal(t, entityID, stored[0].EntityID)

		entry, steps := w.ledger.state()
		require.Equal(t, []string{stepTake, stepCreating, stepCompleted}, steps)
		require.Equal(t, protocol.Completed, entry.State)
		require.Equal(t, stored[0].ID, entry.IntegrationID)
		require.Equal(t, entityID, entry.EntityID)
		require.NotEmpty(t, entry.Fingerprint)
		require.Zero(t, entry.Lease, "nobody has to wait")
		require.Greater(t, time.Until(entry.Expires), 14*24*time.Hour, "a queue may redeliver for 14 days")
	})
}

// The lease covers whatever this attempt may still do, and what comes of it.
func TestEnsureHoldsTheEntryBeyondItsDeadline(t *testing.T) {
	t.Parallel()
	for name, settling := range map[string]time.Duration{"by default": 0, "as set": 5 * time.Minute} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t)
				w.provisioner.Settling = settling
				if settling == 0 {
					settling = provision.DefaultSettling
				}
				var during protocol.Entry
				w.client.OnCall = func(_ context.Context, call sendgrid.Call) {
					if call.Op == sendgrid.OpCreateIntegration {
						during, _ = w.ledger.state()
					}
				}
				deadline := time.Now().Add(invocation)
				w.created(oktaRequest())
				require.Equal(t, protocol.Creating, during.State)
				require.Equal(t, deadline.Add(settling), during.Lease)
			})
		})
	}
}

func TestEnsureLeavesAnEqualIntegrationAlone(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		there := w.sendGrid.Add(asSent(oktaRequest()))
		got := w.unchanged(oktaRequest())
		require.Equal(t, there.ID, got.ID)
		w.calls(1, 0, 0)
		entry, steps := w.ledger.state()
		require.Equal(t, []string{stepTake, stepCompleted}, steps)
		require.Equal(t, there.ID, entry.IntegrationID)
		require.Zero(t, entry.Lease)
	})
}

func TestEnsureHandlesADuplicateByLookingOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		first := w.created(oktaRequest())
		_, before := w.ledger.state()
		for repetition := range 3 {
			require.Equal(t, first.ID, w.unchanged(oktaRequest()).ID)
			w.calls(2+repetition, 1, 0)
		}
		_, after := w.ledger.state()
		require.Equal(t, before, after, "looking writes nothing")
	})
}

func TestEnsureKnowsAccountsAndEntitiesApart(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.created(oktaRequest())

		other := oktaRequest()
		other.EntityID += "2"
		w.created(other)

		w.provisioner = w.another()
		w.provisioner.SendGrid = &sendgrid.Client{Keys: w.keys, HTTP: w.network.HTTPClient(), OnBehalfOf: "subuser"}
		w.provisioner.Account = []string{sendgrid.GlobalBaseURL, "subuser"}
		w.created(oktaRequest())
		w.creates(3, 3)
	})
}

func TestEnsureEchoesMetadataAndNeverSendsIt(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		r := oktaRequest()
		r.Metadata = map[string]string{"ticket": "marker-4711"}
		require.Equal(t, r.Metadata, w.succeeds(protocol.OutcomeCreated, r).Metadata)

		r.Metadata = map[string]string{"ticket": "marker-4712"}
		require.Equal(t, r.Metadata, w.succeeds(protocol.OutcomeUnchanged, r).Metadata, "the metadata of this request")
		for _, sent := range w.sendGrid.Requests() {
			require.NotContains(t, string(sent.Body), "marker")
			require.NotContains(t, string(sent.Body), "metadata")
		}
	})
}

func TestEnsureSendsCompletedIntegrationOnlyIfGiven(t *testing.T) {
	t.Parallel()
	for name, completed := range map[string]*bool{"not given": nil, "false": new(false), "true": new(true)} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t)
				r := oktaRequest()
				r.CompletedIntegration = completed
				w.created(r)
				want := map[string]any{
					"name": r.Name, "enabled": true, "signin_url": r.SigninURL, "signout_url": r.SignoutURL, "entity_id": r.EntityID,
				}
				if completed != nil {
					want["completed_integration"] = *completed
				}
				var sent map[string]any
				require.NoError(t, json.Unmarshal(w.onlyCreate().Body, &sent))
				require.Equal(t, want, sent)
			})
		})
	}
}

// completed_integration is SendGrid's to change, so it is no difference.
func TestEnsureDoesNotCompareCompletedIntegration(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.created(oktaRequest())
		r := oktaRequest()
		r.CompletedIntegration = new(true)
		w.unchanged(r)
		w.calls(2, 1, 0)
	})
}

// onlyCreate returns the one create that SendGrid got.
func (w *world) onlyCreate() sendgridtest.Request {
	w.t.Helper()
	var found []sendgridtest.Request
	for _, r := range w.sendGrid.Requests() {
		if r.Op == sendgrid.OpCreateIntegration {
			found = append(found, r)
		}
	}
	require.Len(w.t, found, 1)
	return found[0]
}

const copies = 50

// results counts the results of many requests.
type results struct {
	outcomes map[protocol.Outcome]int
	codes    map[problem.Code]int
	ids      map[string]bool
}

// together makes many copies of a request at once, each in a process of its own.
func (w *world) together(r request.Resolved) results {
	w.t.Helper()
	all := results{
		outcomes: map[protocol.Outcome]int{}, codes: map[problem.Code]int{}, ids: map[string]bool{},
	}
	var mu sync.Mutex
	var wg sync.WaitGroup
	for range copies {
		p := w.another()
		wg.Go(func() {
			ctx, cancel := context.WithTimeout(context.Background(), invocation)
			defer cancel()
			result, err := p.Ensure(ctx, r, provision.Delivery{})
			mu.Lock()
			defer mu.Unlock()
			if ctx.Err() != nil {
				w.t.Error("the result has to come before the deadline")
			}
			if err != nil {
				all.codes[problem.From(err).Code]++
				return
			}
			all.outcomes[result.Outcome]++
			all.ids[result.Integration.ID] = true
		})
	}
	wg.Wait()
	return all
}

func TestEnsureCreatesOnceForManyAtOnce(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name   string
		faults []sendgridtest.Fault
	}{
		{name: "in order"},
		{name: "slowly", faults: []sendgridtest.Fault{{Delay: 300 * time.Millisecond, Times: -1}}},
		{name: "with a list that fails", faults: []sendgridtest.Fault{{Op: sendgrid.OpListIntegrations, Status: 500}}},
		{name: "with a create that is limited", faults: []sendgridtest.Fault{limited(sendgrid.OpCreateIntegration, 0)}},
		{name: "with a response that is lost", faults: []sendgridtest.Fault{{Op: sendgrid.OpCreateIntegration, Drop: true, Commit: true}}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t)
				w.sendGrid.Script(tt.faults...)
				all := w.together(oktaRequest())
				require.Empty(t, all.codes)
				require.Equal(t, map[protocol.Outcome]int{
					protocol.OutcomeCreated: 1, protocol.OutcomeUnchanged: copies - 1,
				}, all.outcomes)
				require.Len(t, all.ids, 1)
				require.Contains(t, all.ids, w.sendGrid.Integrations()[0].ID)
				require.Len(t, w.sendGrid.Integrations(), 1)
			})
		})
	}
}

func TestEnsureCreatesAnewOnceForManyAtOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.createdAndDeleted()
		all := w.together(oktaRequest())
		require.Empty(t, all.codes)
		require.Equal(t, 1, all.outcomes[protocol.OutcomeCreated])
		require.Len(t, all.ids, 1)
		w.creates(2, 1)
	})
}

// Where nobody can know, nobody creates, however many ask.
func TestEnsureGuardsAnAmbiguousCreateAgainstMany(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.lose(false)
		all := w.together(oktaRequest())
		require.Equal(t, map[problem.Code]int{problem.OutcomeUnknown: copies}, all.codes)
		w.creates(1, 0)

		w.recheck()
		all = w.together(oktaRequest())
		require.Equal(t, 1, all.outcomes[protocol.OutcomeCreated])
		require.Equal(t, copies-1, all.outcomes[protocol.OutcomeUnchanged])
		w.creates(2, 1)
	})
}

// Different requests for one entity id: the first wins, and the others learn of it.
func TestEnsureCreatesOneOfManyThatDiffer(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		outcomes := make(chan error, copies)
		for i := range copies {
			p, r := w.another(), oktaRequest()
			r.Name += string(rune('A' + i))
			go func() {
				ctx, cancel := context.WithTimeout(context.Background(), invocation)
				defer cancel()
				_, err := p.Ensure(ctx, r, provision.Delivery{})
				outcomes <- err
			}()
		}
		conflicts := 0
		for range copies {
			if err := <-outcomes; err != nil {
				requireCode(t, problem.Conflict, err)
				conflicts++
			}
		}
		require.Equal(t, copies-1, conflicts)
		w.creates(1, 1)
	})
}

const edited = "Okta (edited in SendGrid's UI)"

func (w *world) edit(id string) {
	w.t.Helper()
	require.True(w.t, w.sendGrid.Edit(id, func(i *sendgrid.Integration) { i.Name = edited }))
}

// What a request brought about is theirs to edit: the request, delivered again, is no
// conflict, and does not undo it.
func TestEnsureKeepsWhatWasEditedSince(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		first := w.created(oktaRequest())
		w.edit(first.ID)
		got := w.unchanged(oktaRequest())
		require.Equal(t, first.ID, got.ID)
		require.Equal(t, edited, got.Name, "the result is what stands")
		w.calls(2, 1, 0)
	})
}

func TestEnsureKeepsWhatWasFoundAndEditedSince(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		there := w.sendGrid.Add(asSent(oktaRequest()))
		w.unchanged(oktaRequest())
		w.edit(there.ID)
		require.Equal(t, edited, w.unchanged(oktaRequest()).Name)
		w.calls(2, 0, 0)
	})
}

func TestEnsureKnowsAnotherRequestFromTheOneRemembered(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		first := w.created(oktaRequest())
		other := oktaRequest()
		other.Name = "Another"
		e := w.fails(problem.Conflict, other)
		require.Contains(t, e.Message, first.ID)
		w.creates(1, 1)

		w.edit(first.ID)
		require.Equal(t, edited, w.unchanged(oktaRequest()).Name, "the conflict changed nothing of what is remembered")
	})
}

func TestEnsureReadsByIDWhatTheListLacks(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		first := w.created(oktaRequest())
		w.sendGrid.SetStale(forever)
		require.Equal(t, first.ID, w.unchanged(oktaRequest()).ID)
		w.calls(2, 1, 1)

		other := oktaRequest()
		other.Name = "Another"
		w.fails(problem.Conflict, other)
		w.calls(3, 1, 2)
	})
}

func TestEnsureCreatesAnewWhatWasDeleted(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		first := w.created(oktaRequest())
		w.pass(provision.DefaultSettling)
		require.True(t, w.sendGrid.Delete(first.ID))
		require.Equal(t, first.ID, w.fails(problem.Gone, oktaRequest()).IntegrationID)
		second := w.created(updating(func(r *request.Resolved) { r.IfExists = request.Restore }))
		require.NotEqual(t, first.ID, second.ID)
		w.creates(2, 1)
		entry, _ := w.ledger.state()
		require.Equal(t, second.ID, entry.IntegrationID)

		w.edit(second.ID)
		require.Equal(t, edited, w.unchanged(oktaRequest()).Name, "the second is remembered")
	})
}

func TestEnsureJudgesWhatReplacedTheDeleted(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.createdAndDeleted()
		replacement := w.sendGrid.Add(asSent(oktaRequest()))
		require.Equal(t, replacement.ID, w.unchanged(oktaRequest()).ID)

		w.sendGrid.Edit(replacement.ID, func(i *sendgrid.Integration) { i.EntityID += "2" })
		differs := asSent(oktaRequest())
		differs.Name = "Another"
		replacement = w.sendGrid.Add(differs)
		require.Contains(t, w.fails(problem.Conflict, oktaRequest()).Message, replacement.ID)
		w.creates(1, 2)
	})
}

// That an integration was deleted has to be certain.
func TestEnsureCreatesNothingWhileItCannotReadWhatItRemembers(t *testing.T) {
	t.Parallel()
	for status, code := range map[int]problem.Code{
		403: problem.SendGridForbidden,
		500: problem.SendGridUnavailable,
	} {
		t.Run(string(code), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t)
				w.created(oktaRequest())
				w.sendGrid.SetStale(forever)
				w.sendGrid.Script(sendgridtest.Fault{Op: sendgrid.OpGetIntegration, Status: status, Times: -1})
				w.fails(code, oktaRequest())
				other := oktaRequest()
				other.Name = "Another"
				w.fails(code, other)
				w.creates(1, 1)

				w.sendGrid.ClearFaults()
				w.unchanged(oktaRequest())
			})
		})
	}
}

func TestEnsureForgetsAfterTheLongestRedelivery(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		made := w.sendGrid.Add(asSent(oktaRequest()))
		w.unchanged(oktaRequest()) // Its caller may not update, so the connection is not managed.
		w.edit(made.ID)
		w.pass(14 * 24 * time.Hour)
		w.unchanged(oktaRequest())
		w.pass(2 * 24 * time.Hour)
		w.fails(problem.Conflict, oktaRequest())
		w.creates(0, 1)
	})
}

// Two deliveries of a request whose integration was deleted: while the one looks, the
// other creates, and its outcome is unknown. The first must not create as well.
func TestEnsureWaitsForAnotherThatReplacesTheDeleted(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.createdAndDeleted()
		w.sendGrid.Script(sendgridtest.Fault{Op: sendgrid.OpCreateIntegration, Status: 502, Times: -1})

		slow := w.another()
		slow.SendGrid = &fakeSendGrid{
			list: func(ctx context.Context) ([]sendgrid.Integration, error) {
				list, err := w.client.ListIntegrations(ctx)
				w.pass(2 * time.Second)
				return list, err
			},
			get:    w.client.GetIntegration,
			create: w.client.CreateIntegration,
		}
		done := make(chan error)
		go func() {
			ctx, cancel := context.WithTimeout(context.Background(), invocation)
			defer cancel()
			_, err := slow.Ensure(ctx, oktaRequest(), provision.Delivery{})
			done <- err
		}()
		w.pass(time.Second)
		w.fails(problem.OutcomeUnknown, oktaRequest())
		requireCode(t, problem.OutcomeUnknown, <-done)
		w.creates(2, 0)
		entry, _ := w.ledger.state()
		require.Equal(t, protocol.Unknown, entry.State)
		require.True(t, entry.Lease.After(time.Now()), "the entry stays taken")
	})
}

// What the ledger remembers is read before another integration with the same entity id is
// taken for it, also where the list does not show it yet.
func TestEnsureReadsTheRememberedBeforeItJudgesAnother(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		first := w.created(oktaRequest())
		w.edit(first.ID)
		w.sendGrid.Script(sendgridtest.Fault{Op: sendgrid.OpListIntegrations, Status: 200, Body: `[{"id":"other","name":"Somebody else's","entity_id":"` + entityID + `"}]`})
		require.Equal(t, first.ID, w.unchanged(oktaRequest()).ID)
		w.calls(2, 1, 1)
	})
}

// An update is remembered as a create is: the same delivery again changes nothing, whatever was
// edited since. An id that its sender uses for two requests hides neither.
func TestEnsureRemembersADeliveryByItsIDAndRequest(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		id := w.created(oktaRequest()).ID
		deliver := func(change func(*request.Resolved)) (*provision.Result, error) {
			w.pass(time.Hour)
			ctx, cancel := context.WithTimeout(t.Context(), invocation)
			defer cancel()
			return w.provisioner.Ensure(ctx, updating(change), provision.Delivery{IDs: []string{"message:1"}, Order: at(time.Now())})
		}
		disabled := func(r *request.Resolved) { r.Enabled = false }
		renamed := func(r *request.Resolved) { r.Name = "Another" }
		for _, change := range []func(*request.Resolved){disabled, renamed} {
			result, err := deliver(change)
			require.NoError(t, err)
			require.Equal(t, protocol.OutcomeUpdated, result.Outcome)
		}
		w.sendGrid.Edit(id, func(i *sendgrid.Integration) { i.Name = "Edited" })
		for _, change := range []func(*request.Resolved){disabled, renamed} {
			result, err := deliver(change)
			require.NoError(t, err)
			require.Equal(t, protocol.OutcomeUnchanged, result.Outcome)
			require.Equal(t, "Edited", result.Integration.Name)
		}
		require.True(t, w.sendGrid.Delete(id))
		_, err := deliver(disabled)
		requireCode(t, problem.Gone, err)
	})
}
