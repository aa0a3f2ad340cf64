package provision

import (
	"context"
	"math/rand/v2"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"sendgrid-sso-integration/sendgrid"
)

// Run with -race. A clock stamps each entry when it is taken and each list when it is sent;
// nobody may get a list that is older than the entry. Lists fail now and then, so that they
// are joined again.
func TestSharedListIsNewerThanTheEntry(t *testing.T) {
	t.Parallel()
	var clock, lists atomic.Int64
	send := func(context.Context) ([]sendgrid.Integration, error) {
		sent := clock.Add(1)
		time.Sleep(time.Duration(rand.IntN(500)) * time.Microsecond)
		if lists.Add(1)%20 == 0 {
			return nil, &sendgrid.Error{Op: sendgrid.OpListIntegrations, StatusCode: 503}
		}
		return []sendgrid.Integration{{Name: strconv.FormatInt(sent, 10)}}, nil
	}
	var shared sharedList
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	var all sync.WaitGroup
	var responses atomic.Int64
	for range 16 {
		all.Go(func() {
			for range 200 {
				arrived := shared.expect()
				taken := clock.Add(1)
				list, err := shared.join(ctx, time.Now(), arrived, new(Provisioner).repeats, send)
				if err != nil {
					continue
				}
				responses.Add(1)
				if sent, err := strconv.ParseInt(list[0].Name, 10, 64); err != nil || sent < taken {
					t.Errorf("the list was sent at %d, and the entry was taken at %d", sent, taken)
				}
			}
		})
	}
	all.Wait()
	require.Less(t, lists.Load(), int64(16*200), "lists are shared")
	require.Positive(t, responses.Load())
}
