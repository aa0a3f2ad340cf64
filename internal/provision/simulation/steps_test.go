package simulation_test

import (
	"fmt"
	"iter"
	"slices"
	"strings"
	"time"
)

// deliveryOf is one copy of a request; it is delivered until it has a final outcome.
type deliveryOf[Request any] struct {
	number  int
	request *Request
	at      time.Duration
	process int
	length  time.Duration // Of the invocation.
	brief   bool          // Whether it waits for others for a short time only.
}

// briefWait is the maximum wait of a brief delivery.
const briefWait = 5 * time.Second

// receive records that a try gets a delivery, of which these are all.
func receive[Request any](c *caller, d *deliveryOf[Request], all []*deliveryOf[Request], by sender, mayUpdate bool) {
	var copies []time.Duration
	for _, other := range all {
		if other.request == d.request {
			copies = append(copies, other.at)
		}
	}
	c.sent(by, d.at, copies, mayUpdate)
	if d.brief {
		c.asked.MaxWait = briefWait
	}
}

// step is a step of a schedule in readable form.
type step struct {
	at   time.Duration
	text string
}

// stepsOf describes the deliveries with their faults.
func stepsOf[Request any](deliveries []*deliveryOf[Request], faults []fault) []step {
	var steps []step
	for _, d := range deliveries {
		text := fmt.Sprintf("delivery %d of %s to process %d, %s", d.number, any(d.request).(fmt.Stringer), d.process, d.length)
		if d.brief {
			text += ", waits 5s for others"
		}
		for _, f := range faults {
			if f.delivery == d.number {
				text += "\n          " + f.String()
			}
		}
		steps = append(steps, step{d.at, text})
	}
	return steps
}

// inOrder returns a line for each step, in the order in which they begin.
func inOrder(steps []step) string {
	slices.SortStableFunc(steps, func(a, b step) int { return int(a.at - b.at) })
	var b strings.Builder
	for _, each := range steps {
		fmt.Fprintf(&b, "\n%8s  %s", each.at, each.text)
	}
	return b.String()
}

// lackingOne yields the lists that lack one element of this one.
func lackingOne[E any](all []E) iter.Seq[[]E] {
	return func(yield func([]E) bool) {
		for i := range all {
			if !yield(slices.Delete(slices.Clone(all), i, i+1)) {
				return
			}
		}
	}
}
