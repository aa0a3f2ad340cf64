package secret_test

import (
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"sendgrid-sso-integration/internal/secret"
)

func TestRefreshFetchesAnewThoughTheValueIsYoung(t *testing.T) {
	t.Parallel()
	api := answers(answer{text: "a", version: "1"}, answer{text: "b", version: "2"})
	c := newCache(api, secret.Options{})
	get := getter(t, c)
	require.Equal(t, "a@1", get())

	value, version, err := c.Refresh(t.Context(), "1")
	require.NoError(t, err)
	require.Equal(t, "b@2", value+"@"+version)
	require.Equal(t, "b@2", get())
	require.EqualValues(t, 2, api.calls.Load())
}

func TestRefreshReturnsWhatSomeoneElseFetched(t *testing.T) {
	t.Parallel()
	api := answers(answer{text: "b", version: "2"})
	c := newCache(api, secret.Options{})
	require.Equal(t, "b@2", getter(t, c)())

	value, version, err := c.Refresh(t.Context(), "1")
	require.NoError(t, err)
	require.Equal(t, "b@2", value+"@"+version)
	require.EqualValues(t, 1, api.calls.Load())
}

func TestRefreshOfAnEmptyCacheFetches(t *testing.T) {
	t.Parallel()
	c := newCache(answers(answer{text: "a", version: "1"}), secret.Options{MinRefresh: time.Minute})
	_, version, err := c.Refresh(t.Context(), "")
	require.NoError(t, err)
	require.Equal(t, "1", version)
}

func TestRefreshReturnsTheErrorAndKeepsTheOldValue(t *testing.T) {
	t.Parallel()
	for name, failed := range map[string]answer{
		"unreachable": {err: errUnreachable},
		"unusable":    {text: "rubbish", version: "2"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := newCache(answers(answer{text: "a", version: "1"}, failed), secret.Options{})
			get := getter(t, c)
			require.Equal(t, "a@1", get())

			value, version, err := c.Refresh(t.Context(), "1")
			var failure *secret.Error
			require.ErrorAs(t, err, &failure)
			require.Equal(t, name == "unusable", failure.Permanent())
			require.Empty(t, value)
			require.Empty(t, version)
			require.Equal(t, "a@1", get())
		})
	}
}

func TestRefreshIsLimited(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		api := answers(answer{text: "a", version: "1"})
		c := newCache(api, secret.Options{MinRefresh: time.Minute})
		require.Equal(t, "a@1", getter(t, c)())
		refresh := func(wantCalls int) {
			t.Helper()
			value, version, err := c.Refresh(t.Context(), "1")
			require.NoError(t, err)
			require.Equal(t, "a@1", value+"@"+version)
			require.EqualValues(t, wantCalls, api.calls.Load())
		}

		refresh(2) // The first is not limited: the call before was not forced.
		refresh(2)
		time.Sleep(time.Minute - 1)
		refresh(2)
		time.Sleep(time.Nanosecond)
		refresh(3)
	})
}

func TestRefreshJoinsTheFetchUnderWayThoughLimited(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		api := answers(answer{text: "a", version: "1"}, answer{text: "b", version: "2", after: time.Second})
		c := newCache(api, secret.Options{MinRefresh: time.Minute})
		require.Equal(t, "a@1", getter(t, c)())

		var wg sync.WaitGroup
		for range 10 {
			wg.Go(func() {
				if _, version, err := c.Refresh(t.Context(), "1"); err != nil || version != "2" {
					t.Errorf("got version %q, %v", version, err)
				}
			})
		}
		wg.Wait()
		require.EqualValues(t, 2, api.calls.Load())
	})
}

func TestRefreshIsLimitedAfterAFailureToo(t *testing.T) {
	t.Parallel()
	api := answers(answer{text: "a", version: "1"}, answer{err: errUnreachable})
	c := newCache(api, secret.Options{MinRefresh: time.Minute})
	require.Equal(t, "a@1", getter(t, c)())

	_, _, err := c.Refresh(t.Context(), "1")
	require.ErrorIs(t, err, errUnreachable)
	value, _, err := c.Refresh(t.Context(), "1")
	require.NoError(t, err)
	require.Equal(t, "a", value)
	require.EqualValues(t, 2, api.calls.Load())
}

func TestRefreshIsNotLimitedWhileNothingIsHeld(t *testing.T) {
	t.Parallel()
	api := answers(answer{err: errUnreachable}, answer{text: "a", version: "1"})
	c := newCache(api, secret.Options{MinRefresh: time.Minute})

	_, _, err := c.Refresh(t.Context(), "")
	require.ErrorIs(t, err, errUnreachable)
	value, _, err := c.Refresh(t.Context(), "")
	require.NoError(t, err)
	require.Equal(t, "a", value)
}
