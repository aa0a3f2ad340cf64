package auth_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/secretsmanager/types"
	"github.com/aws/smithy-go"
	"github.com/stretchr/testify/require"

	"sendgrid-sso-integration/internal/auth"
	"sendgrid-sso-integration/internal/secret"
)

// The caller may use a secret that is newer than the cached one.
func TestRefreshAfterFailedVerification(t *testing.T) {
	t.Parallel()
	revoked := &secret.Error{Err: &types.ResourceNotFoundException{}}
	for name, test := range map[string]struct {
		version string // of what the refresh returns
		secrets []string
		err     error
		want    string // what the error begins with; empty if the caller is authenticated
		logged  string
	}{
		"the new one is good":           {"2", []string{newSecret}, nil, "", ""},
		"the new one is another":        {"2", []string{"another-secret-0123456789"}, nil, "bearer: ", ""},
		"there is none any more":        {"2", nil, nil, "bearer: ", ""},
		"it is of the same version":     {"1", []string{newSecret}, nil, "bearer: ", ""},
		"an error authenticates nobody": {"2", []string{newSecret}, errUnreachable, "bearer: ", "could not be refreshed"},
		"it was revoked":                {"", nil, revoked, "read the webhook secrets: ", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			logger, log := newLogger()
			s := &source{get: returns("1", nil, oldSecret), refresh: returns(test.version, test.err, test.secrets...)}
			v := &auth.Verifier{Secrets: s, Logger: logger}
			require.NoError(t, verify(t.Context(), v, bearer("Bearer "+oldSecret), nil))
			require.Empty(t, s.rejected)

			err := verify(t.Context(), v, bearer("Bearer "+newSecret), nil)
			var credentials *auth.CredentialsError
			require.Equal(t, test.want == "bearer: ", errors.As(err, &credentials))
			require.Equal(t, test.want == "", err == nil)
			require.True(t, err == nil || strings.HasPrefix(err.Error(), test.want))
			require.Equal(t, []string{"1"}, s.rejected)
			require.Equal(t, test.logged == "", log.String() == "", log.String())
			require.Contains(t, log.String(), test.logged)
		})
	}
}

// A revoked secret authenticates nobody from the next refresh on, which is due after the TTL
// even if no verification fails. One that cannot be read does so for 15 minutes at most.
// Strangers cannot postpone that, and cause a bounded number of calls.
func TestRevocation(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		text  string
		err   error
		after time.Duration
	}{
		"refused":     {"", &smithy.GenericAPIError{Code: "AccessDeniedException"}, ttl},
		"unusable":    {newSecret, nil, ttl},
		"unreachable": {"", errUnreachable, 15 * time.Minute},
	} {
		for _, attacked := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, attacked %v", name, attacked), func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) {
					m := &manager{}
					m.put("1", goodSecret, nil, 0)
					v, _ := m.verifier(ttl)
					verifyNew := func() error { return verify(t.Context(), v, bearer("Bearer "+newSecret), nil) }
					require.Zero(t, m.count(), "nothing is read before it is needed")
					require.NoError(t, verifyNew())

					m.put("2", test.text, test.err, 0)
					after := test.after
					if attacked && after == ttl {
						after = 0 // The first failed verification finds it out.
					}
					for began := time.Now(); time.Since(began) < 20*time.Minute; time.Sleep(5 * time.Second) {
						if attacked {
							require.Error(t, verify(t.Context(), v, bearer("Bearer guess"), nil))
						}
						if err := verifyNew(); time.Since(began) < after {
							require.NoError(t, err, time.Since(began))
						} else {
							var failure *secret.Error
							require.ErrorAs(t, err, &failure, time.Since(began))
							require.Equal(t, test.text != "", failure.Permanent())
						}
					}
					require.LessOrEqual(t, m.count(), 20*(6+1))

					m.put("3", goodSecret, nil, 0)
					time.Sleep(10 * time.Second)
					require.NoError(t, verifyNew())
				})
			})
		}
	}
}
