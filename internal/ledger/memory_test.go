package ledger

import (
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"sendgrid-sso-integration/internal/provision"
)

// A process that lives long must not grow with what it may forget.
func TestMemoryForgetsWhatHasExpired(t *testing.T) {
	t.Parallel()
	const entries = 100
	var m Memory
	start := time.Now()
	take := func(key string, now time.Time) {
		_, taken, err := m.Take(t.Context(), provision.Entry{
			Key: key, Owner: "a", Lease: now.Add(time.Minute), Expires: now.Add(24 * time.Hour),
		}, now)
		require.NoError(t, err)
		require.True(t, taken)
	}
	for i := range entries {
		take(strconv.Itoa(i), start)
	}
	take("later", start.Add(23*time.Hour))
	require.Len(t, m.entries, entries+1)
	take("latest", start.Add(25*time.Hour))
	require.Len(t, m.entries, 2)
}
