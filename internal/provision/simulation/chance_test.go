package simulation_test

import (
	"fmt"
	"math/rand/v2"
	"time"
)

// What the protocol assumes: a write takes effect late, and a read lags, by less than a settling
// period together.
const (
	maxLate = 25 * time.Second
	maxLag  = 30 * time.Second
)

// chance is the part of a schedule that does not depend on the requests. It is drawn from a seed.
type chance struct {
	seed      uint64
	processes int
	lag       time.Duration
	faults    []fault
}

// sender is how a request is sent.
type sender struct {
	number int
	at     time.Duration // When it was sent, in whole seconds as EventBridge has it.
	tie    time.Duration // The part of a second by which it was sent later.
	ahead  time.Duration // By how much the sender's clock is ahead.
	http   bool          // Each try is a request of its own, ordered by its arrival, without an id.
	bare   bool          // Each duplicate has an id of its own.
}

// drawSender draws how a request is sent at a time, except for the trigger and the ids.
func drawSender(r *rand.Rand, number int, at time.Duration) sender {
	return sender{
		number: number, at: at, tie: time.Duration(r.IntN(1000)) * time.Millisecond,
		ahead: []time.Duration{0, 0, 0, 0, 0, 0, 20 * time.Second, time.Hour}[r.IntN(8)],
	}
}

// fault is the failure mode of one call of one try of a delivery.
type fault struct {
	delivery, try, call int
	write               bool // Whether only the writes to SendGrid count.
	mode                mode
}

// mode is how a call to SendGrid or to the ledger ends: with success, or in which way it fails.
type mode int

const (
	succeeds mode = iota
	// diesBefore and diesAfter: the process ends before or after the call took effect.
	diesBefore
	diesAfter
	// lost: the call takes effect, and its response does not arrive.
	lost
	// never: the call has no effect, and its response does not arrive.
	never
	// late: a write that gets no response, and takes effect later.
	late
	// forbidden and limited are refusals of SendGrid, unsent a connection that could not be made.
	forbidden
	limited
	unsent
	// nameless: the response to a create lacks the id.
	nameless
	modes
)

func (f mode) String() string {
	return [...]string{
		"succeeds", "dies before", "dies after", "takes effect, no response", "no effect, no response",
		"takes effect late, no response", "403", "429", "no connection", "success without an id",
	}[f]
}

// mode returns the mode of a call: that of the fault with its number, which counts all calls or, for a
// write to SendGrid, only those.
func (c *chance) mode(delivery, try, call, write int) mode {
	for _, f := range c.faults {
		number := call
		if f.write {
			number = write
		}
		if f.delivery == delivery && f.try == try && f.call == number {
			return f.mode
		}
	}
	return succeeds
}

// draw returns a random number that depends on nothing but the seed and what it is for, so that it
// stays when another step is left out of the schedule.
func (c *chance) draw(most time.Duration, purpose ...int) time.Duration {
	mixed := c.seed
	for _, p := range purpose {
		mixed = (mixed ^ uint64(p+1)) * 0x9e3779b97f4a7c15
		mixed ^= mixed >> 29
	}
	return time.Duration(rand.New(rand.NewPCG(mixed, 2)).Int64N(int64(most)))
}

func (f mode) note() string {
	if f == succeeds {
		return ""
	}
	return " [" + f.String() + "]"
}

func (f fault) String() string {
	what := "call"
	if f.write {
		what = "write"
	}
	return fmt.Sprintf("try %d, %s %d: %s", f.try, what, f.call, f.mode)
}
