package secret_test

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"sendgrid-sso-integration/internal/secret"
)

// getter returns a Get that must succeed, and shows its value and version as one text.
func getter(t *testing.T, c *secret.Cache[string]) func() string {
	t.Helper()
	return func() string {
		t.Helper()
		value, version, err := c.Get(t.Context())
		require.NoError(t, err)
		return value + "@" + version
	}
}

func TestCacheServesUntilTheTTL(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		api := answers(answer{text: "a", version: "1"}, answer{text: "b", version: "2"})
		get := getter(t, newCache(api, secret.Options{TTL: time.Minute}))

		require.Equal(t, "a@1", get())
		time.Sleep(time.Minute - 1)
		require.Equal(t, "a@1", get())
		require.EqualValues(t, 1, api.calls.Load())

		time.Sleep(time.Nanosecond)
		require.Equal(t, "b@2", get())
		require.EqualValues(t, 2, api.calls.Load())
	})
}

func TestCacheWithoutTTLFetchesEachTime(t *testing.T) {
	t.Parallel()
	api := answers(answer{text: "a", version: "1"}, answer{err: errUnreachable}, answer{text: "b", version: "2"})
	get := getter(t, secret.NewCache(api, id, parsePlain, secret.Options{}))

	require.Equal(t, "a@1", get())
	require.Equal(t, "a@1", get(), "kept, since the refresh failed")
	require.Equal(t, "b@2", get(), "with no back-off")
}

func TestCacheKeepsTheOldValue(t *testing.T) {
	t.Parallel()
	for name, failed := range map[string]answer{
		"when unreachable":             {err: errUnreachable},
		"when there is no answer":      {after: time.Hour},
		"when the content is unusable": {text: "rubbish", version: "2"},
		"when the content is empty":    {text: " \n", version: "2"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				var log bytes.Buffer
				api := answers(answer{text: "a", version: "1"}, failed, failed, answer{text: "c", version: "3"})
				get := getter(t, newCache(api, secret.Options{
					TTL: time.Minute, Logger: slog.New(slog.NewTextHandler(&log, nil)),
				}))

				require.Equal(t, "a@1", get())
				require.Empty(t, log.String())
				time.Sleep(time.Minute)
				require.Equal(t, "a@1", get())
				require.Contains(t, log.String(), "level=WARN")
				require.Contains(t, log.String(), id)
				require.NotContains(t, log.String(), "rubbish")

				time.Sleep(10*time.Second - 1)
				require.Equal(t, "a@1", get())
				require.EqualValues(t, 2, api.calls.Load(), "backing off")

				time.Sleep(time.Nanosecond)
				require.Equal(t, "a@1", get())
				require.EqualValues(t, 3, api.calls.Load(), "tried again, in vain")

				time.Sleep(10 * time.Second)
				require.Equal(t, "c@3", get())
				time.Sleep(time.Minute - 1)
				require.Equal(t, "c@3", get())
				require.EqualValues(t, 4, api.calls.Load())
			})
		})
	}
}

func TestCacheBacksOffNoLongerThanTheTTL(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		api := answers(answer{text: "a", version: "1"}, answer{err: errUnreachable}, answer{text: "b", version: "2"})
		get := getter(t, newCache(api, secret.Options{TTL: time.Second}))

		require.Equal(t, "a@1", get())
		time.Sleep(time.Second)
		require.Equal(t, "a@1", get())
		time.Sleep(time.Second)
		require.Equal(t, "b@2", get())
	})
}

func TestCacheDoesNotKeepAnError(t *testing.T) {
	t.Parallel()
	api := answers(answer{err: errUnreachable}, answer{text: "a", version: "1"})
	c := newCache(api, secret.Options{})

	value, version, err := c.Get(t.Context())
	require.ErrorIs(t, err, errUnreachable)
	require.Empty(t, value)
	require.Empty(t, version)
	require.Equal(t, "a@1", getter(t, c)())
}

func TestCacheTellsOfEachFetch(t *testing.T) {
	t.Parallel()
	type key struct{}
	var told []error
	api := answers(answer{err: errUnreachable}, answer{text: "rubbish"}, answer{text: "a", version: "1"})
	c := newCache(api, secret.Options{OnFetch: func(ctx context.Context, err error) {
		require.Equal(t, "invocation", ctx.Value(key{}))
		require.NoError(t, ctx.Err())
		told = append(told, err)
	}})

	for range 5 {
		_, _, _ = c.Get(context.WithValue(t.Context(), key{}, "invocation"))
	}
	require.Len(t, told, 3)
	require.ErrorIs(t, told[0], errUnreachable)
	require.ErrorContains(t, told[1], "is not what was expected")
	require.NoError(t, told[2])
}

func TestCacheShowsNothingWhenPrinted(t *testing.T) {
	t.Parallel()
	api := answers(answer{text: hidden, version: "1"})
	c := newCache(api, secret.Options{})
	k := secret.NewAPIKey(api, id, secret.Options{TTL: time.Minute})
	getter(t, c)()
	_, _, err := k.Key(t.Context())
	require.NoError(t, err)

	require.Equal(t, `secret "sendgrid/api-key"`, fmt.Sprint(c))
	for _, format := range []string{"%v", "%+v", "%#v", "%s", "%d", "%x"} {
		requireHidden(t, fmt.Sprintf(format, c), format)
		requireHidden(t, fmt.Sprintf(format, struct{ c *secret.Cache[string] }{c}), format)
		requireHidden(t, fmt.Sprintf(format, k), format)
		requireHidden(t, fmt.Sprintf(format, *k), format)
	}
}
