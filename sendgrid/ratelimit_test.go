package sendgrid

import (
	"math"
	"net/http"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// stated is the header of a response that states a rate limit.
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
		"reset is the smallest number": {stated("500", "0", strconv.Itoa(math.MinInt)), RateLimit{}},
		"reset is missing":             {stated("500", "0", ""), RateLimit{}},
		"remaining is missing":         {stated("500", "", in(30)), RateLimit{}},
		"remaining is not a number":    {stated("500", "many", in(30)), RateLimit{}},
		"remaining is negative":        {stated("500", "-1", in(30)), RateLimit{}},
		"more remains than there is":   {stated("500", "501", in(30)), RateLimit{}},
		"two values in one":            {stated("500", "1, 2", in(30)), RateLimit{}},
		"limit is missing":             {stated("", "0", in(30)), RateLimit{}},
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

// Only a refusal is about the next request.
func TestParseRetryAfter(t *testing.T) {
	t.Parallel()
	now := time.Now()
	reset := strconv.FormatInt(now.Unix()+45, 10)
	for retryAfter, until := range map[string]time.Duration{
		"1": time.Second, "30": 30 * time.Second, "82800": time.Minute, "86400": time.Minute, "86401": 0,
		"18446744074": 0, "9223372036854775807": 0, "0": 0, "-5": 0, "-18446744073": 0, "Tue, 14 Nov 2023 22:14:20 GMT": 0,
	} {
		var want RateLimit
		if until > 0 {
			want.Reset = now.Round(0).Add(until)
		}
		plain := RateLimit{Limit: 500, Reset: time.Unix(now.Unix()+45, 0)}
		for limit, want := range map[string]RateLimit{"500": plain, "": want, "many": want} {
			h := stated(limit, "0", reset)
			h.Set("Retry-After", retryAfter)
			require.Equal(t, want, parseRateLimit(h, http.StatusTooManyRequests, now), "%s beside %q", retryAfter, limit)
			if limit != "500" {
				require.Zero(t, parseRateLimit(h, http.StatusServiceUnavailable, now), "%s beside %q", retryAfter, limit)
			}
		}
	}
	require.True(t, plausible(1) && !plausible(0))
}
