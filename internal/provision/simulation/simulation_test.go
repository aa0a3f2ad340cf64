// Package simulation drives the real Ensure through random schedules, in simulated time, and
// checks what it promises after each.
package simulation_test

import (
	"flag"
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"sendgrid-sso-integration/sendgrid"
)

type sendgridIntegration = sendgrid.Integration

// The flags of "make simulate".
var (
	seeds = flag.Int("seeds", 3000, "how many schedules to simulate")
	first = flag.Uint64("first", 1, "the seed of the first schedule")
	count = flag.Bool("count", false, "count broken promises instead of stopping at the first")
)

func TestSimulation(t *testing.T) {
	const shards = 4
	var mu sync.Mutex
	found := map[string][]uint64{}
	t.Run("schedules", func(t *testing.T) {
		for shard := range shards {
			t.Run(fmt.Sprint(shard), func(t *testing.T) {
				t.Parallel()
				for n := shard; n < *seeds; n += shards {
					s := newSchedule(*first + uint64(n))
					sim := simulate(t, s)
					if sim.broken == "" {
						continue
					}
					if *count {
						mu.Lock()
						kind := kindOf(sim.broken)
						found[kind] = append(found[kind], s.seed)
						mu.Unlock()
						continue
					}
					smallest, sim := shrink(t, s, sim)
					t.Fatalf("%s\n\n%s\n\n%s", sim.broken, smallest, strings.Join(sim.steps, "\n"))
				}
			})
		}
	})
	for kind, all := range found {
		t.Errorf("%6d of %d: %s, as with seeds %v", len(all), *seeds, kind, all[:min(5, len(all))])
	}
}

// kindOf removes what differs between two schedules that break the same promise.
func kindOf(broken string) string {
	kind := strings.Map(func(r rune) rune {
		if r >= '0' && r <= '9' {
			return '#'
		}
		return r
	}, broken)
	kind = strings.ReplaceAll(strings.ReplaceAll(kind, "##", "#"), "##", "#")
	return kind[:min(len(kind), 100)]
}

// shrink leaves out of a schedule what it does not need to break the same kind of promise.
func shrink(t *testing.T, s *schedule, sim *simulation) (*schedule, *simulation) {
	t.Helper()
	for again := true; again; {
		again = false
		for _, smaller := range s.without() {
			if result := simulate(t, smaller); result.broken != "" && kindOf(result.broken) == kindOf(sim.broken) {
				s, sim, again = smaller, result, true
				break
			}
		}
	}
	return s, sim
}

// The same seed is the same run, to the last step.
func TestSimulationIsDeterministic(t *testing.T) {
	t.Parallel()
	for seed := range uint64(200) {
		one, two := simulate(t, newSchedule(seed)), simulate(t, newSchedule(seed))
		require.Equal(t, one.steps, two.steps, "seed %d", seed)
	}
}
