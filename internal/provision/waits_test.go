package provision

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
)

func TestWaits(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := waits{}
		what, waited := w.longest()
		require.Empty(t, what)
		require.Zero(t, waited)
		for range 2 {
			end := w.begin(forLedger)
			time.Sleep(2 * time.Second)
			end()
		}
		end := w.begin(forSendGrid)
		time.Sleep(3 * time.Second)
		end()
		what, waited = w.longest()
		require.Equal(t, forLedger, what)
		require.Equal(t, 4*time.Second, waited)
	})
}
