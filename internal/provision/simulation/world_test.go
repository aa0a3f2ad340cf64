package simulation_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"sendgrid-sso-integration/internal/ledger"
	"sendgrid-sso-integration/internal/problem"
	"sendgrid-sso-integration/internal/protocol"
	"sendgrid-sso-integration/internal/provision"
	"sendgrid-sso-integration/internal/request"
	"sendgrid-sso-integration/sendgrid"
)

// maxTries is the number of tries after which a delivery counts as endless.
const maxTries = 40

// world is the part of a simulation that does not depend on the requests: the ledger, the modes of calls, and the
// trace. In its bubble, the calls of different tries take effect at different times, so nothing depends on the order
// in which goroutines run.
type world struct {
	chance *chance
	mu     sync.Mutex // Guards what follows, within one instant.
	began  time.Time
	ledger ledger.Memory
	steps  []string
	broken string // The first promise that was broken.
	// adjust replaces a mode that the operation of a call cannot have.
	adjust func(sendgrid.Op, mode) mode
	// recorded checks what a try wrote to the ledger.
	recorded func(ctx context.Context, before, after protocol.Entry)
}

// simulated is the world once a schedule was run.
type simulated interface{ ended() *world }

func (w *world) ended() *world { return w }

// inBubble runs a simulation in simulated time.
func inBubble(t *testing.T, w *world, run func()) {
	t.Helper()
	synctest.Test(t, func(*testing.T) {
		w.began = time.Now()
		run()
	})
}

// accountName is what identifies the SendGrid account.
func accountName() []string { return []string{"account"} }

// process is a Lambda execution environment. Only the ledger is shared.
type process struct {
	*provision.Provisioner
	dead atomic.Bool
}

// process returns a process, a new one if that has died. Its randomness is that of the try for which it is started.
func (w *world) process(all []*process, at, delivery, number int, fresh *provision.Provisioner) *process {
	w.mu.Lock()
	defer w.mu.Unlock()
	if p := all[at]; p != nil && !p.dead.Load() {
		return p
	}
	fresh.Ledger, fresh.Account = faultyLedger{w}, accountName()
	fresh.Random = &source{PCG: rand.NewPCG(w.chance.seed, uint64(delivery*maxTries+number))}
	all[at] = &process{Provisioner: fresh}
	return all[at]
}

// source is a random source for goroutines.
type source struct {
	mu sync.Mutex
	*rand.PCG
}

func (s *source) Uint64() uint64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.PCG.Uint64()
}

// caller is one try of a delivery: one call of Ensure.
type caller struct {
	world    *world
	process  *process
	copy     int // The number of the delivery.
	number   int
	calls    int
	writes   int  // To SendGrid.
	late     bool // Whether one of them took effect late.
	order    protocol.Order
	asked    provision.Delivery
	received struct{ first, last time.Time } // The copies of its request.
	began    time.Time
	ended    time.Time
	result   *provision.Result
	failure  *problem.Error
	died     bool
	// wroteSince reports whether a write of its request took effect.
	wroteSince bool
	lostRecord bool // Whether a write to the ledger failed.
}

type callerKey struct{}

func (c *caller) String() string { return fmt.Sprintf("delivery %d try %d", c.copy, c.number) }

// sent records how a request was sent, when this copy of it arrived, and when all copies arrive.
func (c *caller) sent(by sender, arrives time.Duration, copies []time.Duration, mayUpdate bool) {
	received := func(at time.Duration) time.Time {
		return c.world.began.Add(max(by.at+by.tie, at)).Truncate(time.Millisecond)
	}
	at := received(arrives)
	c.order = protocol.NewOrder(c.world.began.Add(by.at+by.ahead), at)
	ids := []string{fmt.Sprintf("event:%d", by.number)}
	switch {
	case by.http:
		c.order, ids = protocol.NewOrder(time.Time{}, time.Now()), nil
	case by.bare:
		c.order, ids = protocol.NewOrder(time.Time{}, at), []string{fmt.Sprintf("message:%d", c.copy)}
	}
	c.asked = provision.Delivery{IDs: ids, Caller: fmt.Sprint(by.number), MayUpdate: mayUpdate, Unattended: !by.http, Order: c.order}
	c.received.first, c.received.last = c.order.Received, c.order.Received
	if !by.http && !by.bare {
		c.received.first, c.received.last = received(slices.Min(copies)), received(slices.Max(copies))
	}
}

// newer reports whether the request of a try is newer than that of another. Of two that were sent
// at the same time, the newer one is that whose copies were all received later.
func (c *caller) newer(than *caller) bool {
	if !c.order.Sent.Equal(than.order.Sent) {
		return than.order.Before(c.order)
	}
	return than.received.last.Before(c.received.first)
}

// deliver repeats a delivery until it has a final outcome.
func (w *world) deliver(at time.Duration, number int, try func(number int) (again bool, after time.Duration)) {
	time.Sleep(at + time.Duration(number+1)*time.Microsecond)
	for n := range maxTries {
		again, after := try(n)
		if !again {
			return
		}
		time.Sleep(after + w.chance.draw(10*time.Second, number, n, 7))
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.require(false, "delivery %d has no final outcome after %d tries", number, maxTries)
}

// ensure calls Ensure, checks its result, and reports whether the delivery has to be repeated, and after what
// time.
func (c *caller) ensure(ctx context.Context, r request.Resolved, length time.Duration, check func()) (again bool, after time.Duration) {
	ctx, cancel := context.WithTimeout(context.WithValue(ctx, callerKey{}, c), length)
	defer cancel()
	died := true
	var result *provision.Result
	var failure *problem.Error
	var one sync.WaitGroup
	one.Go(func() { // A process that dies ends the goroutine.
		var err error
		result, err = c.process.Ensure(ctx, r, c.asked)
		errors.As(err, &failure)
		died = false
	})
	one.Wait()
	time.Sleep(time.Duration(c.copy+1) * time.Nanosecond) // Tries that share a list may end at the same time.
	c.world.mu.Lock()
	defer c.world.mu.Unlock()
	c.ended, c.died, c.result, c.failure = time.Now(), died, result, failure
	if c.died {
		c.world.trace("%s: the process died", c)
		return true, time.Minute
	}
	check()
	if c.failure == nil || !c.failure.Retryable() {
		return false, 0
	}
	return true, min(90*time.Second, max(5*time.Second, c.failure.RetryAfter))
}

// unrecorded reports whether the ledger may have recorded an outcome that was not returned.
func (c *caller) unrecorded() bool {
	return c.died || c.failure != nil && c.failure.Code == problem.LedgerUnavailable
}

// begin begins a call of the try in the context. A call of a dead process does not return.
func begin(ctx context.Context, read bool) (*caller, int, mode) {
	c, mode := peek(ctx, read)
	c.world.mu.Lock() // A shared list goes on after the try that began it.
	defer c.world.mu.Unlock()
	c.calls++
	if !read {
		c.writes++
	}
	return c, c.calls, mode
}

// peek returns the mode of the next call.
func peek(ctx context.Context, read bool) (*caller, mode) {
	c := ctx.Value(callerKey{}).(*caller)
	if c.process.dead.Load() {
		runtime.Goexit()
	}
	c.world.mu.Lock()
	defer c.world.mu.Unlock()
	write := c.writes
	if read {
		write = -1
	}
	return c, c.world.chance.mode(c.copy, c.number, c.calls, write)
}

// pause lets a call take a while. It reports false if the time of the call ends before.
func (c *caller) pause(ctx context.Context, least, most time.Duration, purpose ...int) bool {
	d := least + c.world.chance.draw(most, append(purpose, c.copy, c.number)...)
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
	if c.process.dead.Load() {
		runtime.Goexit()
	}
	return ctx.Err() == nil
}

// die ends the process of a try: its later calls have no effect.
func (c *caller) die() {
	c.process.dead.Store(true)
	runtime.Goexit()
}

// shown returns the time of the state that a read shows.
func (c *caller) shown(index int) time.Time {
	if c.world.chance.lag == 0 {
		return time.Now()
	}
	return time.Now().Add(-c.world.chance.draw(c.world.chance.lag, c.copy, c.number, index, 4))
}

// call simulates a call to SendGrid, which takes a while. apply carries it out.
func (w *world) call(ctx context.Context, op sendgrid.Op, describe string, apply func() error) error {
	c, index, mode := begin(ctx, !op.Writes())
	mode = w.adjust(op, mode)
	if !op.Writes() && (mode == late || mode == nameless) {
		mode = lost
	}
	if !c.pause(ctx, time.Millisecond, 400*time.Millisecond, index, 1) {
		return &sendgrid.Error{Op: op, Err: ctx.Err()}
	}
	err := c.perform(index, mode, op, describe, apply)
	if !c.pause(ctx, time.Millisecond, 400*time.Millisecond, index, 2) {
		return &sendgrid.Error{Op: op, Sent: true, Err: ctx.Err()}
	}
	return err
}

// perform carries out a call in its mode, and returns what the caller gets.
func (c *caller) perform(index int, mode mode, op sendgrid.Op, describe string, apply func() error) error {
	w := c.world
	w.mu.Lock()
	defer w.mu.Unlock()
	w.trace("%s: %s%s", c, describe, mode.note())
	failure := func(status int) error { return &sendgrid.Error{Op: op, Sent: true, StatusCode: status} }
	switch mode {
	case succeeds, nameless:
		return apply()
	case diesBefore:
		c.die()
	case diesAfter:
		_ = apply()
		c.die()
	case lost:
		_ = apply()
		return failure(http.StatusGatewayTimeout)
	case late:
		after := w.chance.draw(maxLate-time.Second, c.copy, c.number, index, 3)
		time.AfterFunc(after, func() {
			w.mu.Lock()
			defer w.mu.Unlock()
			c.late = true
			_ = apply()
		})
		return failure(http.StatusGatewayTimeout)
	case never:
		return failure(http.StatusGatewayTimeout)
	case forbidden:
		return failure(http.StatusForbidden)
	case limited:
		return failure(http.StatusTooManyRequests)
	case unsent:
		return &sendgrid.Error{Op: op, Err: errors.New("no connection")}
	case modes:
	}
	panic("not a mode")
}

// trace records what happened.
func (w *world) trace(format string, args ...any) {
	w.steps = append(w.steps, fmt.Sprintf("%12.6f  ", time.Since(w.began).Seconds())+fmt.Sprintf(format, args...))
}

// require records a broken promise.
func (w *world) require(kept bool, format string, args ...any) {
	if !kept && w.broken == "" {
		w.broken = fmt.Sprintf(format, args...)
		w.trace("BROKEN: %s", w.broken)
	}
}

// faultyLedger is the ledger as one process calls it.
type faultyLedger struct{ world *world }

var errLedger = errors.New("the table does not respond")

func (l faultyLedger) Get(ctx context.Context, key string) (protocol.Entry, error) {
	c, index, mode := begin(ctx, true)
	if !c.pause(ctx, time.Millisecond, 20*time.Millisecond, index, 5) {
		return protocol.Entry{}, ctx.Err()
	}
	switch mode {
	case diesBefore, diesAfter:
		c.die()
	case lost, never, late:
		return protocol.Entry{}, errLedger
	case succeeds, forbidden, limited, unsent, nameless, modes:
	}
	return l.world.ledger.Get(ctx, key)
}

func (l faultyLedger) Put(ctx context.Context, e protocol.Entry) (current protocol.Entry, stored bool, err error) {
	c, index, mode := begin(ctx, true)
	if !c.pause(ctx, time.Millisecond, 20*time.Millisecond, index, 5) {
		return protocol.Entry{}, false, ctx.Err()
	}
	l.world.mu.Lock()
	defer l.world.mu.Unlock()
	switch mode {
	case diesBefore:
		c.die()
	case never:
		c.lostRecord = true
		return protocol.Entry{}, false, errLedger
	case late: // A late copy of the write.
		c.lostRecord = true
		time.AfterFunc(l.world.chance.draw(maxLate, c.copy, c.number, index, 6), func() { _, _, _ = l.world.ledger.Put(ctx, e) })
		return protocol.Entry{}, false, errLedger
	case succeeds, diesAfter, lost, forbidden, limited, unsent, nameless, modes: // The modes of SendGrid's calls alone, and those that take effect after the write.
	}
	before, _ := l.world.ledger.Get(ctx, e.Key)
	current, stored, err = l.world.ledger.Put(ctx, e)
	if stored {
		l.world.recorded(ctx, before, e)
	}
	l.world.trace("%s: ledger %s owner=%t stored=%t%s", c, e.State, e.Owner != "", stored, mode.note())
	if mode == diesAfter {
		c.die()
	}
	if mode == lost {
		return protocol.Entry{}, false, errLedger
	}
	return current, stored, err
}
