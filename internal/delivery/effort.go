package delivery

import (
	"context"
	"slices"
	"sync"

	"sendgrid-sso-integration/sendgrid"
)

// Effort is what is done for one delivery below the handler: the SendGrid client and the secret
// caches report to the one that their context carries. Its methods may be called concurrently; a nil
// one is empty.
type Effort struct {
	mu          sync.Mutex
	calls       []sendgrid.Call
	secretReads int
}

type effortKey struct{}

// Count returns a context whose calls and secret reads count as e's.
func (e *Effort) Count(ctx context.Context) context.Context {
	return context.WithValue(ctx, effortKey{}, e)
}

// CountCall records a request to SendGrid. It is the OnCall of a sendgrid.Client.
func CountCall(ctx context.Context, call sendgrid.Call) {
	if e, ok := ctx.Value(effortKey{}).(*Effort); ok {
		e.mu.Lock()
		defer e.mu.Unlock()
		e.calls = append(e.calls, call)
	}
}

// CountSecretRead records that a secret was read. It is the OnFetch of a secret cache.
func CountSecretRead(ctx context.Context, _ error) {
	if e, ok := ctx.Value(effortKey{}).(*Effort); ok {
		e.mu.Lock()
		defer e.mu.Unlock()
		e.secretReads++
	}
}

// Calls returns the requests to SendGrid so far.
func (e *Effort) Calls() []sendgrid.Call {
	if e == nil {
		return nil
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	return slices.Clone(e.calls)
}

// SecretReads returns how often a secret was read from Secrets Manager so far.
func (e *Effort) SecretReads() int {
	if e == nil {
		return 0
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.secretReads
}
