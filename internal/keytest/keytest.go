// Package keytest is a source of API keys for tests.
package keytest

import "context"

// Keys is a key source. Calling a function that the test has not set is a failure.
type Keys struct {
	OnKey   func(context.Context) (key, version string, err error)
	OnRenew func(ctx context.Context, rejected string) (key, version string, err error)
}

// Fixed returns a key source that has one key in one version.
func Fixed(key string) *Keys {
	return &Keys{
		OnKey:   func(context.Context) (string, string, error) { return key, "v1", nil },
		OnRenew: func(context.Context, string) (string, string, error) { return key, "v1", nil },
	}
}

// Key returns what OnKey returns.
func (k *Keys) Key(ctx context.Context) (key, version string, err error) {
	if k.OnKey == nil {
		panic("unexpected call of Key")
	}
	return k.OnKey(ctx)
}

// RenewKey returns what OnRenew returns.
func (k *Keys) RenewKey(ctx context.Context, rejected string) (key, version string, err error) {
	if k.OnRenew == nil {
		panic("unexpected call of RenewKey")
	}
	return k.OnRenew(ctx, rejected)
}
