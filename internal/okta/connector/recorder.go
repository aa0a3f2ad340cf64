package connector

import (
	"context"
	"slices"
	"sync"

	"sendgrid-sso-integration/internal/okta"
)

// recorder collects the calls to Okta for one delivery.
type recorder struct {
	mu    sync.Mutex
	calls []okta.Call
}

type recorderKey struct{}

func withRecorder(ctx context.Context) (context.Context, *recorder) {
	r := &recorder{}
	return context.WithValue(ctx, recorderKey{}, r), r
}

// CountCall records a request to Okta for the delivery that ctx belongs to, if any. It is the
// OnCall of an okta.Client.
func CountCall(ctx context.Context, call okta.Call) {
	if r, ok := ctx.Value(recorderKey{}).(*recorder); ok {
		r.mu.Lock()
		defer r.mu.Unlock()
		r.calls = append(r.calls, call)
	}
}

func (r *recorder) list() []okta.Call {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.calls)
}
