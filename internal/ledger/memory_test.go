package ledger

import (
	"strconv"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"sendgrid-sso-integration/internal/protocol"
)

// A process that lives long must not grow with expired entries.
func TestMemoryDeletesExpiredEntries(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		const entries = 100
		var m Memory
		put := func(key string) {
			_, stored, err := m.Put(t.Context(), protocol.Entry{Key: key, Revision: 1, Expires: time.Now().Add(24 * time.Hour)})
			require.NoError(t, err)
			require.True(t, stored)
		}
		for i := range entries {
			put(strconv.Itoa(i))
		}
		time.Sleep(23 * time.Hour)
		put("later")
		require.Len(t, m.entries, entries+1)
		time.Sleep(2 * time.Hour)
		put("latest")
		require.Len(t, m.entries, 2)
	})
}
