// Package secret reads one AWS Secrets Manager value: cached, refreshed, and redacted when printed.
package secret

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"time"
)

const (
	// fetchTimeout bounds one fetch with all the SDK's retries, because a fetch outlives the caller that
	// started it. It leaves most of an HTTP gateway's 29 seconds to the work that needs the secret.
	fetchTimeout = 5 * time.Second

	// staleBackoff is how long a value that could not be refreshed is served before the next attempt,
	// so that an outage of Secrets Manager does not slow down every call. It is never more than the TTL.
	staleBackoff = 10 * time.Second
)

// Options of a Cache. The zero value fetches on every Get. All times are measured by the wall clock.
type Options struct {
	// TTL is how long a value is served without a refresh.
	TTL time.Duration

	// MinRefresh is the minimum time between two fetches that Refresh forces; zero is no limit. It prevents
	// callers who can cause a refresh, such as senders of wrong signatures, from causing many calls.
	MinRefresh time.Duration

	// FailureBackoff is how long an empty cache returns the error of the last fetch instead of fetching
	// again; zero fetches for each caller. It limits the calls that strangers can cause during an outage.
	FailureBackoff time.Duration

	// OnFetch, if set, is called after each fetch, with its error if it failed. The context carries
	// the values of the caller that started the fetch, and is never cancelled.
	OnFetch func(ctx context.Context, err error)

	// Logger gets a warning when a value could not be refreshed; nil discards it.
	Logger *slog.Logger
}

// Cache caches one secret, parsed to T. It is safe for concurrent use.
type Cache[T any] struct {
	api   API
	id    string
	parse func(string) (T, error)
	opts  Options

	mu       sync.Mutex
	cached   *entry[T]       // the last value that was fetched; nil before the first
	pending  *sharedFetch[T] // the fetch in progress; nil if there is none
	failure  error           // the error of the last fetch; nil if it succeeded
	failedAt time.Time       // when failure occurred
	forcedAt time.Time       // when Refresh last started a fetch
}

// entry is one version of the secret. It is immutable.
type entry[T any] struct {
	value   T
	version string
	at      time.Time
}

// sharedFetch is one fetch, for which any number of callers wait.
type sharedFetch[T any] struct {
	done   chan struct{} // closed when the other fields are set
	cached *entry[T]     // the cached value after the fetch, even if err is set
	err    error
}

// NewCache returns a cache of the secret with that name or ARN. It does not fetch it yet.
//
// An error of parse means that the content is unusable. Its text continues the sentence that begins with
// `secret "id"` and must not quote the content, which the errors of encoding/json do.
// All callers get the same T, so they must not modify what it refers to.
func NewCache[T any](api API, id string, parse func(string) (T, error), opts Options) *Cache[T] {
	if opts.Logger == nil {
		opts.Logger = slog.New(slog.DiscardHandler)
	}
	return &Cache[T]{api: api, id: id, parse: parse, opts: opts}
}

// Format implements fmt.Formatter with the name of the secret, because fmt would print the value with the fields.
func (c *Cache[T]) Format(f fmt.State, _ rune) { _, _ = fmt.Fprintf(f, "secret %q", c.id) }

// Get returns the secret and its version: the cached value if it is younger than the TTL, or else a new one.
// If a refresh fails, it returns the old value: most likely that is still valid, and its user finds out.
// The error is an *Error, or that of ctx if it ends first.
func (c *Cache[T]) Get(ctx context.Context) (value T, version string, err error) {
	cached, err := c.load(ctx, false, func() bool {
		return within(c.opts.TTL, c.cached.at) || c.failedWithin(min(staleBackoff, c.opts.TTL))
	})
	if cached == nil {
		return value, "", err
	}
	return cached.value, cached.version, nil
}

// Refresh fetches the secret for a caller to whom the given version was of no use. It does not fetch if
// another version is cached by now or the last forced fetch is less than Options.MinRefresh ago;
// so the version it returns may be the same. If the fetch fails, the old value stays cached but the error
// is returned.
func (c *Cache[T]) Refresh(ctx context.Context, version string) (value T, current string, err error) {
	cached, err := c.load(ctx, true, func() bool {
		return c.cached.version != version || (c.pending == nil && within(c.opts.MinRefresh, c.forcedAt))
	})
	if err != nil {
		return value, "", err
	}
	return cached.value, cached.version, nil
}

// load returns the cached value if there is one and suffices returns true, or else the outcome of a fetch,
// which may be both an error and the value that stays cached. It calls suffices with c.mu locked.
func (c *Cache[T]) load(ctx context.Context, forced bool, suffices func() bool) (*entry[T], error) {
	cached, f, err := c.cachedOrFetch(ctx, forced, suffices)
	if f == nil {
		return cached, err
	}
	select {
	case <-f.done:
		return f.cached, f.err
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// cachedOrFetch joins the fetch in progress, or starts one, if neither the cached value nor the last failure
// answers the caller.
func (c *Cache[T]) cachedOrFetch(ctx context.Context, forced bool, suffices func() bool) (*entry[T], *sharedFetch[T], error) {
	c.mu.Lock()
	defer c.mu.Unlock()

	switch {
	case c.cached != nil && suffices():
		return c.cached, nil, nil
	case c.cached == nil && c.failedWithin(c.opts.FailureBackoff):
		return nil, nil, c.failure
	}
	if err := ctx.Err(); err != nil {
		return nil, nil, err
	}
	if c.pending == nil {
		c.pending = &sharedFetch[T]{done: make(chan struct{})}
		if forced {
			c.forcedAt = now()
		}
		// The end of this caller's context must not end the fetch for the others.
		go c.fetchShared(context.WithoutCancel(ctx), c.pending)
	}
	return nil, c.pending, nil
}

// fetchShared fetches the secret and releases the callers that wait for it.
func (c *Cache[T]) fetchShared(ctx context.Context, f *sharedFetch[T]) {
	bounded, cancel := context.WithTimeout(ctx, fetchTimeout)
	defer cancel()

	fetched, err := c.fetch(bounded)
	if c.opts.OnFetch != nil {
		c.opts.OnFetch(ctx, err)
	}

	f.cached, f.err = c.finish(fetched, err), err
	if err != nil && f.cached != nil {
		c.opts.Logger.WarnContext(ctx, "the secret could not be refreshed; the cached value stays in use",
			slog.String("secret_id", c.id), slog.String("version", f.cached.version), slog.Time("fetched_at", f.cached.at), slog.Any("error", err))
	}
	close(f.done)
}

// finish records the outcome of a fetch and returns the cached value after it.
func (c *Cache[T]) finish(fetched *entry[T], err error) *entry[T] {
	c.mu.Lock()
	defer c.mu.Unlock()

	c.pending, c.failure = nil, err
	if err != nil {
		c.failedAt = now()
	} else {
		c.cached = fetched
	}
	return c.cached
}

// failedWithin reports whether the last fetch failed less than d ago.
func (c *Cache[T]) failedWithin(d time.Duration) bool {
	return c.failure != nil && within(d, c.failedAt)
}

// now is the wall clock only: the monotonic clock stops while Lambda freezes the process, so a value would
// seem younger than it is.
func now() time.Time { return time.Now().Round(0) }

// within reports whether t is less than d ago. A time in the future, after the clock was set back, is not.
func within(d time.Duration, t time.Time) bool {
	age := now().Sub(t)
	return age >= 0 && age < d
}
