package sendgrid

import (
	"net/http"
	"strconv"
	"testing"
	"time"
	"unsafe"

	"github.com/stretchr/testify/require"
)

func TestLimitTake(t *testing.T) {
	t.Parallel()
	const many = 100
	reset := time.Unix(1_700_000_000, 0)
	of7 := func(remaining int) RateLimit { return RateLimit{Limit: 7, Remaining: remaining, Reset: reset} }
	for name, tt := range map[string]struct {
		stated RateLimit
		share  float64
		after  time.Duration // since the reset
		calls  int           // that may be in flight at once
	}{
		"nothing is known":                         {RateLimit{}, 1, 0, many},
		"used up":                                  {of7(0), 1, -1, 0},
		"one is left":                              {of7(1), 1, -1, 1},
		"some are left":                            {of7(5), 1, -1, 5},
		"half of what is left":                     {of7(5), .5, -1, 2},
		"one at least":                             {of7(5), .01, -1, 1},
		"the next window":                          {of7(0), 1, 0, 7},
		"the next window, of one call":             {RateLimit{Limit: 1, Reset: reset}, 1, 0, 1},
		"half of the next window":                  {of7(5), .5, 0, 3},
		"the next window is believed in, still":    {of7(0), 1, time.Minute - 1, 7},
		"the next window is believed in no more":   {of7(0), .5, time.Minute, many},
		"refused until a time":                     {RateLimit{Reset: reset}, 1, -1, 0},
		"refused until a time, and no limit known": {RateLimit{Reset: reset}, 1, 0, many},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			now := reset.Add(tt.after)
			l := &limit{RateLimit: tt.stated, share: tt.share}
			for range tt.calls {
				_, ok := l.take(now)
				require.True(t, ok)
			}
			next, ok := l.take(now)
			require.Equal(t, tt.calls == many, ok)
			if tt.calls == 0 {
				now = reset // For another call a response may come any time.
			}
			require.Equal(t, now, next)
		})
	}
}

func TestLimitEnd(t *testing.T) {
	t.Parallel()
	at := func(remaining int, seconds int64) RateLimit {
		return RateLimit{Limit: 9, Remaining: remaining, Reset: time.Unix(1_700_000_000+seconds, 0)}
	}
	for name, tt := range map[string]struct {
		before RateLimit
		status int
		stated RateLimit
		want   RateLimit
		share  float64
	}{
		"the first response":               {RateLimit{}, 200, at(5, 0), at(5, 0), .51},
		"a response that states nothing":   {at(5, 0), 200, RateLimit{}, at(5, 0), .51},
		"no response":                      {at(5, 0), 0, RateLimit{}, at(5, 0), .51},
		"fewer are left":                   {at(5, 0), 200, at(4, 0), at(4, 0), .51},
		"a response that was overtaken":    {at(5, 0), 500, at(6, 0), at(5, 0), .51},
		"the next window":                  {at(5, 0), 404, at(6, 1), at(6, 1), .51},
		"the one before was wrong":         {at(5, 1), 200, at(6, 0), at(6, 0), .51},
		"a refusal":                        {at(5, 0), 429, at(0, 0), at(0, 0), .357},
		"a refusal that leaves some":       {at(5, 0), 429, at(5, 1), at(0, 1), .357},
		"a refusal that states nothing":    {at(5, 0), 429, RateLimit{}, at(5, 0), .357},
		"a refusal that states a time":     {at(5, 0), 429, RateLimit{Reset: at(0, 1).Reset}, RateLimit{Reset: at(0, 1).Reset}, .357},
		"a refusal that states a past one": {at(5, 1), 429, at(3, 0), at(0, 0), .357},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l := &limit{RateLimit: tt.before, inFlight: 3, share: .5}
			l.end(tt.status, tt.stated)
			require.Equal(t, tt.want, l.RateLimit)
			require.Equal(t, 2, l.inFlight)
			require.InDelta(t, tt.share, l.share, .0001)
		})
	}
	l := &limit{share: 1}
	l.end(http.StatusOK, RateLimit{})
	require.InDelta(t, 1, l.share, 0, "there is no more than all")
}

// frozen returns what the clocks show in a process that was frozen for some seconds: the wall
// clock has gone on, and the monotonic clock has not. Only the layout of time.Time allows to
// make such a reading, and the test below checks it.
func frozen(now time.Time, seconds uint64) time.Time {
	const nanosecondBits = 30
	*(*uint64)(unsafe.Pointer(&now)) += seconds << nanosecondBits
	return now
}

// A limit is used by the wall clock: what was used up before the process was frozen has
// reset when it goes on.
func TestLimitResetsWhileTheProcessIsFrozen(t *testing.T) {
	t.Parallel()
	now := time.Now()
	require.Equal(t, 59*time.Second, frozen(now, 59).Round(0).Sub(now.Round(0)), "the wall clock")
	require.Zero(t, frozen(now, 59).Sub(now), "the monotonic clock")
	inAnHour := stated("500", "0", strconv.FormatInt(now.Unix()+3600, 10))
	for _, header := range []http.Header{inAnHour, {"Retry-After": {"3600"}}} {
		var p pacer
		l := p.limit(OpCreateIntegration)
		require.InDelta(t, 1, l.share, 0, "of all that is left, before a refusal")
		l.end(http.StatusTooManyRequests, parseRateLimit(header, http.StatusTooManyRequests, now))
		_, early := l.take(frozen(now, 58))
		require.False(t, early, header)
		_, ok := l.take(frozen(now, 61))
		require.True(t, ok, header)
	}
}
