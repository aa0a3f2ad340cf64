package protocol

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestOrder(t *testing.T) {
	t.Parallel()
	at := func(sent, received time.Duration) Order { return NewOrder(now.Add(sent), now.Add(received)) }
	for name, tt := range map[string]struct {
		a, b   Order
		before bool
	}{
		"sent before":                            {at(0, time.Hour), at(time.Second, time.Minute), true},
		"sent after":                             {at(time.Second, time.Minute), at(0, time.Hour), false},
		"sent at the same time, received before": {at(0, 0), at(0, time.Second), true},
		"sent at the same time, received after":  {at(0, time.Second), at(0, 0), false},
		"equal":                                  {at(0, 0), at(0, 0), false},
		"within a millisecond":                   {at(0, 0), at(0, time.Microsecond), false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			require.Equal(t, tt.before, tt.a.Before(tt.b))
		})
	}
	require.Equal(t, Order{Sent: now, Received: now}, NewOrder(time.Time{}, now), "nobody says when it was sent")
	require.Equal(t, now.Add(time.Minute), at(time.Minute, 0).Sent, "a clock that is ahead by a minute is believed")
	require.Equal(t, now.Add(time.Minute), at(time.Hour, 0).Sent, "a clock that is further ahead is not")
	require.True(t, at(time.Minute, 0).Before(at(time.Hour, time.Second)), "the requests of one sender stay in their order")
	require.Equal(t, at(0, 0), NewOrder(now.Add(time.Microsecond), now.Add(time.Microsecond)), "the ledger stores milliseconds")
	require.Equal(t, at(1, 0), latest(at(1, 0), at(0, 0)))
	require.Equal(t, at(1, 0), latest(at(0, 0), at(1, 0)))
}
