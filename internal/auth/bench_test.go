package auth_test

import (
	"net/http"
	"runtime"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// BenchmarkVerify measures what each scheme adds to a call, with two secrets as during a
// rotation and a body of typical size.
func BenchmarkVerify(b *testing.B) {
	v := configured(b, everything())
	typical := []byte(strings.Repeat("a", 1024))
	for name, s := range senders() {
		b.Run(name, func(b *testing.B) {
			header := s.prove(s.old, string(typical))
			require.NoError(b, verify(b.Context(), v, header, typical))
			b.ReportAllocs()
			for b.Loop() {
				_ = verify(b.Context(), v, header, typical)
			}
		})
	}
}

// BenchmarkVerifyWorst measures the most expensive request that a stranger can send: all
// schemes at once, with the largest body that is accepted and the most signatures.
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
	v := configured(b, everything())
	b.ReportAllocs()
	for b.Loop() {
		_ = verify(b.Context(), v, header, largest)
	}
}

// BenchmarkVerifyMillion measures a signature header of a million characters.
func BenchmarkVerifyMillion(b *testing.B) {
	v, s := configured(b, everything()), senders()["standard webhooks"]
	header := with(s.prove(s.new, body), "Webhook-Signature", strings.Repeat("v1,A ", 200_000))
	b.ReportAllocs()
	for b.Loop() {
		_ = verify(b.Context(), v, header, []byte(body))
	}
}

// A header of a million characters costs no more memory than one of the right length. The
// test is not parallel, because it measures the whole process.
func TestLongHeaderCostsNoMemory(t *testing.T) {
	v := configured(t, everything())
	for name, s := range senders() {
		header := s.prove(s.new, body)
		for _, text := range []string{header.Get(s.proof), " "} {
			long := with(header, s.proof, strings.Repeat(text+" ", 1_000_000/(len(text)+1)))
			require.Less(t, allocated(func() { _ = verify(t.Context(), v, long, []byte(body)) }), uint64(2<<10), name)
		}
	}
}

// allocated returns how many bytes a call allocates.
func allocated(call func()) uint64 {
	const times = 20
	var before, after runtime.MemStats
	call()
	runtime.ReadMemStats(&before)
	for range times {
		call()
	}
	runtime.ReadMemStats(&after)
	return (after.TotalAlloc - before.TotalAlloc) / times
}
