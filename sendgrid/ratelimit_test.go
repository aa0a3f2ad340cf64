package sendgrid

import (
	"math"
	"net/http"
	"strconv"
	"testing"
	"time"
	"unsafe"

	"github.com/stretchr/testify/require"
)

// stated is the header of an answer that states a rate limit.
func stated(limit, remaining, reset string) http.Header {
	h := http.Header{}
	h.Set("X-RateLimit-Limit", limit)
	h.Set("X-RateLimit-Remaining", remaining)
	h.Set("X-RateLimit-Reset", reset)
	return h
}

func TestParseRateLimit(t *testing.T) {
	t.Parallel()
	now := time.Now() // It has a monotonic reading, which the result must not have.
	epoch := now.Unix()
	in := func(seconds int64) string { return strconv.FormatInt(epoch+seconds, 10) }
	limit := func(limit, remaining int, reset time.Time) RateLimit {
		return RateLimit{Limit: limit, Remaining: remaining, Reset: reset}
	}
	minute := now.Round(0).Add(time.Minute)
	without := func(h http.Header, name string) http.Header { h.Del(name); return h }
	for name, tt := range map[string]struct {
		header http.Header
		want   RateLimit
	}{
		"nothing is stated":            {http.Header{}, RateLimit{}},
		"plain":                        {stated("500", "499", in(30)), limit(500, 499, time.Unix(epoch+30, 0))},
		"used up":                      {stated("500", "0", in(30)), limit(500, 0, time.Unix(epoch+30, 0))},
		"not used yet":                 {stated("500", "500", in(30)), limit(500, 500, time.Unix(epoch+30, 0))},
		"one a window":                 {stated("1", "0", in(30)), limit(1, 0, time.Unix(epoch+30, 0))},
		"the next second":              {stated("500", "1", in(1)), limit(500, 1, time.Unix(epoch+1, 0))},
		"more than a minute ahead":     {stated("500", "1", in(62)), limit(500, 1, minute)},
		"20 hours ahead":               {stated("500", "1", in(20*3600)), limit(500, 1, minute)},
		"20 hours ahead, used up":      {stated("500", "0", in(20*3600)), limit(500, 0, minute)},
		"a day ahead":                  {stated("500", "1", in(24*3600)), limit(500, 1, minute)},
		"more than a day ahead":        {stated("500", "0", in(24*3600+2)), RateLimit{}},
		"year 9999":                    {stated("500", "0", "253402300799"), RateLimit{}},
		"milliseconds":                 {stated("500", "0", in(30)+"000"), RateLimit{}},
		"seconds to go":                {stated("500", "0", "30"), RateLimit{}},
		"this second":                  {stated("500", "0", in(0)), RateLimit{}},
		"past":                         {stated("500", "0", in(-10)), RateLimit{}},
		"reset is the largest number":  {stated("500", "0", strconv.Itoa(math.MaxInt)), RateLimit{}},
		"reset is larger than any":     {stated("500", "0", "99999999999999999999"), RateLimit{}},
		"reset is the smallest number": {stated("500", "0", strconv.Itoa(math.MinInt)), RateLimit{}},
		"reset is a date":              {stated("500", "0", now.Add(time.Minute).UTC().Format(http.TimeFormat)), RateLimit{}},
		"reset is missing":             {without(stated("500", "0", ""), "X-RateLimit-Reset"), RateLimit{}},
		"remaining is missing":         {without(stated("500", "", in(30)), "X-RateLimit-Remaining"), RateLimit{}},
		"remaining is empty":           {stated("500", "", in(30)), RateLimit{}},
		"remaining is not a number":    {stated("500", "many", in(30)), RateLimit{}},
		"remaining is a fraction":      {stated("500", "1.5", in(30)), RateLimit{}},
		"remaining is negative":        {stated("500", "-1", in(30)), RateLimit{}},
		"more remains than there is":   {stated("500", "501", in(30)), RateLimit{}},
		"two values in one":            {stated("500", "1, 2", in(30)), RateLimit{}},
		"limit is missing":             {without(stated("", "0", in(30)), "X-RateLimit-Limit"), RateLimit{}},
		"limit is not a number":        {stated("many", "0", in(30)), RateLimit{}},
		"limit is negative":            {stated("-1", "0", in(30)), RateLimit{}},
		"limit is nothing":             {stated("0", "0", in(30)), RateLimit{}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for _, status := range []int{http.StatusOK, http.StatusTooManyRequests} {
				require.Equal(t, tt.want, parseRateLimit(tt.header, status, now), "status %d", status)
			}
		})
	}
}

func TestParseRetryAfter(t *testing.T) {
	t.Parallel()
	now := time.Now()
	in := func(d time.Duration) RateLimit { return RateLimit{Reset: now.Round(0).Add(d)} }
	reset := strconv.FormatInt(now.Unix()+45, 10)
	for name, tt := range map[string]struct {
		retryAfter string
		header     http.Header
		want       RateLimit
	}{
		"a second":                  {"1", nil, in(time.Second)},
		"half a minute":             {"30", nil, in(30 * time.Second)},
		"23 hours":                  {"82800", nil, in(time.Minute)},
		"a day":                     {"86400", nil, in(time.Minute)},
		"more than a day":           {"86401", nil, RateLimit{}},
		"would overflow to seconds": {"18446744074", nil, RateLimit{}},
		"the largest number":        {strconv.Itoa(math.MaxInt), nil, RateLimit{}},
		"nothing":                   {"0", nil, RateLimit{}},
		"negative":                  {"-5", nil, RateLimit{}},
		"a date is not understood":  {now.Add(time.Minute).UTC().Format(http.TimeFormat), nil, RateLimit{}},
		"beside a plain limit": {"30", stated("500", "0", reset), RateLimit{
			Limit: 500, Reset: time.Unix(now.Unix()+45, 0),
		}},
		"beside a reset alone":         {"30", http.Header{"X-Ratelimit-Reset": {reset}}, in(30 * time.Second)},
		"beside a reset that is wrong": {"30", stated("500", "0", "soon"), in(30 * time.Second)},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := tt.header.Clone()
			if h == nil {
				h = http.Header{}
			}
			h.Set("Retry-After", tt.retryAfter)
			require.Equal(t, tt.want, parseRateLimit(h, http.StatusTooManyRequests, now))
			if tt.want.Limit == 0 {
				require.Zero(t, parseRateLimit(h, http.StatusOK, now), "only a refusal is about the next request")
			}
		})
	}
}

// frozen returns what the clocks show in a process that was frozen for some seconds: the wall
// clock has gone on, and the monotonic clock has not. Only the layout of time.Time allows to
// make such a reading, and the test below checks it.
func frozen(now time.Time, seconds uint64) time.Time {
	const nanosecondBits = 30
	*(*uint64)(unsafe.Pointer(&now)) += seconds << nanosecondBits
	return now
}

// A limit is believed by the wall clock: what was used up before the process was frozen has
// reset when it goes on.
func TestRateLimitResetsWhileTheProcessIsFrozen(t *testing.T) {
	t.Parallel()
	now := time.Now()
	require.Equal(t, 59*time.Second, frozen(now, 59).Round(0).Sub(now.Round(0)), "the wall clock")
	require.Zero(t, frozen(now, 59).Sub(now), "the monotonic clock")
	for name, header := range map[string]http.Header{
		"reset in a minute":      stated("500", "0", strconv.FormatInt(now.Unix()+60, 10)),
		"reset in an hour":       stated("500", "0", strconv.FormatInt(now.Unix()+3600, 10)),
		"Retry-After of an hour": {"Retry-After": {"3600"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var p pacer
			b := p.budget(OpCreateIntegration)
			b.window = &window{inFlight: 1}
			b.answered(b.window, http.StatusTooManyRequests, parseRateLimit(header, http.StatusTooManyRequests, now), now)
			require.Positive(t, b.wait(frozen(now, 58), true))
			require.Zero(t, max(0, b.wait(frozen(now, 61), true)))
		})
	}
}
