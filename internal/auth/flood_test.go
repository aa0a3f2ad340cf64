package auth_test

import (
	"context"
	"net/http"
	"strconv"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"
	"github.com/stretchr/testify/require"

	"sendgrid-sso-integration/internal/auth"
)

// hanging is a manager that answers its first calls at once and leaves the others without an answer.
type hanging struct {
	manager
	answers int
}

func (h *hanging) GetSecretValue(
	ctx context.Context, in *secretsmanager.GetSecretValueInput, opts ...func(*secretsmanager.Options),
) (*secretsmanager.GetSecretValueOutput, error) {
	out, err := h.manager.GetSecretValue(ctx, in, opts...)
	if h.count() <= h.answers {
		return out, err
	}
	<-ctx.Done()
	return nil, ctx.Err()
}

// flood has a stranger knock ten times a second, and returns how much of that was waiting.
func flood(t *testing.T, v *auth.Verifier, lasts time.Duration, header http.Header) (waited time.Duration) {
	t.Helper()
	for end := time.Now().Add(lasts); time.Now().Before(end); time.Sleep(100 * time.Millisecond) {
		began := time.Now()
		require.Error(t, v.Verify(t.Context(), header, []byte(body)))
		waited += time.Since(began)
	}
	return waited
}

// However many schemes a stranger tries at once, the secret is read anew once a minute.
func TestFlood(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		m := &manager{}
		m.put("1", `{"bearer":"a-secret-that-none-of-them-knows"}`)
		v := auth.NewVerifier(m, "sso/webhook", time.Hour, (&logBook{}).logger())
		header := http.Header{}
		for _, s := range senders() {
			for name, values := range s.prove(s.new, body) {
				header[name] = values
			}
		}
		flood(t, v, 10*time.Minute, header)
		require.Equal(t, 1+10, m.count())
	})
}

// Nobody waits because strangers fail while Secrets Manager does not answer: they
// themselves wait for one attempt a minute, and those who know the secret not at all.
func TestFloodWhileRefreshHangs(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		m := &hanging{answers: 1}
		m.put("1", `{"bearer":"`+newSecret+`"}`)
		v := auth.NewVerifier(m, "sso/webhook", time.Hour, (&logBook{}).logger())
		good := func() error { return v.Verify(t.Context(), bearer("Bearer "+newSecret), nil) }
		require.NoError(t, good())

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

// The held secret has grown old, and Secrets Manager fails: it is asked once in ten
// seconds for that, which is the cache's doing, and once a minute for those who fail.
func TestFloodWhileRefreshFails(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		m := &manager{}
		m.put("1", `{"bearer":"`+newSecret+`"}`)
		v := auth.NewVerifier(m, "sso/webhook", time.Minute, (&logBook{}).logger())
		require.NoError(t, v.Verify(t.Context(), bearer("Bearer "+newSecret), nil))
		time.Sleep(time.Minute)
		m.fail(errUnreachable)
		flood(t, v, 10*time.Minute, bearer("Bearer guess"))
		require.LessOrEqual(t, m.count(), 1+10*(6+1))
		require.NoError(t, v.Verify(t.Context(), bearer("Bearer "+newSecret), nil))
	})
}

// Where no secret was ever had, each knock would read it: because Secrets Manager fails,
// or because the content is unusable.
func TestFloodWithoutASecret(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		text string
		err  error
	}{
		"unreachable": {`{"bearer":"` + newSecret + `"}`, errUnreachable},
		"unusable":    {newSecret, nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				m := &manager{text: test.text, version: "1", err: test.err}
				v := auth.NewVerifier(m, "sso/webhook", time.Hour, (&logBook{}).logger())
				flood(t, v, time.Minute, bearer("Bearer guess"))
				require.Equal(t, 6, m.count(), "one in ten seconds")

				m.fail(nil)
				m.put("2", `{"bearer":"`+newSecret+`"}`)
				time.Sleep(10 * time.Second)
				require.NoError(t, v.Verify(t.Context(), bearer("Bearer "+newSecret), nil))
				require.Equal(t, 7, m.count())
			})
		})
	}
}

// That a caller's time ran out says nothing about the next one.
func TestImpatientCaller(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		m := &slow{}
		m.put("1", `{"bearer":"`+newSecret+`"}`)
		v := auth.NewVerifier(m, "sso/webhook", time.Hour, (&logBook{}).logger())
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		require.ErrorIs(t, v.Verify(ctx, bearer("Bearer "+newSecret), nil), context.DeadlineExceeded)
		require.NoError(t, v.Verify(t.Context(), bearer("Bearer "+newSecret), nil))
		require.Equal(t, 1, m.count())
	})
}

// slow is a manager that takes two seconds.
type slow struct{ manager }

func (s *slow) GetSecretValue(
	ctx context.Context, in *secretsmanager.GetSecretValueInput, opts ...func(*secretsmanager.Options),
) (*secretsmanager.GetSecretValueOutput, error) {
	time.Sleep(2 * time.Second)
	return s.manager.GetSecretValue(ctx, in, opts...)
}

// Headers without end cost nothing but finding ours among them.
func TestManyHeaders(t *testing.T) {
	t.Parallel()
	header := http.Header{}
	for i := range 100_000 {
		header["X-"+strconv.Itoa(i)] = []string{"v1,AAAA"}
	}
	requireRefused(t, unasked().Verify(t.Context(), header, []byte(body)), "no credentials")
}
