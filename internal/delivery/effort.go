package delivery

import (
	"context"

	"sendgrid-sso-integration/internal/tally"
	"sendgrid-sso-integration/sendgrid"
)

// Effort is what is done for one delivery below the handler: the SendGrid client reports to the one that
// its context carries. Its methods may be called concurrently; a nil one is empty.
type Effort struct {
	calls tally.List[sendgrid.Call]
}

// Count returns a context whose calls count as e's.
func (e *Effort) Count(ctx context.Context) context.Context { return e.calls.In(ctx) }

// CountCall records a request to SendGrid. It is the OnCall of a sendgrid.Client.
func CountCall(ctx context.Context, call sendgrid.Call) { tally.Add(ctx, call) }

// Calls returns the requests to SendGrid so far.
func (e *Effort) Calls() []sendgrid.Call {
	if e == nil {
		return nil
	}
	return e.calls.Items()
}
