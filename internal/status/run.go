package status

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"time"
)

// Result is the result of a check.
type Result struct {
	Name string `json:"name"`
	OK   bool   `json:"ok"`
	// Message is what was found and, if it is not ok, what to do.
	Message string `json:"message"`
	// Cause is the error behind it, for the log.
	Cause error `json:"-"`
}

// Check is something that is checked.
type Check struct {
	Name string
	// Run returns what it found. Its errors are of type *Problem.
	Run func(context.Context) (message string, err error)
}

// runAll runs checks concurrently. One that does not end within the limit, at which ctx ends, is not ok, and is
// not waited for any longer than grace.
func runAll(ctx context.Context, limit, grace time.Duration, checks []Check) []Result {
	late := fmt.Sprintf("This check did not end within %s. ", limit.Round(time.Second/10))
	done := make([]chan Result, len(checks))
	for at, c := range checks {
		done[at] = make(chan Result, 1)
		go func() { done[at] <- c.run(ctx, late) }()
	}
	timer := time.NewTimer(limit + grace)
	defer timer.Stop()
	results := make([]Result, len(checks))
	for at, c := range checks {
		select {
		case results[at] = <-done[at]:
			continue
		default:
		}
		select {
		case results[at] = <-done[at]:
		case <-timer.C:
			timer.Reset(0) // For those that follow.
			results[at] = Result{Name: c.Name, Message: late + "What it asks does not respond. Run the status again; if that persists, check the status page of the service, and the way of the function to it."}
		}
	}
	return results
}

// run runs the check. late begins the message of one that was ended because the time was over.
func (c Check) run(ctx context.Context, late string) (r Result) {
	r.Name = c.Name
	fail := func(cause error) {
		r.OK, r.Message, r.Cause = false, "This check failed because of a mistake in this function; its log has the cause.", cause
	}
	defer func() {
		if cause := recover(); cause != nil { // There is a report even then.
			fail(fmt.Errorf("panic: %v\n%s", cause, debug.Stack()))
		}
	}()
	message, err := c.Run(ctx)
	var p *Problem
	switch {
	case err == nil:
		r.OK, r.Message = true, message
	case !errors.As(err, &p): // Its text may be anything.
		fail(err)
	case ctx.Err() != nil:
		r.Message, r.Cause = late+p.Message, p.Err
	default:
		r.Message, r.Cause = p.Message, p.Err
	}
	return r
}

// Problem is an error whose message is for people, with its cause for the log.
type Problem struct {
	Message string
	Err     error
}

func (p *Problem) Error() string { return p.Message }

// Unwrap returns the cause, nil if there is none.
func (p *Problem) Unwrap() error { return p.Err }
