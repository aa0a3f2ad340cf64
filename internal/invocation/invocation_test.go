package invocation_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"sendgrid-sso-integration/internal/invocation"
)

func TestPartsAreKeptFree(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		part       invocation.Part
		left, kept time.Duration
	}{
		"a whole invocation":         {invocation.Encode, invocation.Timeout, 200 * time.Millisecond},
		"a short one":                {invocation.Encode, 800 * time.Millisecond, 100 * time.Millisecond},
		"a quarter of a short one":   {invocation.Reconcile, 8 * time.Second, 2 * time.Second},
		"all of it after a deadline": {invocation.Commit, 0, 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				require.Equal(t, tt.kept, tt.part.Of(tt.left))
				ctx, cancel := context.WithTimeout(t.Context(), tt.left)
				defer cancel()
				kept, end := tt.part.Keep(ctx)
				defer end()
				deadline, ok := kept.Deadline()
				require.True(t, ok)
				require.Equal(t, tt.left-tt.kept, time.Until(deadline))
			})
		})
	}
	ctx, cancel := invocation.Encode.Keep(t.Context())
	_, ok := ctx.Deadline()
	require.False(t, ok, "nothing is kept of a time that has no end")
	cancel()
	require.Error(t, ctx.Err())
}

// What is kept leaves most of an invocation to the request, and a message that is begun with the
// least time can still write.
func TestDivisionLeavesTimeForWrites(t *testing.T) {
	t.Parallel()
	writing := func(left time.Duration) time.Duration {
		left -= invocation.Encode.Of(left)
		left -= invocation.Publish.Of(left)
		return left - invocation.Response.Of(left) - invocation.Commit.Of(left) - invocation.Reconcile.Of(left)
	}
	require.Greater(t, writing(invocation.Timeout), 20*time.Second)
	require.Greater(t, writing(invocation.MinMessage), 2*invocation.MinWrite)
	for _, part := range invocation.Parts() {
		require.NotEmpty(t, part.String())
		require.Positive(t, part.Length())
		require.Positive(t, part.Share())
	}
}
