package delivery

import (
	"context"

	"sendgrid-sso-integration/internal/tally"
	"sendgrid-sso-integration/sendgrid"
)

// Effort is what is done for one delivery below the handler: the SendGrid client and the secret
// caches report to the one that their context carries. Its methods may be called concurrently; a nil
// one is empty.
type Effort struct {
	calls       tally.List[sendgrid.Call]
	secretReads tally.List[secretRead]
}

// secretRead is one read of a secret from Secrets Manager.
type secretRead struct{}

// Count returns a context whose calls and secret reads count as e's.
func (e *Effort) Count(ctx context.Context) context.Context {
	return e.secretReads.In(e.calls.In(ctx))
}

// CountCall records a request to SendGrid. It is the OnCall of a sendgrid.Client.
func CountCall(ctx context.Context, call sendgrid.Call) { tally.Add(ctx, call) }

// CountSecretRead records that a secret was read. It is the OnFetch of a secret cache.
func CountSecretRead(ctx context.Context, _ error) { tally.Add(ctx, secretRead{}) }

// Calls returns the requests to SendGrid so far.
func (e *Effort) Calls() []sendgrid.Call {
	if e == nil {
		return nil
	}
	return e.calls.Items()
}

// SecretReads returns how often a secret was read from Secrets Manager so far.
func (e *Effort) SecretReads() int {
	if e == nil {
		return 0
	}
	return len(e.secretReads.Items())
}
