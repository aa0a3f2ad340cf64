package sendgrid

import (
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestParseRateLimit(t *testing.T) {
	t.Parallel()
	now := time.Unix(1_700_000_000, 0)
	in := func(d time.Duration) RateLimit { return RateLimit{Reset: now.Add(d)} }
	tests := []struct {
		name   string
		header map[string]string
		want   RateLimit
	}{
		{name: "missing"},
		{
			name:   "as documented",
			header: map[string]string{"X-RateLimit-Limit": "500", "X-RateLimit-Remaining": "499", "X-RateLimit-Reset": "1700000060"},
			want:   RateLimit{Limit: 500, Remaining: 499, Reset: now.Add(time.Minute)},
		},
		{name: "lower case", header: map[string]string{"x-ratelimit-reset": "1700000060"}, want: in(time.Minute)},
		{name: "now", header: map[string]string{"X-RateLimit-Reset": "1700000000"}, want: in(0)},
		{name: "just past, by a clock that is behind", header: map[string]string{"X-RateLimit-Reset": "1699999990"}, want: in(-10 * time.Second)},
		{name: "a day ahead", header: map[string]string{"X-RateLimit-Reset": "1700086400"}, want: in(24 * time.Hour)},
		{name: "more than a day ahead", header: map[string]string{"X-RateLimit-Reset": "1700086401"}},
		{name: "more than a day past", header: map[string]string{"X-RateLimit-Reset": "1699913599"}},
		{name: "milliseconds", header: map[string]string{"X-RateLimit-Reset": "1700000060000"}},
		{name: "seconds to go", header: map[string]string{"X-RateLimit-Reset": "60"}},
		{name: "the largest number", header: map[string]string{"X-RateLimit-Reset": "9223372036854775807"}},
		{name: "the smallest number", header: map[string]string{"X-RateLimit-Reset": "-9223372036854775808"}},
		{name: "larger than any number", header: map[string]string{"X-RateLimit-Reset": "99999999999999999999", "X-RateLimit-Limit": "99999999999999999999"}},
		{
			name:   "negative",
			header: map[string]string{"X-RateLimit-Limit": "-1", "X-RateLimit-Remaining": "-1", "X-RateLimit-Reset": "-1"},
		},
		{
			name:   "no numbers",
			header: map[string]string{"X-RateLimit-Limit": "many", "X-RateLimit-Remaining": "1.5", "X-RateLimit-Reset": "soon"},
		},
		{name: "Retry-After", header: map[string]string{"Retry-After": "30"}, want: in(30 * time.Second)},
		{name: "Retry-After of a day", header: map[string]string{"Retry-After": "86400"}, want: in(24 * time.Hour)},
		{name: "Retry-After of more than a day", header: map[string]string{"Retry-After": "86401"}},
		{name: "Retry-After beyond all time", header: map[string]string{"Retry-After": "9223372036854775807"}},
		{name: "Retry-After 0", header: map[string]string{"Retry-After": "0"}},
		{name: "Retry-After negative", header: map[string]string{"Retry-After": "-5"}},
		{name: "Retry-After as a date is not understood", header: map[string]string{"Retry-After": "Tue, 14 Nov 2023 22:14:20 GMT"}},
		{
			name:   "X-RateLimit-Reset is preferred",
			header: map[string]string{"X-RateLimit-Reset": "1700000060", "Retry-After": "30"},
			want:   in(time.Minute),
		},
		{
			name:   "Retry-After beside a reset that cannot be",
			header: map[string]string{"X-RateLimit-Reset": "60", "Retry-After": "30"},
			want:   in(30 * time.Second),
		},
		{
			name:   "Retry-After beside a reset that is no number",
			header: map[string]string{"X-RateLimit-Reset": "soon", "Retry-After": "30"},
			want:   in(30 * time.Second),
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			header := http.Header{}
			for name, value := range tt.header {
				header.Set(name, value)
			}
			got := parseRateLimit(header, now)
			require.Equal(t, tt.want, got)
		})
	}
}
