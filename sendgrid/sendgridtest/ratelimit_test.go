package sendgridtest_test

import (
	"net/http"
	"strconv"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"sendgrid-sso-integration/sendgrid/sendgridtest"
)

func TestRateLimit(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		time.Sleep(300 * time.Millisecond) // Windows do not begin with a request.
		s := sendgridtest.New()
		s.SetRateLimit(2, 10*time.Second)
		ends := time.Now().Truncate(10 * time.Second).Add(10 * time.Second)
		want := func(code, remaining int) {
			t.Helper()
			w := send(t, s, http.MethodPost, collection, goodBody)
			require.Equal(t, code, w.Code)
			require.Equal(t, "2", w.Header().Get("X-RateLimit-Limit"))
			require.Equal(t, strconv.Itoa(remaining), w.Header().Get("X-RateLimit-Remaining"))
			require.Equal(t, strconv.FormatInt(ends.Unix(), 10), w.Header().Get("X-RateLimit-Reset"))
		}
		want(http.StatusOK, 1)
		want(http.StatusOK, 0)
		want(http.StatusTooManyRequests, 0)
		require.Len(t, s.Integrations(), 2)

		// Another endpoint and another account are counted by themselves.
		require.Equal(t, http.StatusOK, send(t, s, http.MethodGet, collection, "").Code)
		require.Equal(t, http.StatusOK, send(t, s, http.MethodPost, collection, goodBody, "On-Behalf-Of", "subuser").Code)

		time.Sleep(time.Until(ends) - time.Nanosecond)
		want(http.StatusTooManyRequests, 0)
		time.Sleep(time.Nanosecond)
		ends = ends.Add(10 * time.Second)
		want(http.StatusOK, 1)
	})
}

func TestRateLimitOfNothing(t *testing.T) {
	t.Parallel()
	s := sendgridtest.New()
	s.SetRateLimit(0, time.Minute)
	require.Equal(t, http.StatusTooManyRequests, send(t, s, http.MethodGet, collection, "").Code)
}
