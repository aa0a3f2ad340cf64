package provision

import (
	"context"
	"errors"
	"runtime"
	"sync"
	"time"

	"sendgrid-sso-integration/internal/retry"
	"sendgrid-sso-integration/sendgrid"
)

const (
	// gatherTime bounds how long a list waits for attempts that are about to want it. They
	// are taking their entries, which is one write to the ledger.
	gatherTime = 100 * time.Millisecond
	// maxBehind bounds how long a list waits for the one before it, so that a connection that
	// hangs delays nobody but those who wait for it.
	maxBehind = time.Second
	// endTime bounds how long an attempt whose time is over waits for a call to say why.
	endTime = 50 * time.Millisecond
)

// sharedList lets the concurrent attempts of a process share the list of integrations.
//
// A list serves every attempt that joined it before it was sent, and no other. So it is as good
// as a list of the attempt's own. Let an attempt take its entry at time T.
// The plan needs a list that was sent after T, because then the list shows the effect of
// every write that was sent, and has settled, under an earlier lease of the entry. The
// attempt joins after T, and a call accepts joins only while it is unsent: seal ends that,
// under the same mutex as join, and only then is the request made. So the order is always
// taken < joined < sealed < sent, and the list was sent after T. A list in flight was sealed
// before the attempt joined, maybe before T; the attempt waits for the next one instead.
//
// A list that failed and is sent again is unsent until then, so it may be joined once more.
//
// The zero value is ready to use. What it returns is shared and must not be changed.
type sharedList struct {
	mu sync.Mutex
	// expected counts the attempts that are about to join.
	expected int
	// next is the call that can be joined, nil if there is none.
	next *listCall
	// last is the call that was sealed last.
	last *listCall
}

// listCall is one list for several attempts.
type listCall struct {
	// complete is closed once nobody is expected any more.
	complete chan struct{}
	// repeats decides whether a list that failed is tried again.
	repeats repeats
	// done is closed once the call has ended.
	done chan struct{}

	// Under the mutex of the sharedList:
	waiting int
	// deadline and maxWait are the latest of those who wait.
	deadline, maxWait time.Time
	cancel            context.CancelFunc
	// before is the error of the tries so far.
	before error

	// After done:
	list     []sendgrid.Integration
	err      error
	panicked any
	exited   bool
}

// repeats reports whether a read that failed is tried again, and after what time.
type repeats func(ctx context.Context, maxWait time.Time, err error, try int) (wait time.Duration, again bool)

// expect announces an attempt that is about to join. The function that it returns ends that,
// once; join does not.
func (s *sharedList) expect() (arrived func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.expected++
	return sync.OnceFunc(func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.expected--
		if s.expected == 0 && s.next != nil {
			s.next.gathered()
		}
	})
}

func (c *listCall) gathered() {
	select {
	case <-c.complete:
	default:
		close(c.complete)
	}
}

// join waits for a list that is sent after the call of join. The list is tried as often as
// any read, ends with the last of those who wait for it, and pauses for a rate limit as long
// as the last of them: until maxWait. A panic in send is one of everybody who waits.
func (s *sharedList) join(
	ctx context.Context, maxWait time.Time, arrived func(), repeats repeats, send func(context.Context) ([]sendgrid.Integration, error),
) ([]sendgrid.Integration, error) {
	c := s.enter(ctx, maxWait, repeats, send)
	arrived()
	select {
	case <-c.done:
	case <-ctx.Done():
		s.leave(c)
		return nil, s.reason(c, &sendgrid.Error{Op: sendgrid.OpListIntegrations, Sent: true, Err: context.Cause(ctx)})
	}
	switch {
	case c.panicked != nil:
		panic(c.panicked)
	case c.exited:
		runtime.Goexit()
	}
	return c.list, c.err
}

// reason returns why an attempt has no list at the end of its time: what the tries of the call said,
// or else that it ended. A call for which nobody waits any longer ends at once.
func (s *sharedList) reason(c *listCall, ended error) error {
	timer := time.NewTimer(endTime)
	defer timer.Stop()
	select {
	case <-c.done:
	case <-timer.C:
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if c.before == nil || errors.Is(c.before, context.Canceled) && sendgrid.ClassOf(c.before) != sendgrid.NoKey { // It ended because this attempt left.
		return ended
	}
	return informative(ended, c.before)
}

// enter returns the unsent call, a new one if there is none.
func (s *sharedList) enter(ctx context.Context, maxWait time.Time, repeats repeats, send func(context.Context) ([]sendgrid.Integration, error)) *listCall {
	s.mu.Lock()
	defer s.mu.Unlock()
	c := s.next
	if c == nil {
		c = &listCall{repeats: repeats, complete: make(chan struct{}), done: make(chan struct{}), cancel: func() {}}
		s.next = c
		// The values of the first attempt's context let its telemetry count the call.
		go s.run(context.WithoutCancel(ctx), c, s.last, send)
	}
	c.waiting++
	if deadline, _ := ctx.Deadline(); deadline.After(c.deadline) {
		c.deadline = deadline
	}
	if maxWait.After(c.maxWait) {
		c.maxWait = maxWait
	}
	return c
}

// leave ends a call for which nobody waits any more.
func (s *sharedList) leave(c *listCall) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if c.waiting--; c.waiting == 0 {
		if s.next == c {
			s.next = nil
		}
		c.cancel()
	}
}

// run makes the call once the call before it has ended.
func (s *sharedList) run(ctx context.Context, c, before *listCall, send func(context.Context) ([]sendgrid.Integration, error)) {
	returned := false
	defer func() {
		if !returned {
			c.panicked = recover()
			c.exited = c.panicked == nil
		}
		s.mu.Lock()
		defer s.mu.Unlock()
		if s.next == c {
			s.next = nil
		}
		if s.last == c {
			s.last = nil // It would keep the list in memory.
		}
		c.cancel()
		close(c.done)
	}()
	s.awaitTurn(c, before)
	for try := 0; ; try++ {
		sending, maxWait, wanted := s.seal(ctx, c)
		if !wanted {
			break
		}
		c.err = within(sending, func(ctx context.Context) (err error) {
			c.list, err = send(ctx)
			return err
		})
		wait, again := c.repeats(sending, maxWait, c.err, try)
		s.note(c)
		if !again {
			break
		}
		s.reopen(c)
		retry.Sleep(sending, wait) // If nobody waits any more, this ends early.
	}
	returned = true
}

// note keeps the error of a try, or of those before it, for attempts whose time ends before the
// call, and for the call itself.
func (s *sharedList) note(c *listCall) {
	if c.err == nil {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	c.err = informative(c.err, c.before)
	c.before = c.err
}

// awaitTurn waits for the call before, and for the attempts that are about to join.
func (s *sharedList) awaitTurn(c, before *listCall) {
	if before != nil {
		timer := time.NewTimer(maxBehind)
		defer timer.Stop()
		select {
		case <-before.done:
		case <-timer.C:
		}
	}
	s.mu.Lock()
	if s.expected == 0 {
		c.gathered()
	}
	s.mu.Unlock()
	timer := time.NewTimer(gatherTime)
	defer timer.Stop()
	select {
	case <-c.complete:
	case <-timer.C:
	}
}

// seal ends joining, right before the call is sent. It reports whether anybody waits for it.
func (s *sharedList) seal(ctx context.Context, c *listCall) (sending context.Context, maxWait time.Time, wanted bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.next == c {
		s.next = nil
	}
	s.last = c
	c.cancel()
	sending, c.cancel = context.WithDeadline(ctx, c.deadline)
	return sending, c.maxWait, c.waiting > 0
}

// reopen lets attempts join a call that is going to be sent again, unless they have another
// one to join already.
func (s *sharedList) reopen(c *listCall) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.next == nil && c.waiting > 0 {
		s.next = c
	}
}
