package sendgrid

import "context"

type observerKey struct{}

// WithObserver returns a context in which observe is called after each request, before
// Client.OnCall. It is for a caller that needs to know the rate limit that a successful response
// reports. It replaces an observer that ctx has.
func WithObserver(ctx context.Context, observe func(Call)) context.Context {
	return context.WithValue(ctx, observerKey{}, observe)
}

func (c *Client) report(ctx context.Context, call Call) {
	if observe, ok := ctx.Value(observerKey{}).(func(Call)); ok {
		observe(call)
	}
	if c.OnCall != nil {
		c.OnCall(ctx, call)
	}
}
