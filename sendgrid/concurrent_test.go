package sendgrid_test

import (
	"context"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"sendgrid-sso-integration/sendgrid"
	"sendgrid-sso-integration/sendgrid/sendgridtest"
)

// Run with -race: one client serves many goroutines from its first call on.
func TestClientIsSafeForConcurrentUse(t *testing.T) {
	t.Parallel()
	server := sendgridtest.New()
	network := sendgridtest.NewNetwork(server)
	t.Cleanup(network.Close)
	var calls atomic.Int64
	c := &sendgrid.Client{
		Keys:   fixedKey(testKey),
		HTTP:   network.HTTPClient(),
		OnCall: func(context.Context, sendgrid.Call) { calls.Add(1) },
	}
	const callers = 8
	errs := make(chan error, 2*callers)
	var wg sync.WaitGroup
	for range callers {
		wg.Go(func() {
			made, err := c.CreateIntegration(t.Context(), exampleRequest())
			errs <- err
			if err == nil {
				_, err = c.GetIntegration(t.Context(), made.ID)
				errs <- err
			}
		})
	}
	wg.Wait()
	close(errs)
	for err := range errs {
		require.NoError(t, err)
	}
	require.Len(t, server.Integrations(), callers)
	require.EqualValues(t, 2*callers, calls.Load())
}
