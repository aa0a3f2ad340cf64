package provision_test

import (
	"context"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"sendgrid-sso-integration/internal/problem"
	"sendgrid-sso-integration/internal/protocol"
	"sendgrid-sso-integration/internal/request"

	"github.com/stretchr/testify/require"

	"sendgrid-sso-integration/internal/provision"
	"sendgrid-sso-integration/sendgrid"
	"sendgrid-sso-integration/sendgrid/sendgridtest"
)

const copies = 50

// answered counts what came of many requests.
type answered struct {
	outcomes map[protocol.Outcome]int
	codes    map[problem.Code]int
	ids      map[string]bool
}

// together makes many copies of a request at once, each in a process of its own.
func (w *world) together(r request.Resolved) answered {
	w.t.Helper()
	all := answered{
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
				w.t.Error("the answer has to come before the deadline")
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
		{name: "with an answer that is lost", faults: []sendgridtest.Fault{{Op: sendgrid.OpCreateIntegration, Drop: true, Commit: true}}},
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
