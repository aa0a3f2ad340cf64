package secret_test

import (
	"bytes"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"sendgrid-sso-integration/internal/secret"
)

// step is one use of a cache.
type step struct {
	sleep time.Duration // before the use
	call  string        // "get", or "refresh" and the rejected version
	want  string        // value and version, as in "a@1", or else a part of the error
	calls int64         // of Secrets Manager so far
}

func (s step) run(t *testing.T, c *secret.Cache[string], api *fakeAPI) {
	t.Helper()
	time.Sleep(s.sleep)
	get := func() (string, string, error) { return c.Get(t.Context()) }
	if rejected, ok := strings.CutPrefix(s.call, "refresh "); ok {
		get = func() (string, string, error) { return c.Refresh(t.Context(), rejected) }
	}
	value, version, err := get()
	if err == nil {
		require.Equal(t, s.want, value+"@"+version)
	} else {
		require.ErrorContains(t, err, s.want)
		require.Empty(t, value+version)
		var failure *secret.Error
		require.ErrorAs(t, err, &failure)
	}
	require.Equal(t, s.calls, api.calls.Load())
}

func TestCache(t *testing.T) {
	t.Parallel()
	const ns = time.Nanosecond
	guarded := secret.Options{TTL: 5 * time.Minute, MinRefresh: time.Minute, FailureBackoff: 10 * time.Second, MaxStale: 15 * time.Minute}
	refused, rubbish := response{err: awsError("AccessDeniedException")}, response{text: "rubbish"}
	a, b, down := response{text: "a", version: "1"}, response{text: "b", version: "2"}, response{err: errUnreachable}
	for name, test := range map[string]struct {
		opts      secret.Options
		responses []response
		steps     []step
	}{
		"serves until the TTL": {secret.Options{TTL: time.Minute}, []response{a, b}, []step{
			{0, "get", "a@1", 1}, {time.Minute - ns, "get", "a@1", 1}, {ns, "get", "b@2", 2},
		}},
		"counts the TTL from the start of the fetch": {secret.Options{TTL: time.Minute}, []response{{text: "a", version: "1", after: 2 * time.Second}, b}, []step{
			{0, "get", "a@1", 1}, {58*time.Second - ns, "get", "a@1", 1}, {ns, "get", "b@2", 2},
		}},
		"without TTL, fetches each time without backoff": {secret.Options{}, []response{a, down, b}, []step{
			{0, "get", "a@1", 1}, {0, "get", "a@1", 2}, {0, "get", "b@2", 3},
		}},
		"backs off no longer than the TTL": {secret.Options{TTL: time.Second}, []response{a, down, b}, []step{
			{0, "get", "a@1", 1}, {time.Second, "get", "a@1", 2}, {time.Second, "get", "b@2", 3},
		}},
		"returns each error once": {secret.Options{TTL: time.Hour}, []response{down, a}, []step{
			{0, "get", "unreachable", 1}, {0, "get", "a@1", 2},
		}},
		"returns an error for the failure backoff": {secret.Options{TTL: time.Hour, FailureBackoff: 10 * time.Second}, []response{down, down, a, b}, []step{
			{0, "get", "unreachable", 1}, {0, "get", "unreachable", 1}, {10*time.Second - ns, "refresh 1", "unreachable", 1},
			{ns, "get", "unreachable", 2}, {ns, "get", "unreachable", 2}, {10 * time.Second, "get", "a@1", 3}, {0, "get", "a@1", 3},
		}},
		"refreshes a young value": {secret.Options{TTL: time.Hour}, []response{a, b}, []step{
			{0, "get", "a@1", 1}, {0, "refresh 1", "b@2", 2}, {0, "get", "b@2", 2}, {0, "refresh 1", "b@2", 2},
		}},
		"refreshes when empty": {secret.Options{TTL: time.Hour, MinRefresh: time.Minute}, []response{down, a}, []step{
			{0, "refresh 0", "unreachable", 1}, {0, "refresh 0", "a@1", 2},
		}},
		"a failed refresh keeps the value": {secret.Options{TTL: time.Hour}, []response{a, down, rubbish, refused}, []step{
			{0, "get", "a@1", 1}, {0, "refresh 1", "unreachable", 2}, {0, "get", "a@1", 2},
			{0, "refresh 1", "is not what was expected", 3}, {0, "get", "a@1", 3},
			{0, "refresh 1", "may not be read", 4}, {0, "get", "a@1", 4}, {24 * time.Hour, "get", "a@1", 5},
		}},
		// The first refresh is not limited: the fetch before it was not forced.
		"limits refreshes": {secret.Options{TTL: time.Hour, MinRefresh: time.Minute}, []response{a}, []step{
			{0, "get", "a@1", 1}, {0, "refresh 1", "a@1", 2}, {0, "refresh 1", "a@1", 2},
			{time.Minute - ns, "refresh 1", "a@1", 2}, {ns, "refresh 1", "a@1", 3},
		}},
		"limits refreshes after a failure": {secret.Options{TTL: time.Hour, MinRefresh: time.Minute}, []response{a, down}, []step{
			{0, "get", "a@1", 1}, {0, "refresh 1", "unreachable", 2}, {0, "refresh 1", "a@1", 2},
		}},
		"with MaxStale, a refusal ends the value": {guarded, []response{a, refused, down, b}, []step{
			{0, "get", "a@1", 1}, {5*time.Minute - ns, "get", "a@1", 1}, {ns, "get", "may not be read", 2}, {0, "get", "may not be read", 2},
			{10 * time.Second, "get", "unreachable", 3}, {10 * time.Second, "get", "b@2", 4},
		}},
		"with MaxStale, a refusal of a refresh ends the value": {guarded, []response{a, refused}, []step{
			{0, "get", "a@1", 1}, {0, "refresh 1", "may not be read", 2}, {0, "get", "may not be read", 2}, {0, "refresh 1", "may not be read", 2},
		}},
		"with MaxStale, unusable content ends the value": {guarded, []response{a, rubbish, b}, []step{
			{0, "get", "a@1", 1}, {5 * time.Minute, "get", "is not what was expected", 2}, {10 * time.Second, "get", "b@2", 3},
		}},
		"MaxStale ends a value that cannot be refreshed": {guarded, []response{a, down, down, b}, []step{
			{0, "get", "a@1", 1}, {5 * time.Minute, "get", "a@1", 2}, {10*time.Minute - ns, "get", "a@1", 3}, {ns, "get", "unreachable", 3},
			{10 * time.Second, "get", "b@2", 4},
		}},
		"MaxStale starts again with each success": {guarded, []response{a, down, a, down}, []step{
			{0, "get", "a@1", 1}, {14 * time.Minute, "get", "a@1", 2}, {10 * time.Second, "get", "a@1", 3}, {14 * time.Minute, "get", "a@1", 4},
			{time.Minute, "get", "unreachable", 5},
		}},
		"MaxStale limits the TTL": {secret.Options{TTL: time.Hour, MaxStale: time.Minute}, []response{a, down, b}, []step{
			{0, "get", "a@1", 1}, {time.Minute - ns, "get", "a@1", 1}, {ns, "get", "unreachable", 2}, {0, "get", "b@2", 3},
		}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				api := respondWith(test.responses...)
				c := secret.NewCache(api, id, parsePlain, test.opts)
				for _, s := range test.steps {
					s.run(t, c, api)
				}
			})
		})
	}
}

// getter returns a Get that must succeed, and returns value and version as one text.
func getter(t *testing.T, c *secret.Cache[string]) func() string {
	t.Helper()
	return func() string {
		t.Helper()
		value, version, err := c.Get(t.Context())
		require.NoError(t, err)
		return value + "@" + version
	}
}

func TestCacheKeepsTheOldValue(t *testing.T) {
	t.Parallel()
	for name, failed := range map[string]response{
		"unreachable": {err: errUnreachable},
		"no response": {after: time.Hour},
		"unusable":    {text: "rubbish", version: "2"},
		"empty":       {text: " \n", version: "2"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				var log bytes.Buffer
				api := respondWith(response{text: "a", version: "1"}, failed, failed, response{text: "c", version: "3"})
				c := newCache(api, secret.Options{TTL: time.Minute, Logger: slog.New(slog.NewTextHandler(&log, nil))})
				step{0, "get", "a@1", 1}.run(t, c, api)
				require.Empty(t, log.String())
				step{time.Minute, "get", "a@1", 2}.run(t, c, api)
				require.Contains(t, log.String(), "level=WARN")
				require.Contains(t, log.String(), id)
				require.NotContains(t, log.String(), "rubbish")
				for _, s := range []step{
					{10*time.Second - 1, "get", "a@1", 2}, {1, "get", "a@1", 3}, {10 * time.Second, "get", "c@3", 4}, {time.Minute - 1, "get", "c@3", 4},
				} {
					s.run(t, c, api)
				}
			})
		})
	}
}

func TestPrintedCacheIsRedacted(t *testing.T) {
	t.Parallel()
	api := respondWith(response{text: hidden, version: "1"})
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
