// Package telemetry writes the log line of each delivery and the metrics of each invocation,
// from the finished records. What the SendGrid client and the secret caches report while a
// delivery is processed reaches its record by a Recorder in the context.
package telemetry

import (
	"context"
	"slices"
	"sync"

	"sendgrid-sso-integration/sendgrid"
)

// Recorder collects what is done for one delivery below the handler. Its methods may be
// called concurrently.
type Recorder struct {
	mu          sync.Mutex
	calls       []sendgrid.Call
	secretReads int
}

type recorderKey struct{}

// WithRecorder returns a context that carries a new Recorder.
func WithRecorder(ctx context.Context) (context.Context, *Recorder) {
	r := &Recorder{}
	return context.WithValue(ctx, recorderKey{}, r), r
}

// CountCall records a request to SendGrid with the Recorder that ctx carries, if any. It is
// the OnCall of a sendgrid.Client.
func CountCall(ctx context.Context, call sendgrid.Call) {
	if r, ok := ctx.Value(recorderKey{}).(*Recorder); ok {
		r.mu.Lock()
		defer r.mu.Unlock()
		r.calls = append(r.calls, call)
	}
}

// CountFetch records that a secret was read. It is the OnFetch of a secret cache.
func CountFetch(ctx context.Context, _ error) {
	if r, ok := ctx.Value(recorderKey{}).(*Recorder); ok {
		r.mu.Lock()
		defer r.mu.Unlock()
		r.secretReads++
	}
}

// Calls returns the requests to SendGrid so far.
func (r *Recorder) Calls() []sendgrid.Call {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.calls)
}

// SecretReads returns how often a secret was read so far.
func (r *Recorder) SecretReads() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.secretReads
}
