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
	const unread = "could not be refreshed"
	for name, test := range map[string]struct {
		version  string // of what the refresh returns
		secrets  []string
		err      error
		rejected bool
		logged   string
	}{
		"the new one is good":           {"2", []string{newSecret}, nil, false, ""},
		"the new one is another":        {"2", []string{"another-secret-0123456789"}, nil, true, ""},
		"there is none any more":        {"2", nil, nil, true, ""},
		"it is of the same version":     {"1", []string{newSecret}, nil, true, ""},
		"an error authenticates nobody": {"2", []string{newSecret}, errUnreachable, true, unread},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			logger, log := newLogger()
			s := &source{get: returns("1", nil, oldSecret), refresh: returns(test.version, test.err, test.secrets...)}
			v := &auth.Verifier{Secrets: s, Logger: logger}
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
