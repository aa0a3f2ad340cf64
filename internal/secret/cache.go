// Package secret reads one AWS Secrets Manager value: cached, refreshed, and redacted when printed.
package secret

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"
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

	// MaxStale, if set, is for a secret that others authenticate with, which must stop working once it is
	// revoked: a value is served for at most this long after it was fetched, and not at all once a fetch
	// fails with an error that is Definite. If zero, a value is served until it is replaced.
	MaxStale time.Duration

	// Logger gets a warning when a value could not be refreshed and stays in use; nil discards it.
	Logger *slog.Logger

	// Now is a clock for tests; nil is the wall clock only. The monotonic clock stops while Lambda freezes
	// the process, so a value would seem younger than it is.
	Now func() time.Time
}

// Cache caches one secret, parsed to T. It is safe for concurrent use.
type Cache[T any] struct {
	api   API
	id    string
	parse func(string) (T, error)
	opts  Options

	mu       sync.Mutex
	cached   *entry[T]       // the last value that was fetched; nil if there is none or it was revoked
	pending  *sharedFetch[T] // the fetch in progress; nil if there is none
	failure  error           // the error of the last fetch; nil if it succeeded
	failedAt time.Time       // when failure occurred
	forcedAt time.Time       // when Refresh last started a fetch
}

// entry is one version of the secret. It is immutable.
type entry[T any] struct {
	value   T
	version string
	at      time.Time // when its fetch started: it is at least this recent
}

// sharedFetch is one fetch, for which any number of callers wait.
type sharedFetch[T any] struct {
	at     time.Time     // when it started
	done   chan struct{} // closed when the fields below are set
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
	if opts.Now == nil {
		opts.Now = func() time.Time { return time.Now().Round(0) }
	}
	return &Cache[T]{api: api, id: id, parse: parse, opts: opts}
}

// Format implements fmt.Formatter with the name of the secret, because fmt would print the value with the fields.
func (c *Cache[T]) Format(f fmt.State, _ rune) { _, _ = fmt.Fprintf(f, "secret %q", c.id) }

// Get returns the secret and its version: the cached value if it is younger than the TTL, or else a new one.
// If a refresh fails, it returns the old value as long as Options.MaxStale allows: most likely that is still
// valid. The error is an *Error, or that of ctx if it ends first.
func (c *Cache[T]) Get(ctx context.Context) (value T, version string, err error) {
	cached, err := c.load(ctx, false, func(cached *entry[T]) bool {
		return c.within(c.opts.TTL, cached.at) || c.failedWithin(min(staleBackoff, c.opts.TTL))
	})
	if cached == nil {
		return value, "", err
	}
	return cached.value, cached.version, nil
}

// Refresh fetches the secret for a caller to whom the given version was of no use. It does not fetch if
// another version is cached by now or the last forced fetch is less than Options.MinRefresh ago;
// so the version it returns may be the same. If the fetch fails, the error is returned; the old value stays
// cached as Options.MaxStale allows.
func (c *Cache[T]) Refresh(ctx context.Context, version string) (value T, current string, err error) {
	cached, err := c.load(ctx, true, func(cached *entry[T]) bool {
		return cached.version != version || (c.joinable() == nil && c.within(c.opts.MinRefresh, c.forcedAt))
	})
	if err != nil {
		return value, "", err
	}
	return cached.value, cached.version, nil
}

// load returns the cached value if there is one and suffices returns true, or else the outcome of a fetch,
// which may be both an error and the value that stays cached. It calls suffices with c.mu locked.
func (c *Cache[T]) load(ctx context.Context, forced bool, suffices func(*entry[T]) bool) (*entry[T], error) {
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
// responds to the caller.
func (c *Cache[T]) cachedOrFetch(ctx context.Context, forced bool, suffices func(*entry[T]) bool) (*entry[T], *sharedFetch[T], error) {
	c.mu.Lock()
	defer c.mu.Unlock()

	cached := c.servable()
	switch {
	case cached != nil && suffices(cached):
		return cached, nil, nil
	case cached == nil && c.failedWithin(c.opts.FailureBackoff):
		return nil, nil, c.failure
	}
	if err := ctx.Err(); err != nil {
		return nil, nil, err
	}
	if c.joinable() == nil {
		c.pending = &sharedFetch[T]{at: c.opts.Now(), done: make(chan struct{})}
		if forced {
			c.forcedAt = c.pending.at
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
	f.cached, f.err = c.finish(f, fetched, err)
	if f.err != nil && f.cached != nil {
		c.opts.Logger.WarnContext(ctx, "the secret could not be refreshed; the cached value stays in use",
			slog.String("secret_id", c.id), slog.String("version", f.cached.version), slog.Time("fetched_at", f.cached.at), slog.Any("error", f.err))
	}
	close(f.done)
}

// finish records the outcome of a fetch, and returns what its callers get: the cached value after it, and the
// error. An outcome that comes too late is not recorded, because it may be as old as the fetch.
func (c *Cache[T]) finish(f *sharedFetch[T], fetched *entry[T], err error) (*entry[T], error) {
	c.mu.Lock()
	defer c.mu.Unlock()

	late := c.joinable() != f
	if c.pending == f {
		c.pending = nil
	}
	if late {
		return c.servable(), &Error{ID: c.id, Err: errLate}
	}
	c.failure = err
	switch {
	case err == nil:
		fetched.at = f.at
		c.cached = fetched
	case c.opts.MaxStale > 0 && isDefinite(err):
		c.cached, c.failedAt = nil, c.opts.Now()
	default:
		c.cached, c.failedAt = c.servable(), c.opts.Now()
	}
	return c.cached, err
}

// servable returns the cached value unless it is too old to be served.
func (c *Cache[T]) servable() *entry[T] {
	if c.cached != nil && c.opts.MaxStale > 0 && !c.within(c.opts.MaxStale, c.cached.at) {
		return nil
	}
	return c.cached
}

// joinable returns the fetch in progress. It ignores one that takes longer than its timeout allows: Lambda has
// frozen the process in the meantime, and the response may be as old as the fetch.
func (c *Cache[T]) joinable() *sharedFetch[T] {
	const allowance = fetchTimeout // Ending a call that has timed out takes time, too.
	if c.pending != nil && !c.within(fetchTimeout+allowance, c.pending.at) {
		return nil
	}
	return c.pending
}

// failedWithin reports whether the last fetch failed less than d ago.
func (c *Cache[T]) failedWithin(d time.Duration) bool {
	return c.failure != nil && c.within(d, c.failedAt)
}

// within reports whether t is less than d ago. A time in the future, after the clock was set back, is not.
func (c *Cache[T]) within(d time.Duration, t time.Time) bool {
	age := c.opts.Now().Sub(t)
	return age >= 0 && age < d
}

// API is the part of secretsmanager.Client that a Cache uses.
type API interface {
	GetSecretValue(
		ctx context.Context, in *secretsmanager.GetSecretValueInput, opts ...func(*secretsmanager.Options),
	) (*secretsmanager.GetSecretValueOutput, error)
}

var (
	errNoValue = errors.New("the response has no value")
	errBinary  = errors.New("is binary; store it as text")
	errEmpty   = errors.New("is empty; store a value in it")
	errLate    = errors.New("no response in time")
)

// fetch reads the current version of the secret, once. Its errors are all of type *Error.
func (c *Cache[T]) fetch(ctx context.Context) (*entry[T], error) {
	// Without a version or stage this is AWSCURRENT.
	out, err := c.api.GetSecretValue(ctx, &secretsmanager.GetSecretValueInput{SecretId: aws.String(c.id)})
	if err != nil {
		return nil, &Error{ID: c.id, Err: safeCause(err)}
	}

	text := aws.ToString(out.SecretString)
	switch {
	case out.SecretBinary != nil:
		return nil, &Error{ID: c.id, Unusable: true, Err: errBinary}
	case out.SecretString == nil:
		return nil, &Error{ID: c.id, Err: errNoValue}
	case strings.TrimSpace(text) == "":
		return nil, &Error{ID: c.id, Unusable: true, Err: errEmpty}
	}

	value, err := c.parse(text)
	if err != nil {
		return nil, &Error{ID: c.id, Unusable: true, Err: err}
	}
	return &entry[T]{value: value, version: aws.ToString(out.VersionId)}, nil
}
