package simulation_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"sendgrid-sso-integration/internal/provision"
	"sendgrid-sso-integration/sendgrid"
)

func TestSimulationOfTeammates(t *testing.T) { explore(t, newPeopleSchedule, simulatePeople) }

func TestSimulationOfTeammatesIsDeterministic(t *testing.T) {
	t.Parallel()
	for seed := range uint64(200) {
		one, two := simulatePeople(t, newPeopleSchedule(seed)), simulatePeople(t, newPeopleSchedule(seed))
		require.Equal(t, one.steps, two.steps, "seed %d", seed)
	}
}

// peopleSimulation is one run of a schedule about teammates.
type peopleSimulation struct {
	world
	schedule *peopleSchedule
	people   []*teammate
	tries    []*peopleTry
}

// peopleTry is one try of a delivery.
type peopleTry struct {
	caller
	delivery   *peopleDelivery
	asks       *declared
	readFailed bool // Whether the last read failed.
}

type peopleTryKey struct{}

func peopleTryOf(ctx context.Context) *peopleTry { return ctx.Value(peopleTryKey{}).(*peopleTry) }

// simulatePeople runs a schedule, and returns the finished simulation.
func simulatePeople(t *testing.T, s *peopleSchedule) *peopleSimulation {
	t.Helper()
	sim := &peopleSimulation{schedule: s}
	sim.chance, sim.recorded = &s.chance, sim.checkRecorded
	sim.adjust = func(op sendgrid.Op, f mode) mode {
		if f == nameless && op != sendgrid.OpCreateTeammate {
			return lost
		}
		return f
	}
	inBubble(t, &sim.world, sim.run)
	return sim
}

func (sim *peopleSimulation) run() {
	sim.begin()
	processes := make([]*process, sim.schedule.processes)
	var all sync.WaitGroup
	for _, d := range sim.schedule.deliveries {
		all.Go(func() {
			sim.deliver(d.at, d.number, func(number int) (again bool, after time.Duration) {
				p := sim.process(processes, d.process, d.number, number, &provision.Provisioner{Teammates: peopleClient{sim}})
				return sim.try(p, d, number)
			})
		})
	}
	for n, h := range sim.schedule.edits {
		all.Go(func() {
			time.Sleep(h.at + time.Duration(n+1)*time.Nanosecond)
			sim.mu.Lock()
			defer sim.mu.Unlock()
			sim.trace("a person %s %s", h.action, h.email)
			sim.applyEdit(h)
		})
	}
	all.Wait()
	time.Sleep(2 * provision.DefaultSettling)
	sim.checkEnd()
}

// begin adds the teammates who exist from the beginning.
func (sim *peopleSimulation) begin() {
	add := func(value sendgrid.Teammate) {
		value.Username, value.FirstName = value.Email, "Hand"
		p := sim.person(value.Email)
		p.history = append(p.history, version[sendgrid.Teammate]{since: sim.began.Add(-time.Hour), value: value})
	}
	add(sendgrid.Teammate{Email: ownerEmail, UserType: sendgrid.UserTypeOwner, IsAdmin: true, IsSSO: new(false)})
	for _, s := range sim.schedule.initial {
		value, _ := granted(sendgrid.Teammate{Email: s.email, IsSSO: new(!s.password)}, (&declared{access: s.access}).accessOf(), true)
		add(value)
	}
}

// try calls Ensure, and reports whether the delivery has to be repeated, and after what time.
func (sim *peopleSimulation) try(p *process, d *peopleDelivery, number int) (again bool, after time.Duration) {
	q := d.request
	t := &peopleTry{caller: caller{world: &sim.world, process: p, copy: d.number, number: number, began: time.Now()}, delivery: d, asks: q}
	receive(&t.caller, d, sim.schedule.deliveries, q.sender, !q.webhook)
	sim.mu.Lock()
	sim.tries = append(sim.tries, t)
	sim.trace("%s begins: %s", t, q)
	sim.mu.Unlock()
	return t.ensure(context.WithValue(context.Background(), peopleTryKey{}, t), q.resolve(), d.length, func() { sim.checkResult(t) })
}

// personText describes all that a teammate may do.
func personText(t sendgrid.Teammate) string {
	return fmt.Sprintf("%s %s admin=%t restricted=%t %s %v", t.FirstName, t.LastName, t.IsAdmin, t.HasRestrictedSubuserAccess, strings.Join(slices.Sorted(slices.Values(t.Scopes)), ","), t.SubuserAccess)
}
