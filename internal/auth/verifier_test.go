package auth_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"sendgrid-sso-integration/internal/auth"
)

// The caller may use a secret that is newer than the cached one.
func TestRefreshAfterFailedVerification(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		refresh  read
		rejected bool
		logged   string
	}{
		"the new one is good":       {returns("2", newSecret), false, ""},
		"the new one is another":    {returns("2", "another-secret-0123456789"), true, ""},
		"there is none any more":    {returns("2"), true, ""},
		"it is of the same version": {returns("1", newSecret), true, ""},
		"it could not be refreshed": {fails(errUnreachable), true, "could not be refreshed"},
		"an error authenticates nobody": {func() (auth.Secrets, string, error) {
			s, v, _ := returns("2", newSecret)()
			return s, v, errUnreachable
		}, true, "could not be refreshed"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := &source{get: returns("1", oldSecret), refresh: test.refresh}
			v, log := newVerifier(s)
			require.NoError(t, v.Verify(t.Context(), bearer("Bearer "+oldSecret), nil))
			require.Empty(t, s.rejected)

			err := v.Verify(t.Context(), bearer("Bearer "+newSecret), nil)
			if test.rejected {
				requireRejected(t, err, "bearer: ")
			} else {
				require.NoError(t, err)
			}
			require.Equal(t, []string{"1"}, s.rejected)
			require.Equal(t, test.logged == "", log.String() == "", log.String())
			require.Contains(t, log.String(), test.logged)
		})
	}
}

// TestRotation follows a rotation from the old secret via both to the new one.
func TestRotation(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		m := &manager{}
		m.put("1", `{"bearer":"`+oldSecret+`"}`, nil, 0)
		v, log := m.verifier(5 * time.Minute)
		verify := func(token string) error { return v.Verify(t.Context(), bearer("Bearer "+token), nil) }

		require.Zero(t, m.count(), "nothing is read before it is needed")
		require.NoError(t, verify(oldSecret))
		require.NoError(t, verify(oldSecret))
		require.Equal(t, 1, m.count())

		m.put("2", `{"bearer":["`+newSecret+`","`+oldSecret+`"]}`, nil, 0)
		require.NoError(t, verify(newSecret), "at once, though the old value is cached")
		require.NoError(t, verify(oldSecret))
		require.Equal(t, 2, m.count())

		m.put("3", `{"bearer":["`+newSecret+`"]}`, nil, 0)
		time.Sleep(5 * time.Minute)
		require.NoError(t, verify(newSecret))
		requireRejected(t, verify(oldSecret), "not one of those configured")
		require.Empty(t, log.String())
	})
}
