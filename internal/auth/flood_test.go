package auth_test

import (
	"maps"
	"net/http"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"sendgrid-sso-integration/internal/auth"
	"sendgrid-sso-integration/internal/secret"
)

const goodSecret = `{"bearer":"` + newSecret + `"}`

// flood sends a bad request ten times a second, and returns how long the sender waited for
// answers altogether.
func flood(t *testing.T, v *auth.Verifier, lasts time.Duration, header http.Header) (waited time.Duration) {
	t.Helper()
	for end := time.Now().Add(lasts); time.Now().Before(end); time.Sleep(100 * time.Millisecond) {
		began := time.Now()
		require.Error(t, verify(t.Context(), v, header, []byte(body)))
		waited += time.Since(began)
	}
	return waited
}

// If Secrets Manager does not answer, strangers wait for one attempt a minute, and callers
// who know the secret do not wait at all.
func TestFloodWhileRefreshHangs(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		m := &manager{}
		m.put("1", goodSecret, nil, 0)
		v, _ := m.verifier(time.Hour)
		good := func() error { return verify(t.Context(), v, bearer("Bearer "+newSecret), nil) }
		require.NoError(t, good())
		m.put("1", goodSecret, nil, time.Hour)

		var wg sync.WaitGroup
		for range 20 {
			wg.Go(func() {
				if waited := flood(t, v, time.Minute, bearer("Bearer guess")); waited > 5*time.Second {
					t.Errorf("waited %v", waited)
				}
			})
		}
		for range 600 {
			began := time.Now()
			require.NoError(t, good())
			require.Zero(t, time.Since(began))
			time.Sleep(100 * time.Millisecond)
		}
		wg.Wait()
		require.Equal(t, 1+1, m.count())
	})
}

// Strangers cause a bounded number of calls, whatever is wrong, and nobody is harmed by it
// once Secrets Manager answers again.
func TestFlood(t *testing.T) {
	t.Parallel()
	const wrong = `{"bearer":"a-secret-that-no-sender-knows"}`
	for name, test := range map[string]struct {
		cached, text string
		err          error
		calls        int
	}{
		// One call a minute for failed verifications.
		"wrong secrets": {wrong, wrong, nil, 1 + 10},
		// The same for the TTL of five minutes, then also one in ten seconds by the cache.
		"unreachable": {wrong, wrong, errUnreachable, 1 + 5 + 5*(6+1)},
		// One call in ten seconds, as soon as a failed verification has ended the cached value.
		"unusable": {wrong, newSecret, nil, 2 + 9*6},
		// One call in ten seconds.
		"unreachable from the start": {"", goodSecret, errUnreachable, 10 * 6},
		"unusable from the start":    {"", newSecret, nil, 10 * 6},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				m, header := &manager{}, http.Header{}
				for _, s := range senders() { // All schemes at once.
					maps.Copy(header, s.prove(s.new, body))
				}
				header.Set("Authorization", "Bearer guess")
				v, _ := m.verifier(ttl)
				if test.cached != "" {
					m.put("1", test.cached, nil, 0)
					requireRejected(t, verify(t.Context(), v, header, nil), "not one of those configured")
				}
				m.put("1", test.text, test.err, 0)
				flood(t, v, 10*time.Minute, header)
				require.Equal(t, test.calls, m.count())

				if test.cached == "" {
					err := verify(t.Context(), v, header, nil)
					var failure *secret.Error
					require.ErrorAs(t, err, &failure)
					require.Equal(t, test.err == nil, failure.Permanent())
					require.ErrorContains(t, err, `"sso/webhook"`)
					require.NotContains(t, err.Error(), newSecret)
				}
				m.put("2", goodSecret, nil, 0)
				time.Sleep(10 * time.Second)
				require.NoError(t, verify(t.Context(), v, bearer("Bearer "+newSecret), nil))
			})
		})
	}
}
