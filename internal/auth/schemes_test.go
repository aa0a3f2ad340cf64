package auth_test

import (
	"iter"
	"net/http"
	"runtime"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// The old secret and the new one are valid as long as they are configured. A scheme without
// any is disabled: it does not use those of other schemes.
func TestRotationOfEachScheme(t *testing.T) {
	t.Parallel()
	eachSender(t, func(t *testing.T, s sender) {
		t.Helper()
		for name, texts := range map[string][]string{"old": {s.old}, "both": {s.new, s.old}, "new": {s.new}, "twice": {s.new, s.new}} {
			v := configured(t, only(s.field, texts...))
			for _, text := range []string{s.old, s.new} {
				scheme, err := v.Authenticate(t.Context(), s.prove(text, body), []byte(body))
				if text == texts[0] || text == texts[len(texts)-1] {
					require.NoError(t, err, name)
					require.Equal(t, s.field, scheme)
				} else {
					requireRejected(t, err, s.field+": the ")
					require.ErrorContains(t, err, "configured")
					require.Empty(t, scheme)
				}
			}
		}
		others := everything()
		delete(others, s.field)
		err := verify(t.Context(), configured(t, others), s.prove(s.new, body), []byte(body))
		requireRejected(t, err, s.field+": no "+s.field+" secret is configured")
	})
}

func TestFlippedBit(t *testing.T) {
	t.Parallel()
	eachSender(t, func(t *testing.T, s sender) {
		t.Helper()
		v, header := configured(t, everything()), s.prove(s.new, body)
		for name := range header {
			prefix := ""
			if name == s.proof {
				prefix = s.prefix
			}
			for changed := range flips(header.Get(name)[len(prefix):]) {
				err := verify(t.Context(), v, with(header, name, prefix+changed), []byte(body))
				requireRejected(t, err, s.field+": ")
			}
		}
		for changed := range flips(body) {
			err := verify(t.Context(), v, header, []byte(changed))
			require.Equal(t, s.static, err == nil, changed)
		}
	})
}

// flips yields a text with each of its bits flipped, one at a time.
func flips(text string) iter.Seq[string] {
	return func(yield func(string) bool) {
		for i := range len(text) * 8 {
			changed := []byte(text)
			changed[i/8] ^= 1 << (i % 8)
			if !yield(string(changed)) {
				return
			}
		}
	}
}

func TestBearer(t *testing.T) {
	t.Parallel()
	const mismatch, noBearer = "not one of those configured", "does not begin with Bearer"
	for value, rejected := range map[string]string{ // empty if the caller is authenticated
		"bearer " + newSecret:                          "",
		"BEARER " + newSecret:                          "",
		"Bearer   " + newSecret + " ":                  "",
		newSecret:                                      noBearer,
		"Bearer" + newSecret:                           noBearer,
		"Bearer\t" + newSecret:                         noBearer,
		" Bearer " + newSecret:                         noBearer,
		"AWS4-HMAC-SHA256 Credential=x":                noBearer,
		"":                                             noBearer,
		"Bearer":                                       mismatch,
		"Bearer Bearer " + newSecret:                   mismatch,
		"Bearer " + strings.ToUpper(newSecret):         mismatch,
		"Bearer " + newSecret[:len(newSecret)-1]:       mismatch,
		"Bearer " + newSecret + "0":                    mismatch,
		"Bearer " + oldSecret + " " + newSecret:        mismatch,
		"Bearer " + newSecret + ",Bearer " + newSecret: mismatch,
	} {
		t.Run(value, func(t *testing.T) {
			t.Parallel()
			err := verify(t.Context(), configured(t, only("bearer", oldSecret, newSecret)), bearer(value), []byte("{}"))
			if rejected == "" {
				require.NoError(t, err)
				return
			}
			requireRejected(t, err, "bearer: ")
			require.ErrorContains(t, err, rejected)
			require.NotContains(t, err.Error(), "secret-0123456789")
		})
	}
}

// Every scheme rejects a proof that is there twice or is very long.
func TestBoundsOfEachScheme(t *testing.T) {
	t.Parallel()
	eachSender(t, func(t *testing.T, s sender) {
		t.Helper()
		header := s.prove(s.new, body)
		good := header.Get(s.proof)
		rejected := func(reason string, values ...string) {
			t.Helper()
			requireRejected(t, verify(t.Context(), withoutSecrets(), with(header, s.proof, values...), []byte(body)), reason)
		}
		rejected("there is more than one "+s.proof+" header", good, good)
		rejected("there is more than one "+s.proof+" header", good, "")
		rejected("there is more than one "+s.proof+" header", make([]string, 100_000)...)
		rejected("the "+s.proof+" header is longer than 4096 bytes", good+strings.Repeat(" ", 4096))
		rejected("the "+s.proof+" header is longer than 4096 bytes", strings.Repeat("v1,A ", 200_000))
		// API Gateway joins headers of the same name with a comma.
		v := configured(t, everything())
		require.Error(t, verify(t.Context(), v, with(header, s.proof, good+","+good), []byte(body)))
	})
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

// FuzzStaticSecret searches for a header that is accepted though it is not the secret.
func FuzzStaticSecret(f *testing.F) {
	all := senders()
	key, value, token := all["api key"], all["authorization"], all["bearer"]
	for _, seed := range []string{
		key.new, key.old + "\t", value.new, " " + value.old, "Bearer " + value.old, "Bearer " + token.new,
		"bearer  " + token.old + "\t", "Basic x", "Bearer", "", token.new, "Bearer " + token.old + "," + token.new,
	} {
		f.Add(seed, "")
		f.Add(seed, key.new)
	}
	v := configured(f, everything())
	f.Fuzz(func(t *testing.T, first, second string) {
		values := []string{first}
		if second != "" {
			values = append(values, second)
		}
		acceptable := second == "" && len(first) <= 4096
		text := strings.TrimSpace(first)
		requireOutcome(t, acceptable && (text == key.old || text == key.new), verify(t.Context(), v, http.Header{"X-Api-Key": values}, nil))
		word, after, _ := strings.Cut(first, " ")
		after = strings.TrimSpace(after)
		good := text == value.old || text == value.new || strings.EqualFold(word, "Bearer") && (after == token.old || after == token.new)
		requireOutcome(t, acceptable && good, verify(t.Context(), v, bearer(values...), nil))
	})
}
