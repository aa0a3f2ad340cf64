package auth_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// BenchmarkVerify measures what each scheme adds to a call, with two secrets during a
// rotation and a body as it usually is.
func BenchmarkVerify(b *testing.B) {
	v := knows(b, everything())
	usual := []byte(strings.Repeat("a", 1024))
	for name, s := range senders() {
		b.Run(name, func(b *testing.B) {
			header := s.prove(s.old, string(usual))
			require.NoError(b, v.Verify(b.Context(), header, usual))
			b.ReportAllocs()
			for b.Loop() {
				_ = v.Verify(b.Context(), header, usual)
			}
		})
	}
}

// BenchmarkVerifyWorst measures what a stranger can make of it: all schemes at once, with
// the largest body that is let in and the most signatures.
func BenchmarkVerifyWorst(b *testing.B) {
	largest, header := []byte(strings.Repeat("a", 64<<10)), http.Header{}
	for _, s := range senders() {
		for name, values := range s.prove(s.new, "another body") {
			header[name] = values
		}
	}
	for _, name := range []string{"Webhook-Signature", "Svix-Signature"} {
		header.Set(name, strings.Repeat(header.Get(name)+" ", 15)+header.Get(name))
	}
	header.Set("Authorization", "Bearer "+strings.Repeat("a", 4000))
	header.Set("X-Api-Key", strings.Repeat("a", 4096))
	v := knows(b, everything())
	b.ReportAllocs()
	for b.Loop() {
		_ = v.Verify(b.Context(), header, largest)
	}
}

// BenchmarkVerifyMillion measures a signature of a million characters.
func BenchmarkVerifyMillion(b *testing.B) {
	v, s := knows(b, everything()), senders()["standard webhooks"]
	header := with(s.prove(s.new, body), "Webhook-Signature", strings.Repeat("v1,A ", 200_000))
	b.ReportAllocs()
	for b.Loop() {
		_ = v.Verify(b.Context(), header, []byte(body))
	}
}
