// Package simulation runs the real Ensure through random schedules, in simulated time, and
// checks its promises after each. One simulation is about connections, and one about teammates.
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

func TestSimulation(t *testing.T) { explore(t, newSchedule, simulate) }

// simplified is a schedule that can be simplified.
type simplified[S any] interface {
	fmt.Stringer
	// without returns the schedules that lack one step of this one, or have a simpler one.
	without() []S
}

// explore runs as many schedules as the flags say.
func explore[S simplified[S], R simulated](t *testing.T, draw func(seed uint64) S, simulate func(*testing.T, S) R) {
	t.Helper()
	const shards = 4
	var mu sync.Mutex
	found := map[string][]uint64{}
	t.Run("schedules", func(t *testing.T) {
		for shard := range shards {
			t.Run(fmt.Sprint(shard), func(t *testing.T) {
				t.Parallel()
				for n := shard; n < *seeds; n += shards {
					s := draw(*first + uint64(n))
					w := simulate(t, s).ended()
					if w.broken == "" {
						continue
					}
					if *count {
						mu.Lock()
						kind := kindOf(w.broken)
						found[kind] = append(found[kind], w.chance.seed)
						mu.Unlock()
						continue
					}
					smallest, w := shrink(t, s, w, simulate)
					t.Fatalf("%s\n\n%s\n\n%s", w.broken, smallest, strings.Join(w.steps, "\n"))
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

// shrink removes from a schedule what is not needed to break the same kind of promise.
func shrink[S simplified[S], R simulated](t *testing.T, s S, w *world, simulate func(*testing.T, S) R) (S, *world) {
	t.Helper()
	for again := true; again; {
		again = false
		for _, smaller := range s.without() {
			if result := simulate(t, smaller).ended(); result.broken != "" && kindOf(result.broken) == kindOf(w.broken) {
				s, w, again = smaller, result, true
				break
			}
		}
	}
	return s, w
}

// The same seed is the same run, to the last step.
func TestSimulationIsDeterministic(t *testing.T) {
	t.Parallel()
	for seed := range uint64(200) {
		one, two := simulate(t, newSchedule(seed)), simulate(t, newSchedule(seed))
		require.Equal(t, one.steps, two.steps, "seed %d", seed)
	}
}
