package auth_test

import (
	"errors"
	"fmt"
	"maps"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/secretsmanager/types"
	"github.com/aws/smithy-go"
	"github.com/stretchr/testify/require"

	"sendgrid-sso-integration/internal/auth"
	"sendgrid-sso-integration/internal/secret"
)

// A request without credentials does not cause a read of the secrets.
func TestNoCredentials(t *testing.T) {
	t.Parallel()
	for name, header := range map[string]http.Header{
		"no headers":    nil,
		"other headers": {"Content-Type": {"application/json"}, "X-Token": {newSecret}, "Proxy-Authorization": {"Bearer " + newSecret}},
		"no value":      {"Authorization": {}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			requireRejected(t, verify(t.Context(), withoutSecrets(), header, []byte(newSecret)), "the request carries no credentials")
		})
	}
}

// A proof is valid only in its own header and with its own secret. One valid proof is enough,
// whatever else the request carries.
func TestSeveralSchemes(t *testing.T) {
	t.Parallel()
	eachSender(t, func(t *testing.T, good sender) {
		t.Helper()
		v, valid := configured(t, everything()), good.prove(good.new, body)
		for name, other := range senders() {
			if other.proof == good.proof || other.field == good.field {
				continue
			}
			header := with(other.prove(other.new, body), other.proof, valid.Get(good.proof))
			requireRejected(t, verify(t.Context(), v, header, []byte(body)), other.field+": ")
			maps.Copy(header, valid)
			scheme, err := v.Authenticate(t.Context(), header, []byte(body))
			require.NoError(t, err, name)
			require.Equal(t, good.field, scheme)
		}
	})
}

// The error names each bad proof, and quotes none.
func TestSeveralBadProofs(t *testing.T) {
	t.Parallel()
	header := http.Header{
		"Authorization": {"Bearer guess"}, "X-Api-Key": {"guess"}, "X-Hub-Signature": {"sha1=guess"}, "Svix-Signature": {"v1,guess"},
	}
	err := verify(t.Context(), configured(t, everything()), header, []byte(body))
	requireRejected(t, err, "bearer: the secret is not one of those configured; "+
		"authorization: the secret is not one of those configured; "+
		"api_key: the secret is not one of those configured; "+
		"standard_webhooks: there is no Svix-Id header; "+
		"jira: the X-Hub-Signature header is not sha256= and 64 digits")
	require.NotContains(t, err.Error(), "guess")
}

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

// flood sends a bad request ten times a second, and returns how long the sender waited for
// responds altogether.
func flood(t *testing.T, v *auth.Verifier, lasts time.Duration, header http.Header) (waited time.Duration) {
	t.Helper()
	for end := time.Now().Add(lasts); time.Now().Before(end); time.Sleep(100 * time.Millisecond) {
		began := time.Now()
		require.Error(t, verify(t.Context(), v, header, []byte(body)))
		waited += time.Since(began)
	}
	return waited
}

// If Secrets Manager does not respond, strangers wait for one attempt a minute, and callers
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
// once Secrets Manager responds again.
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

// BenchmarkVerify measures what each scheme adds to a call, with two secrets as during a
// rotation and a body of typical size.
func BenchmarkVerify(b *testing.B) {
	v := configured(b, everything())
	typical := []byte(strings.Repeat("a", 1024))
	for name, s := range senders() {
		b.Run(name, func(b *testing.B) {
			header := s.prove(s.old, string(typical))
			require.NoError(b, verify(b.Context(), v, header, typical))
			b.ReportAllocs()
			for b.Loop() {
				_ = verify(b.Context(), v, header, typical)
			}
		})
	}
}

// BenchmarkVerifyWorst measures the most expensive request that a stranger can send: all
// schemes at once, with the largest body that is accepted and the most signatures.
func BenchmarkVerifyWorst(b *testing.B) {
	largest, header := []byte(strings.Repeat("a", 64<<10)), http.Header{}
	for _, s := range senders() {
		for name, values := range s.prove(s.new, "another body") {
			header[name] = values
		}
	}
	for _, name := range []string{"Webhook-Signature", "Svix-Signature"} {
		header.Set(name, strings.Repeat(header.Get(name)+" ", 15)+header.Get(name))
	}
	header.Set("Authorization", "Bearer "+strings.Repeat("a", 4000))
	header.Set("X-Api-Key", strings.Repeat("a", 4096))
	v := configured(b, everything())
	b.ReportAllocs()
	for b.Loop() {
		_ = verify(b.Context(), v, header, largest)
	}
}

// BenchmarkVerifyMillion measures a signature header of a million characters.
func BenchmarkVerifyMillion(b *testing.B) {
	v, s := configured(b, everything()), senders()["standard webhooks"]
	header := with(s.prove(s.new, body), "Webhook-Signature", strings.Repeat("v1,A ", 200_000))
	b.ReportAllocs()
	for b.Loop() {
		_ = verify(b.Context(), v, header, []byte(body))
	}
}

// The schemes are those of the secret as it is now: whoever asks may have changed it a moment ago.
func TestSchemes(t *testing.T) {
	t.Parallel()
	m := &manager{}
	v, log := m.verifier(ttl)
	logger, _ := newLogger()
	for name, tt := range map[string]struct {
		text string
		err  error
		want []string
	}{
		"some, and others that are unusable": {text: `{"github":"` + newSecret + `","bearer":["short","` + newSecret + `"],"api_key":"short","unknown":"x"}`, want: []string{"bearer", "github"}},
		"one":                                {text: goodSecret, want: []string{"bearer"}},
		"none":                               {text: `{}`},
		"unusable":                           {text: "no JSON: " + newSecret, err: errors.New("is not a JSON object")},
		"unreachable":                        {text: goodSecret, err: errUnreachable},
	} {
		_ = verify(t.Context(), v, bearer("Bearer "+newSecret), nil) // It caches what was there before.
		m.put(name, tt.text, nil, 0)
		if errors.Is(tt.err, errUnreachable) {
			m.put(name, tt.text, tt.err, 0)
		}
		names, err := auth.Schemes(t.Context(), m, "sso/webhook", logger)
		require.Equal(t, tt.want, names, name)
		var failure *secret.Error
		if tt.err == nil {
			require.NoError(t, err, name)
			continue
		}
		require.ErrorAs(t, err, &failure, name)
		require.ErrorContains(t, err, tt.err.Error())
		require.Equal(t, name == "unusable", failure.Permanent())
		require.NotContains(t, err.Error()+log.String(), newSecret)
	}
}
