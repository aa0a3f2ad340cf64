package auth_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"sendgrid-sso-integration/internal/auth"
	"sendgrid-sso-integration/internal/secret"
)

// The caller may know a secret that is newer than the one held.
func TestRefreshAfterRefusal(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		refresh func(context.Context, string) (auth.Secrets, string, error)
		refused bool
		logged  string
	}{
		"the new one is good":       {renews("2", newSecret), false, ""},
		"the new one is another":    {renews("2", "another-secret-0123456789"), true, ""},
		"there is none any more":    {renews("2"), true, ""},
		"it is of the same version": {renews("1", newSecret), true, ""},
		"it could not be read anew": {func(context.Context, string) (auth.Secrets, string, error) {
			return auth.Secrets{}, "", errUnreachable
		}, true, "could not be read anew"},
		"an error makes nothing good": {func(context.Context, string) (auth.Secrets, string, error) {
			return secretsOf(newSecret), "2", errUnreachable
		}, true, "could not be read anew"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			refreshes := 0
			v, log := newVerifier(source{get: holds("1", oldSecret), refresh: func(ctx context.Context, rejected string) (auth.Secrets, string, error) {
				refreshes++
				require.Equal(t, "1", rejected)
				return test.refresh(ctx, rejected)
			}})
			err := v.Verify(t.Context(), bearer("Bearer "+newSecret), nil)
			if test.refused {
				requireRefused(t, err, "bearer: ")
			} else {
				require.NoError(t, err)
			}
			require.Equal(t, 1, refreshes)
			if test.logged == "" {
				require.Empty(t, log.String())
			} else {
				require.Contains(t, log.String(), test.logged)
			}
		})
	}
}

func TestGoodSecretRefreshesNothing(t *testing.T) {
	t.Parallel()
	v, _ := newVerifier(source{get: holds("1", oldSecret)})
	require.NoError(t, v.Verify(t.Context(), bearer("Bearer "+oldSecret), nil))
}

// That the secrets could not be read is no refusal: the caller may be a good one.
func TestSecretsUnavailable(t *testing.T) {
	t.Parallel()
	v, _ := newVerifier(source{get: func(context.Context) (auth.Secrets, string, error) {
		return secretsOf(newSecret), "1", errUnreachable
	}})
	err := v.Verify(t.Context(), bearer("Bearer "+newSecret), nil)
	require.ErrorIs(t, err, errUnreachable)
	var refusal *auth.Refusal
	require.NotErrorAs(t, err, &refusal)
}

// TestRotation follows a rotation from the old secret over both to the new one.
func TestRotation(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		m, log := &manager{}, &logBook{}
		m.put("1", `{"bearer":"`+oldSecret+`"}`)
		v := auth.NewVerifier(m, "sso/webhook", 5*time.Minute, log.logger())
		good := func(token string) error { return v.Verify(t.Context(), bearer("Bearer "+token), nil) }

		require.Zero(t, m.count(), "nothing is read before it is needed")
		require.NoError(t, good(oldSecret))
		require.NoError(t, good(oldSecret))
		require.Equal(t, 1, m.count())

		m.put("2", `{"bearer":["`+newSecret+`","`+oldSecret+`"]}`)
		require.NoError(t, good(newSecret), "at once, though the old value is still held")
		require.NoError(t, good(oldSecret))
		require.Equal(t, 2, m.count())

		m.put("3", `{"bearer":["`+newSecret+`"]}`)
		time.Sleep(5 * time.Minute)
		require.NoError(t, good(newSecret))
		requireRefused(t, good(oldSecret), "not one of those configured")
		require.Empty(t, log.String())
	})
}

// Anyone can fail, so failing reads the secret once a minute and not more often.
func TestGuessingRunsUpNoCalls(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		m := &manager{}
		m.put("1", `{"bearer":"`+oldSecret+`"}`)
		v := auth.NewVerifier(m, "sso/webhook", time.Hour, (&logBook{}).logger())
		guess := func() {
			requireRefused(t, v.Verify(t.Context(), bearer("Bearer guess"), nil), "not one of those configured")
		}
		guess()
		require.Equal(t, 2, m.count(), "to have it, and to see whether there is a newer one")
		for range 100 {
			guess()
		}
		require.Equal(t, 2, m.count())
		time.Sleep(time.Minute)
		guess()
		guess()
		require.Equal(t, 3, m.count())
	})
}

func TestUnusableSecretIsPermanent(t *testing.T) {
	t.Parallel()
	for name, text := range map[string]string{
		"bare": newSecret, "empty": " ", "null": "null", "no text in it": `{"bearer":{"x":"` + newSecret + `"}}`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m := &manager{}
			m.put("1", text)
			v := auth.NewVerifier(m, "sso/webhook", time.Hour, (&logBook{}).logger())
			err := v.Verify(t.Context(), bearer("Bearer "+newSecret), nil)
			var unusable *secret.Error
			require.ErrorAs(t, err, &unusable)
			require.True(t, unusable.Permanent())
			require.Contains(t, err.Error(), `"sso/webhook"`)
			require.NotContains(t, err.Error(), newSecret)
		})
	}
}
