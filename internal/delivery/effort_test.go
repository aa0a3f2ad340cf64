package delivery_test

import (
	"context"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"sendgrid-sso-integration/internal/delivery"
	"sendgrid-sso-integration/sendgrid"
)

// Calls are counted for the delivery that they are made for, also when its context has ended.
func TestEffort(t *testing.T) {
	t.Parallel()
	delivery.CountCall(t.Context(), sendgrid.Call{}) // Without a delivery, as at the start, nothing counts.

	first, second := &delivery.Effort{}, &delivery.Effort{}
	firstContext, secondContext := first.Count(t.Context()), second.Count(t.Context())
	ended, cancel := context.WithCancel(firstContext)
	cancel()
	var running sync.WaitGroup
	for range 50 {
		running.Go(func() { delivery.CountCall(ended, sendgrid.Call{Status: 200}) })
		running.Go(func() { delivery.CountCall(context.WithoutCancel(firstContext), sendgrid.Call{}) })
	}
	running.Go(func() { delivery.CountCall(secondContext, sendgrid.Call{}) })
	running.Wait()
	require.Len(t, first.Calls(), 100)
	require.Len(t, second.Calls(), 1)
	var none *delivery.Effort
	require.Empty(t, none.Calls())
}
