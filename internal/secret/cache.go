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
	// began it. It leaves most of an HTTP gateway's 29 seconds to the work that the secret is for.
	fetchTimeout = 5 * time.Second

	// failureBackoff is how long a value that could not be refreshed is served before the next try,
	// so that an outage of Secrets Manager does not slow down every call. It is never more than the TTL.
	failureBackoff = 10 * time.Second
)

// Options of a Cache. The zero value fetches on every Get.
type Options struct {
	// TTL is how long a value is served without asking again.
	TTL time.Duration

	// MinRefresh is the least time between two fetches that Refresh forces; zero is no limit. It keeps
	// callers who can provoke a refresh, such as senders of bad signatures, from running up calls.
	MinRefresh time.Duration

	// OnFetch, if set, is called after each fetch, with its error if it failed. The context carries
	// the values of the caller that began the fetch, and is never cancelled.
	OnFetch func(ctx context.Context, err error)

	// Logger gets a warning when an old value is kept; nil discards it.
	Logger *slog.Logger
}

// Cache holds one secret, parsed to T. It is safe for concurrent use.
type Cache[T any] struct {
	api   API
	id    string
	parse func(string) (T, error)
	opts  Options

	mu       sync.Mutex
	held     *entry[T]  // the last good value; nil before the first
	flight   *flight[T] // the fetch under way; nil if none is
	failedAt time.Time  // when a fetch last failed
	forcedAt time.Time  // when Refresh last began a fetch
}

// entry is one version of the secret. It is not changed once made.
type entry[T any] struct {
	value   T
	version string
	at      time.Time
}

// flight is one fetch, for which any number of callers wait.
type flight[T any] struct {
	done chan struct{} // closed when the other fields are set
	held *entry[T]     // what the cache held at the end, though err may be set
	err  error
}

// NewCache returns a cache of the secret with that name or ARN; it reads nothing yet.
//
// The error of parse means that the content is unusable. Its text continues the sentence that begins with
// `secret "id"` and must not quote the content, which the errors of encoding/json do.
// All callers get the same T, so they must not change what it refers to.
func NewCache[T any](api API, id string, parse func(string) (T, error), opts Options) *Cache[T] {
	if opts.Logger == nil {
		opts.Logger = slog.New(slog.DiscardHandler)
	}
	return &Cache[T]{api: api, id: id, parse: parse, opts: opts}
}

// Format implements fmt.Formatter with the name of the secret, lest the value be printed with the fields.
func (c *Cache[T]) Format(f fmt.State, _ rune) { _, _ = fmt.Fprintf(f, "secret %q", c.id) }

// Get returns the secret and its version: what is held while younger than the TTL, or else fetched.
// If a refresh fails, the old value is kept and returned: most likely it is still good, and whoever uses it
// finds out. The error is an *Error, or that of ctx if it ends first.
func (c *Cache[T]) Get(ctx context.Context) (value T, version string, err error) {
	held, err := c.load(ctx, false, func() bool {
		return within(c.opts.TTL, c.held.at) || within(min(failureBackoff, c.opts.TTL), c.failedAt)
	})
	if held == nil {
		return value, "", err
	}
	return held.value, held.version, nil
}

// Refresh returns the secret anew, for a caller to whom the given version was of no use. It fetches, unless
// another version is held by now or the last forced fetch is less than Options.MinRefresh ago;
// so the version it returns may be the same. If the fetch fails, the old value is kept but the error returned.
func (c *Cache[T]) Refresh(ctx context.Context, version string) (value T, current string, err error) {
	held, err := c.load(ctx, true, func() bool {
		return c.held.version != version || (c.flight == nil && within(c.opts.MinRefresh, c.forcedAt))
	})
	if err != nil {
		return value, "", err
	}
	return held.value, held.version, nil
}

// load returns what is held if there is something and enough says that it will do, or else the
// outcome of a fetch, which may be both an error and the value still held. It calls enough with c.mu locked.
func (c *Cache[T]) load(ctx context.Context, forced bool, enough func() bool) (*entry[T], error) {
	held, f, err := c.heldOrFlight(ctx, forced, enough)
	if f == nil {
		return held, err
	}
	select {
	case <-f.done:
		return f.held, f.err
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// heldOrFlight joins the fetch under way, or begins one, if what is held will not do.
func (c *Cache[T]) heldOrFlight(ctx context.Context, forced bool, enough func() bool) (*entry[T], *flight[T], error) {
	c.mu.Lock()
	defer c.mu.Unlock()

	if c.held != nil && enough() {
		return c.held, nil, nil
	}
	if err := ctx.Err(); err != nil {
		return nil, nil, err
	}
	if c.flight == nil {
		c.flight = &flight[T]{done: make(chan struct{})}
		if forced {
			c.forcedAt = now()
		}
		// The end of this caller must not be the end of the others that wait.
		go c.fly(context.WithoutCancel(ctx), c.flight)
	}
	return nil, c.flight, nil
}

// fly fetches the secret and lets those who wait have it.
func (c *Cache[T]) fly(ctx context.Context, f *flight[T]) {
	bounded, cancel := context.WithTimeout(ctx, fetchTimeout)
	defer cancel()

	fetched, err := c.fetch(bounded)
	if c.opts.OnFetch != nil {
		c.opts.OnFetch(ctx, err)
	}

	f.held, f.err = c.land(fetched, err), err
	if err != nil && f.held != nil {
		c.opts.Logger.WarnContext(ctx, "secret could not be refreshed; keeping the value held",
			slog.String("secret_id", c.id), slog.String("version", f.held.version), slog.Time("fetched_at", f.held.at), slog.Any("error", err))
	}
	close(f.done)
}

// land ends the flight and returns what is held after it.
func (c *Cache[T]) land(fetched *entry[T], err error) *entry[T] {
	c.mu.Lock()
	defer c.mu.Unlock()

	c.flight = nil
	if err != nil {
		c.failedAt = now()
	} else {
		c.held = fetched
	}
	return c.held
}

// now is the wall clock alone: the monotonic clock stands still while Lambda freezes the process,
// and a value would look younger than it is.
func now() time.Time { return time.Now().Round(0) }

// within reports whether t is less than d ago. A time in the future, after the clock was set back, is not.
func within(d time.Duration, t time.Time) bool {
	age := now().Sub(t)
	return age >= 0 && age < d
}
