package sendgrid_test

import (
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"sendgrid-sso-integration/sendgrid"
	"sendgrid-sso-integration/sendgrid/sendgridtest"
)

func TestIdleConnections(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name  string
		pause time.Duration
		dials int
	}{
		{name: "a connection is used again", pause: 30 * time.Second, dials: 1},
		{name: "a connection is not trusted after a freeze", pause: 31 * time.Second, dials: 2},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				network := sendgridtest.NewNetwork(sendgridtest.New())
				defer network.Close()
				// The clock that this goes by stands still while Lambda freezes the process.
				client := network.HTTPClient()
				client.Transport.(*http.Transport).IdleConnTimeout = 0
				c := &sendgrid.Client{Keys: fixedKey(testKey), HTTP: client}

				_, err := c.ListIntegrations(t.Context())
				require.NoError(t, err)
				synctest.Wait() // The connection is back in the pool.
				time.Sleep(tt.pause)
				_, err = c.CreateIntegration(t.Context(), exampleRequest())
				require.NoError(t, err)

				require.Equal(t, tt.dials, network.Dials())
			})
		})
	}
}

func TestNewHTTPClient(t *testing.T) {
	t.Parallel()
	client := sendgrid.NewHTTPClient()
	transport, ok := client.Transport.(*http.Transport)
	require.True(t, ok)
	require.NotNil(t, transport.Proxy, "the proxy of the environment is respected")
	require.False(t, transport.ForceAttemptHTTP2)
	require.ErrorIs(t, client.CheckRedirect(nil, nil), http.ErrUseLastResponse)
	require.NotSame(t, transport, http.DefaultTransport)
}
